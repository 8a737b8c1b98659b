/// Where a float network can be quantized: its layers, and the activations that need parameters
/// so that ONNX Runtime fuses every layer into an integer kernel.
public struct QuantizationSites: Sendable, Codable, Equatable {
  /// Layers with a constant weight, in graph order.
  public var layers: [Layer]
  /// Activations that get `QuantizeLinear`/`DequantizeLinear`, in graph order. One that shares
  /// parameters comes after the one that it shares with.
  public var activations: [Activation]

  /// A `Conv`, `Gemm` or `MatMul` whose weight is a constant.
  public struct Layer: Sendable, Codable, Equatable {
    /// The node's name; its first output where the node has none or shares it.
    public var name: String
    public var op: String
    /// The node's first output, unique in the graph.
    public var node: String
    /// The initializer that is quantized.
    public var weight: String
    /// Output-channel axis of the weight.
    public var axis: Int
    /// Convolution groups, 1 for the other operators.
    public var group: Int
    /// The data input.
    public var input: String
    /// The constant bias: the node's own, or the operand of the `Add` that follows a `MatMul`.
    public var bias: String?
    /// The result after the bias, before any activation function.
    public var output: String
    /// Another layer has the same weight; they share integers, scales and bits.
    public var sharesWeight: Bool
  }

  /// An activation that is quantized per tensor.
  public struct Activation: Sendable, Codable, Equatable {
    public var value: String
    /// The activation whose parameters this one has to have: an operator that only moves data
    /// lies between them. The shared range covers the whole group.
    public var sameAs: String?
    /// What a `Relu` or `Clip` before the value lets through. ONNX Runtime removes that node
    /// only where the quantized range lies within; `constrained` sees to it.
    public var lowerLimit: Float?
    public var upperLimit: Float?
    /// What these nodes cut off: the first of them reads this value.
    public var unlimited: String?
    /// The value, by the one whose parameters it has, of which this one is the mean over positions:
    /// ONNX Runtime refuses to take steps that are more than 256 times finer than its.
    public var meanOf: String?
    /// Node inputs that read the dequantized value. Float operators beside an integer layer
    /// keep reading the float value where its producer is a float operator too.
    public var readers: [ValueUse]
    /// The producer runs in integers, so that nothing may read its float result.
    public var replacesFloatValue: Bool
    /// It is to have the zero point in the middle: a product of two computed values reads it on its
    /// right, and would need a correction for each row.
    public var isCentered = false
  }

  /// Where the weights alone can be quantized.
  public var ofWeights: QuantizationSites { QuantizationSites(layers: layers, activations: []) }

  /// Values by the one whose parameters they share, itself included.
  public var parameterGroups: [String: [Activation]] {
    Dictionary(grouping: activations) { $0.sameAs ?? $0.value }
  }

  /// Values whose float form stays, and whose integers only layers read.
  public var valuesForLayersAlone: Set<String> {
    let nodes = Set(layers.map(\.node))
    return Set(
      activations.filter { site in
        !site.replacesFloatValue && !site.readers.isEmpty
          && site.readers.allSatisfy { nodes.contains($0.node) }
      }.map(\.value))
  }

  /// Values, by the one whose parameters they have, that others read than layers and what only moves
  /// them: shortcuts.
  public var valuesReadBesideLayers: Set<String> {
    let nodes = Set(layers.map(\.node))
    let moved = Set(activations.filter { $0.sameAs != nil }.map(\.value))
    return Set(
      activations.filter { site in
        site.readers.contains { !nodes.contains($0.node) && !moved.contains($0.node) }
      }.map { $0.sameAs ?? $0.value })
  }

  /// For each quantized value the one whose parameters it has.
  public var parameterSources: [String: String] {
    Dictionary(
      activations.map { ($0.value, $0.sameAs ?? $0.value) }, uniquingKeysWith: { first, _ in first }
    )
  }

  /// An input of a node, which is named by its first output.
  public struct ValueUse: Sendable, Codable, Hashable {
    public var node: String
    public var input: Int

    public init(node: String, input: Int) {
      self.node = node
      self.input = input
    }
  }
}
