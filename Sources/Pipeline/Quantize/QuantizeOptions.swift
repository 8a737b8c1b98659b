public import Calibration
public import ProxySearch
public import Quantization
public import WeightRounding

/// What `tapq quantize` is asked for.
public struct QuantizeOptions: Sendable {
  public var model: String
  public var output: String
  public var calibration: [String]
  public var preprocessing = Preprocessing()
  /// Calibration samples, spread evenly over the source.
  public var samples = 16
  /// Weights are rounded on variants of images besides.
  public var augments = true
  /// What the network must fit.
  public var device = DeviceLimits()
  /// Largest mean width of all weights of all quantizable layers.
  public var averageBits: Double?
  /// Widths that a layer may take.
  public var bits: [Int] = [2, 3, 4, 5, 6, 8]
  /// Widths that the input of a layer may take; nil: those of the profile, without one 8.
  public var activationBits: [Int]?
  /// Of no effect where `isWeightOnly`.
  public var attention = AttentionChoice.whereItPays
  /// Entries of a product's weights along the depth that share a scale; nil: all of a channel, and 32
  /// where `isWeightOnly`.
  public var block: Int?
  /// Groups of a layer's output channels that may take widths of their own.
  public var channelGroups = 1
  /// Predicts what layers suffer. Nil: that is measured, one layer at a time; with the fast effort or
  /// rounding to nearest it is the relative error of each layer's own output.
  public var proxy: Proxy?
  /// Width of tables that `Gather` looks vectors up in; nil leaves them float.
  public var embeddingBits: EmbeddingBits = .eight
  /// Other large constants that no layer quantizes are stored in 16-bit floats.
  public var storesHalfFloats = false
  public var storage = QuantizationPlan.Storage.cast
  public var range: RangeMethod = .mse
  public var rounding = RoundingMethod.gptq
  public var effort = RoundingEffort.balanced
  /// Shifts which positions of the calibration samples are looked at.
  public var seed = 0
  public var threads = 1
  /// Folder that keeps what is measured of the network for other runs; nil for none.
  public var cache: String?
  public var overwrite = false

  public init(model: String, output: String, calibration: [String]) {
    self.model = model
    self.output = output
    self.calibration = calibration
  }
}

extension QuantizeOptions {
  /// `2,4,8`: widths that weights may have, sorted; nil where one is not.
  public static func bits(_ text: String) -> [Int]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let widths = parts.compactMap { Int($0) }.filter(WeightRange.supportedBits.contains)
    return widths.count == parts.count ? Set(widths).sorted() : nil
  }

  /// `cast` or `native`.
  public static func storage(_ text: String) -> QuantizationPlan.Storage? {
    QuantizationPlan.Storage(rawValue: text)
  }

  /// Weights alone are quantized: layers compute in float.
  public var isWeightOnly: Bool { activationBits == [Precision.floatBits] }

  /// Entries that share a scale, nil where whole channels do.
  var scaleBlock: Int? { block ?? (isWeightOnly ? 32 : nil) }

  /// 16 to 256, a power of two; nil where it is not.
  public static func block(_ size: Int) -> Int? { [16, 32, 64, 128, 256].first { $0 == size } }

  /// Whether weights are rounded by running the network again, layer after layer, and damage is measured
  /// at its outputs.
  public var roundsOnNetwork: Bool {
    switch rounding {
    case .nearest: false
    case .gptq: effort != .fast
    case .adaround, .block: true
    }
  }

  /// `nearest`, `gptq`, `adaround` or `block`.
  public static func rounding(_ text: String) -> RoundingMethod? { RoundingMethod(rawValue: text) }

  /// `fast`, `balanced` or `best`.
  public static func effort(_ text: String) -> RoundingEffort? { RoundingEffort(rawValue: text) }

  /// `minmax`, `mse`, `entropy`, `percentile` or `percentile:99.9`.
  public static func range(_ text: String) -> RangeMethod? { RangeMethod(text) }
}
