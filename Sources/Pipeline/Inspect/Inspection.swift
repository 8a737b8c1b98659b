import FloatRuntime
public import GraphIR
import IntegerRuntime
import ONNXFormat

/// `tapq inspect`: what a model costs and what of it cannot be run, found without running it.
public struct Inspection: Sendable, Equatable {
  public var statistics: GraphStatistics
  /// Names of the nodes whose operator is not implemented; the first output's name where a node
  /// has none.
  public var unsupported: [String]
  /// The same with their operators, for people.
  public var unsupportedLabels: [String]
  /// What the integer engine makes of it; nil for models without quantized layers, and where free
  /// axes of size 1 are too little for them.
  public var integers: IntegerOutline?
  /// Nil without a profile.
  public var device: DeviceFit?

  /// `shapes` gives sizes to inputs with free axes.
  public static func run(
    model path: String, shapes: [String: [Int]] = [:], limits: DeviceLimits? = nil
  ) throws -> Inspection {
    let model = try ONNXFile.load(path: path)
    return try ModelError.naming(path) {
      let nodes = try FloatEngine.unsupportedNodes(in: model)
      func sizes() throws -> [String: [Int]] {
        Dictionary(
          try FreeAxes.bind(of: model, to: shapes).map { ($0.input.name, $0.shape) },
          uniquingKeysWith: { first, _ in first })
      }
      let statistics = try GraphStatistics(
        model, inputShapes: shapes.isEmpty ? [:] : try sizes())
      let outline: Result<IntegerProfile, any Error>? =
        EngineKind(for: model) == .integer
        ? Result { try IntegerEngine(model: model).outline(inputShapes: try sizes()) } : nil
      let fit = try limits.flatMap { limits in
        try limits.profile.map {
          try DeviceFit(
            model, path: path, limits: limits, profile: $0, statistics: statistics,
            shapes: try sizes(), outline: outline?.get())
        }
      }
      return Inspection(
        statistics: statistics, unsupported: nodes.map { $0.name.isEmpty ? $0.identity : $0.name },
        unsupportedLabels: nodes.map(\.label),
        integers: nodes.isEmpty
          ? (try? outline?.get()).map { IntegerOutline($0, multiplications: statistics.macs) }
          : nil,
        device: fit)
    }
  }
}

/// Which parts of a quantized model run in integers, and in what memory.
public struct IntegerOutline: Sendable, Codable, Equatable {
  /// The share of all multiply-accumulates that integer kernels do.
  public var share: Double
  /// Bytes of packed weights, biases and multipliers.
  public var weightBytes: Int
  /// Bytes of the arena of quantized values, and of the largest set of them that live at once.
  public var arenaBytes: Int
  public var arenaLowerBound: Int
  /// The steps in order, with their kernels.
  public var steps: [Step]

  public struct Step: Sendable, Codable, Equatable {
    public var name: String
    public var kernel: String
  }

  private enum CodingKeys: String, CodingKey {
    case share, steps
    case weightBytes = "weight_bytes"
    case arenaBytes = "arena_bytes"
    case arenaLowerBound = "arena_lower_bound"
  }

  init(_ outline: IntegerProfile, multiplications: Int) {
    share =
      multiplications == 0
      ? 0 : Double(outline.integerMultiplications) / Double(multiplications)
    weightBytes = outline.weightBytes
    arenaBytes = outline.arenaBytes
    arenaLowerBound = outline.arenaLowerBound
    steps = outline.steps.map { Step(name: $0.name, kernel: $0.kernel) }
  }
}

extension Inspection: Encodable {
  private enum Key: String, CodingKey {
    case unsupported, integers, device, fits
    case predictedLatencyMilliseconds = "predicted_latency_ms"
  }

  /// The keys of the statistics, `unsupported`, and `integers` for quantized models; with a profile
  /// `device`, whether the model fits as it is, and its latency (that at 8 bits of float models).
  public func encode(to encoder: any Encoder) throws {
    try statistics.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(unsupported, forKey: .unsupported)
    try container.encodeIfPresent(integers, forKey: .integers)
    guard let device else { return }
    try container.encode(device, forKey: .device)
    try container.encode(device.asItIs.fits, forKey: .fits)
    try container.encode(
      (device.at8Bits ?? device.asItIs).predictedLatencyMilliseconds,
      forKey: .predictedLatencyMilliseconds)
  }
}
