public import Tensors

/// Scale and zero point of an affine quantizer: `real = (q - zeroPoint) * scale`.
public struct AffineParameters: Sendable, Codable, Hashable {
  public var scale: Float
  public var zeroPoint: Int
  public var elementType: ElementType
  /// True width, 2 to that of the type: the integers are the lowest `2^bits` of the type.
  public var bits: Int

  /// `bits` is the width of the type where it is left out.
  public init(scale: Float, zeroPoint: Int, elementType: ElementType, bits: Int? = nil) {
    self.scale = scale
    self.zeroPoint = zeroPoint
    self.elementType = elementType
    self.bits = bits ?? elementType.bitWidth
  }

  /// Plans of files from before activations had widths of their own have none: it is the type's.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      scale: try container.decode(Float.self, forKey: .scale),
      zeroPoint: try container.decode(Int.self, forKey: .zeroPoint),
      elementType: try container.decode(ElementType.self, forKey: .elementType),
      bits: try container.decodeIfPresent(Int.self, forKey: .bits))
  }

  /// Narrower than the type that stores it.
  public var isNarrow: Bool { bits < elementType.bitWidth }
}

/// The decision: which layers get how many bits, and the range of every quantized activation.
/// Keyed by ONNX names; dumped as JSON into the model's metadata under `tapq.plan`.
public struct QuantizationPlan: Sendable, Codable, Equatable {
  /// How sub-byte weights are written.
  public enum Storage: String, Sendable, Codable, CaseIterable {
    /// INT4/INT2 initializer, `Cast(to=INT8)`, `DequantizeLinear`: ONNX Runtime folds the cast.
    case cast
    /// INT4/INT2 initializer straight into `DequantizeLinear`.
    case native
  }

  public struct Layer: Sendable, Codable, Equatable {
    /// Node name; the first output's name where the node has none or shares it.
    public var name: String
    public var op: String
    /// The initializer that is quantized; layers that share it share their bits.
    public var weight: String
    /// Output-channel axis of the weight.
    public var axis: Int
    /// True width, 2 to 8, also where a wider type stores it; of groups the widest.
    public var weightBits: Int
    /// Output channels side by side that have widths of their own; nil where all have one.
    public var groups: [ChannelGroup]?
    /// Entries along the input axis that share a scale; nil where a whole channel does.
    public var block: Int?

    public init(
      name: String, op: String, weight: String, axis: Int, weightBits: Int, block: Int? = nil
    ) {
      self.name = name
      self.op = op
      self.weight = weight
      self.axis = axis
      self.weightBits = weightBits
      self.block = block
    }
  }

  /// Neighbours among the output channels of a layer.
  public struct ChannelGroup: Sendable, Codable, Equatable {
    public var channels: Int
    /// 2 to 8.
    public var bits: Int

    public init(channels: Int, bits: Int) {
      self.channels = channels
      self.bits = bits
    }
  }

  /// A table of vectors that `Gather` looks up, one scale for each block of a vector.
  public struct Table: Sendable, Codable, Equatable {
    /// The initializer that was quantized.
    public var weight: String
    /// 4 or 8.
    public var bits: Int
    /// Neighbours within a vector that share a scale.
    public var block: Int

    public init(weight: String, bits: Int, block: Int) {
      self.weight = weight
      self.bits = bits
      self.block = block
    }
  }

  public var schemaVersion = 1
  public var storage: Storage
  public var layers: [Layer]
  /// Quantized activations by value name.
  public var activations: [String: AffineParameters]
  public var tables: [Table]

  /// By weight name.
  public var weightBits: [String: Int] {
    Dictionary(
      layers.map { ($0.weight, $0.weightBits) }, uniquingKeysWith: { first, _ in first })
  }

  /// Weights alone are quantized; layers compute in float.
  public var isWeightOnly: Bool { activations.isEmpty }

  public init(
    storage: Storage, layers: [Layer], activations: [String: AffineParameters],
    tables: [Table] = []
  ) {
    self.storage = storage
    self.layers = layers
    self.activations = activations
    self.tables = tables
  }

  /// Plans of files from before tables were quantized have none.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      storage: try container.decode(Storage.self, forKey: .storage),
      layers: try container.decode([Layer].self, forKey: .layers),
      activations: try container.decode([String: AffineParameters].self, forKey: .activations),
      tables: try container.decodeIfPresent([Table].self, forKey: .tables) ?? [])
    schemaVersion = try container.decode(Int.self, forKey: .schemaVersion)
  }
}
