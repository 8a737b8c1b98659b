import GraphIR
import Tensors

/// What an input of the model takes.
struct InputTarget: Sendable {
  let name: String
  let elementType: ElementType
  /// Nil: any rank.
  let shape: [Dimension]?

  init(_ input: ValueInfo) throws(SampleError) {
    guard case .tensor(let type, let shape)? = input.type else {
      throw .inputType(
        name: input.name, problem: "is not a tensor, which is all that data can give")
    }
    name = input.name
    elementType = type
    self.shape = shape
  }

  var rank: Int? { shape?.count }

  /// Rows that one sample has: the batch where the model fixes it, else one.
  var rowsPerSample: Int { max(1, shape?.first?.size ?? 1) }

  /// Whether the first axis is free, so that samples can be joined along it.
  var hasFreeBatch: Bool { shape.map { $0.first.map { $0.size == nil } ?? false } ?? false }

  func fits(_ other: [Int]) -> Bool {
    guard let shape else { return true }
    return shape.count == other.count
      && zip(shape, other).allSatisfy { $0.size == nil || $0.size == $1 }
  }

  var shapeDescription: String {
    guard let shape else { return "any" }
    let dimensions = shape.map { dimension in
      switch dimension {
      case .fixed(let size): "\(size)"
      case .symbolic(let name): name
      case .unknown: "?"
      }
    }
    return "[" + dimensions.joined(separator: ", ") + "]"
  }

  /// The shape as declared, free axes replaced by sizes from `bound`, else by one.
  func shape(binding bound: [String: Int]) -> [Int] {
    (shape ?? []).map { dimension in
      switch dimension {
      case .fixed(let size): size
      case .symbolic(let name): bound[name] ?? 1
      case .unknown: 1
      }
    }
  }

  /// The sizes that a tensor fed here gives to the symbolic axes.
  func bindings(of other: [Int]) -> [String: Int] {
    var bound: [String: Int] = [:]
    for (dimension, size) in zip(shape ?? [], other) {
      if case .symbolic(let name) = dimension { bound[name] = size }
    }
    return bound
  }
}
