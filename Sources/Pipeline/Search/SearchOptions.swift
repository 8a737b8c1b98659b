public import ProxySearch

// What commands need of the modules below, so that they import this one alone.
public typealias SearchSettings = ProxySearch.SearchSettings
public typealias SearchProgress = ProxySearch.SearchProgress
public typealias SearchFitness = ProxySearch.Fitness
public typealias TemplateController = ProxySearch.TemplateController
public typealias PromptTemplate = ProxySearch.PromptTemplate
public typealias PromptTemplates = ProxySearch.PromptTemplates

/// What `tapq search` is asked for.
public struct SearchOptions: Sendable {
  /// A network that fitness is measured on.
  public struct Network: Sendable {
    public var model: String
    public var calibration: [String]
    public var preprocessing: Preprocessing

    public init(model: String, calibration: [String], preprocessing: Preprocessing) {
      self.model = model
      self.calibration = calibration
      self.preprocessing = preprocessing
    }
  }

  /// Who answers the prompts.
  public enum Generator: Sendable, Equatable {
    case grammar
    case endpoint(address: String, model: String, key: String?)
    case command(String)

    /// What reports and files say; no address, which may be private.
    var name: String {
      switch self {
      case .grammar: "grammar"
      case .endpoint(_, let model, _): model
      case .command: "command"
      }
    }
  }

  public var networks: [Network]
  /// How every network is calibrated and rounded, and the limits of the plans whose fidelity
  /// counts; its model, samples and output are not looked at.
  public var quantize: QuantizeOptions
  public var settings = SearchSettings()
  /// Bits on average of the random plans; also of the chosen plans where there is no limit.
  public var budgets: [Double] = [3, 4, 5]
  /// Random plans for each budget.
  public var plans = 60
  /// Samples that plans are judged on, besides those of the calibration.
  public var heldOut = 128
  public var generator = Generator.grammar
  public var temperature = 0.8
  /// Seconds for a reply.
  public var timeout = 120.0
  public var llmAttempts = 5
  /// Dollars for a million tokens of prompts and of replies.
  public var price: (prompt: Double, completion: Double)?
  public var templates = PromptTemplates.shipped
  /// Folder of the log and of replies.
  public var state: String?
  /// Folder of outcomes; nil for the user's cache.
  public var cache: String?
  public var output: String
  public var overwrite = false

  public init(networks: [Network], quantize: QuantizeOptions, output: String) {
    self.networks = networks
    self.quantize = quantize
    self.output = output
  }
}
