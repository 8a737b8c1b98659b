/// A device as far as fitting a network to it goes: memories, precisions, what kernels cost.
public struct HardwareProfile: Sendable, Codable, Equatable {
  /// Bytes, read-only constants and working memory apart.
  public struct Memory: Sendable, Codable, Equatable {
    public enum Home: String, Sendable, Codable, CaseIterable { case flash, ram }

    /// For constants; nil where storage is no concern.
    public var flash: Int?
    public var ram: Int?
    /// Where weights lie while the network runs: in flash, or copied to RAM beside the activations.
    public var weights: Home
    /// Bytes of the last cache that holds weights at full speed; nil where there is none.
    public var cache: Int?

    public init(flash: Int? = nil, ram: Int? = nil, weights: Home = .flash, cache: Int? = nil) {
      self.flash = flash
      self.ram = ram
      self.weights = weights
      self.cache = cache
    }
  }

  /// Widths that operators can have on the device.
  public struct Precision: Sendable, Codable, Equatable {
    public enum Granularity: String, Sendable, Codable, CaseIterable {
      case tensor
      case channel
      case block
    }

    /// ONNX operators; empty is all that have weights.
    public var operators: [String]
    /// Bits; 32 is float.
    public var weights: [Int]
    public var activations: [Int]
    public var granularity: Granularity
    /// Of weights with a scale for each block.
    public var blockSizes: [Int]
    /// Whether weights have no zero point.
    public var isSymmetric: Bool

    private enum CodingKeys: String, CodingKey {
      case operators, weights, activations, granularity
      case blockSizes = "block_sizes"
      case isSymmetric = "symmetric"
    }

    public init(
      operators: [String] = [], weights: [Int], activations: [Int] = [8],
      granularity: Granularity = .channel, blockSizes: [Int] = [], isSymmetric: Bool = true
    ) {
      self.operators = operators
      self.weights = weights
      self.activations = activations
      self.granularity = granularity
      self.blockSizes = blockSizes
      self.isSymmetric = isSymmetric
    }
  }

  /// Where the figures come from.
  public struct Provenance: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
      /// By this tool on the device: `tool`, `date`, `host` and `fitError` say when and how well.
      case measured
      /// Fitted to figures that others published: `source` says where, `figures` which.
      case published
      /// From the maker's documents: `source`.
      case datasheet
    }

    public var kind: Kind
    public var source: String?
    public var figures: String?
    public var tool: String?
    public var date: String?
    public var host: String?
    /// Median relative error over what it was fitted to.
    public var fitError: Double?

    private enum CodingKeys: String, CodingKey {
      case kind, source, figures, tool, date, host
      case fitError = "fit_error"
    }

    public init(
      kind: Kind, source: String? = nil, figures: String? = nil, tool: String? = nil,
      date: String? = nil, host: String? = nil, fitError: Double? = nil
    ) {
      self.kind = kind
      self.source = source
      self.figures = figures
      self.tool = tool
      self.date = date
      self.host = host
      self.fitError = fitError
    }
  }

  public var name: String
  public var title: String
  /// Whose inference software the costs stand for.
  public var software: String?
  public var cores: Int
  /// Hertz.
  public var clock: Double
  public var memory: Memory
  public var precisions: [Precision]
  /// The first that covers a workload counts.
  public var kernels: [KernelCost]
  /// Seconds of every inference, whatever its layers.
  public var inferenceSeconds: Double
  /// Seconds for each element that a step writes of which another core reads a part, see
  /// `exchanged`.
  public var exchangeSeconds: Double
  public var provenance: Provenance

  private enum CodingKeys: String, CodingKey {
    case name, title, software, cores, clock, memory, precisions, kernels, provenance
    case inferenceSeconds = "inference_seconds"
    case exchangeSeconds = "exchange_seconds"
  }

  public init(
    name: String, title: String, software: String? = nil, cores: Int, clock: Double,
    memory: Memory, precisions: [Precision], kernels: [KernelCost], inferenceSeconds: Double = 0,
    exchangeSeconds: Double = 0, provenance: Provenance
  ) {
    self.name = name
    self.title = title
    self.software = software
    self.cores = cores
    self.clock = clock
    self.memory = memory
    self.precisions = precisions
    self.kernels = kernels
    self.inferenceSeconds = inferenceSeconds
    self.exchangeSeconds = exchangeSeconds
    self.provenance = provenance
  }

  /// Weight widths that an operator can have beside activations of a width, and with a scale for each
  /// `block` of them where one is given; nil where the profile has nothing for it.
  public func weightBits(
    of op: String, activationBits: Int = 8, block: Int? = nil
  ) -> [Int]? {
    let fitting = precisions.filter {
      ($0.operators.isEmpty || $0.operators.contains(op)) && $0.activations.contains(activationBits)
        && block.map($0.blockSizes.contains) ?? true
    }
    return fitting.isEmpty ? nil : Set(fitting.flatMap(\.weights)).sorted()
  }

  /// Seconds of one step; nil where no kernel covers it. `weightBytes` is that of the network.
  public func seconds(
    of workload: KernelWorkload, threads: Int, weightBytes: Double
  ) -> Double? {
    let isFar = memory.cache.map { weightBytes > Double($0) } ?? false
    return kernel(for: workload, threads: threads)?.seconds(of: workload, isFar: isFar)
  }

  /// Activations of fewer than 8 bits lie in bytes: a kernel for 8 bits serves those that have none.
  func kernel(for workload: KernelWorkload, threads: Int) -> KernelCost? {
    var wide = workload
    wide.activationBits = max(8, workload.activationBits)
    return kernels.first { $0.covers(workload, threads: threads) }
      ?? kernels.first { $0.covers(wide, threads: threads) }
  }
}
