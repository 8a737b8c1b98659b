/// The work of one step of an inference, as a cost model sees it.
///
/// A matrix product multiplies `rows` x `depth` by `depth` x `columns` in each of `groups`; a
/// convolution is one whose rows are the places of its result. Windows and depthwise convolutions
/// have a depth of their taps and a column for each channel. Other kinds have only elements.
public struct KernelWorkload: Sendable, Codable, Equatable {
  /// What costs alike. Kinds of several operators are told apart by `op`.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Conv; with one place of the result also Gemm and MatMul.
    case product
    /// A product whose weights have a scale for each block of the depth; `runs` are the blocks.
    case blocked
    /// A convolution with one channel in each group.
    case depthwise
    /// Add, Mul and their like on two tensors.
    case binary
    /// Functions of one value.
    case unary
    /// MaxPool, AveragePool.
    case window
    /// GlobalAveragePool.
    case average
    /// Concat, Transpose, Slice: bytes that move.
    case movement
    /// Float to integer and back.
    case conversion
    /// An operator that runs in float.
    case float
  }

  /// The node.
  public var name: String
  public var op: String
  public var kind: Kind
  public var rows: Int
  public var depth: Int
  public var columns: Int
  public var groups: Int
  /// Stretches of memory: of a product, the parts of the depth that lie together, as the rows of a
  /// convolution's window; of windows, the rows of the result; else the stretches that are copied.
  public var runs: Int
  /// Of constant weights; 32 is float, 0 none.
  public var weightBits: Int
  /// Of a layer's input, its true width; steps without weights see bytes.
  public var activationBits: Int
  /// Of what is written; 32 is float.
  public var outputBits: Int
  /// Elements read beside the weights, and elements written.
  public var inputs: Int
  public var outputs: Int

  public init(
    name: String, op: String, kind: Kind, rows: Int = 0, depth: Int = 0, columns: Int = 0,
    groups: Int = 1, runs: Int = 1, weightBits: Int = 0, activationBits: Int = 8,
    outputBits: Int = 8, inputs: Int, outputs: Int
  ) {
    self.name = name
    self.op = op
    self.kind = kind
    self.rows = rows
    self.depth = depth
    self.columns = columns
    self.groups = groups
    self.runs = runs
    self.weightBits = weightBits
    self.activationBits = activationBits
    self.outputBits = outputBits
    self.inputs = inputs
    self.outputs = outputs
  }

  /// Multiply-accumulates.
  public var macs: Double { Double(rows) * Double(depth) * Double(columns) * Double(groups) }

  /// What decides whether threads share it: multiply-accumulates, else elements written.
  public var work: Double { macs > 0 ? macs : Double(outputs) }

  /// Bytes of the right-hand side.
  public var weightBytes: Double {
    Double(depth) * Double(columns) * Double(groups) * Double(weightBits) / 8
  }

  /// What a product is called whose right-hand side is computed, and packed in each run.
  public static let activationProduct = "tapq:ActivationProduct"

  /// What quantizing an input of the network is called: the caller wrote it, before all else ran.
  public static let networkInput = "tapq:NetworkInput"

  /// Bytes of weights that the network stores.
  public var storedBytes: Double { op == Self.activationProduct ? 0 : weightBytes }

  private enum CodingKeys: String, CodingKey {
    case name, op, kind, rows, depth, columns, groups, runs, inputs, outputs
    case weightBits = "weight_bits"
    case activationBits = "activation_bits"
    case outputBits = "output_bits"
  }
}
