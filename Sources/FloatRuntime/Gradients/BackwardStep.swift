import GraphIR
import Parallelism
import Tensors

/// The gradients with respect to the inputs of a node, nil where an input is omitted, not wanted or
/// has none, from those with respect to its outputs.
typealias BackwardRule = @Sendable (BackwardStep) throws -> [Tensor?]

/// What a rule may read: a node of a finished forward run.
struct BackwardStep {
  let node: Node
  /// Runs the node's operator on other inputs.
  let kernel: OperatorKernel
  let inputs: OperatorInputs
  let outputs: [Tensor?]
  /// With respect to the outputs; the first is there unless another one is.
  let gradients: [Tensor?]
  /// By input.
  let wanted: [Bool]
  let pool: WorkerPool

  /// With respect to the first output.
  func gradient() throws -> Tensor {
    guard let gradient = gradients.first ?? nil else { throw failure("has no gradient") }
    return gradient
  }

  func output() throws -> Tensor {
    guard let output = outputs.first ?? nil else { throw failure("has no output") }
    return output
  }

  func isWanted(_ index: Int) -> Bool { index < wanted.count && wanted[index] }

  func failure(_ problem: String) -> RuntimeError {
    .input(node: node.label, problem: "its gradient " + problem)
  }

  /// What the operator gives for other inputs.
  func run(_ values: [Tensor?]) throws -> [Tensor] {
    try kernel(
      OperatorInputs(node: node.label, values: values.map { $0.map(RuntimeValue.tensor) }),
      RunContext(pool: pool)
    ).map { value in
      guard case .tensor(let tensor) = value else { throw failure("is not that of a tensor") }
      return tensor
    }
  }

  func zip<Pair: ElementPair>(_ pair: Pair, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    try Elementwise.zip(
      pair, a, b, plan: inputs.broadcast([a.shape, b.shape]), pool: pool)
  }

  /// Summed over the axes along which a value of `shape` was repeated.
  func summed(_ gradient: Tensor, to shape: [Int]) -> Tensor {
    guard gradient.shape != shape else { return gradient }
    let padded = Array(repeating: 1, count: max(gradient.rank - shape.count, 0)) + shape
    let axes = gradient.shape.indices.filter { padded[$0] == 1 && gradient.shape[$0] != 1 }
    guard !axes.isEmpty else { return gradient.reshaped(to: shape) }
    return ReductionOperators.reduce(
      SumReduction(), gradient, .init(gradient.shape, axes, true), pool
    ).reshaped(to: shape)
  }
}

extension Tensor {
  /// Float zeros.
  static func zeros(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
      out.update(repeating: 0)
    }
  }

  /// Floats that their maker writes before others see them.
  static func uninitialized(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape) { (_: UnsafeMutableBufferPointer<Float>) in }
  }

  /// The sum with a tensor of the same shape.
  func plus(_ other: Tensor, pool: WorkerPool) -> Tensor {
    guard let plan = Broadcast([shape, other.shape]) else { return self }
    return Elementwise.zip(SumPair(), self, other, plan: plan, pool: pool)
  }
}

struct SumPair: ElementPair {
  func apply(_ a: Float, _ b: Float) -> Float { a + b }
}

struct ProductPair: ElementPair {
  func apply(_ a: Float, _ b: Float) -> Float { a * b }
}
