import GraphIR
import Tensors

/// Conv, and the form of it that the engine's fusion makes: `tapq:FusedConv` adds an optional
/// residual (input 3) and clips to attributes `low` and `high`.
enum ConvolutionOperators {
  static let fusedDomain = "tapq"

  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Conv") { try prepare($0, $1) },
    OperatorDefinition("FusedConv", domain: fusedDomain) { try prepare($0, $1) },
  ]

  private static func prepare(
    _ node: Node, _ context: PreparationContext
  ) throws -> OperatorKernel {
    let convolution = try Convolution(node)
    let clamp = Clamp(
      low: try node.float("low") ?? -.infinity, high: try node.float("high") ?? .infinity)
    let constant = try context.constantInput(node, 1).map { try convolution.prepare(weight: $0) }
    let add = try ResidualAdd(node: node, context: context)
    return { inputs, run in
      let x = try inputs.floats(0)
      let weights = try constant ?? convolution.prepare(weight: inputs.tensor(1))
      let bias = try inputs.optionalFloats(2)
      guard let residual = try inputs.optionalFloats(3) else {
        return [
          .tensor(
            try convolution.run(x, weights, bias: bias, residual: nil, clamp: clamp, context: run))
        ]
      }
      let shape = try convolution.outputShape(x, weights)
      if shape == residual.shape, !weights.isDepthwise {
        return [
          .tensor(
            try convolution.run(
              x, weights, bias: bias, residual: residual, clamp: clamp, context: run))
        ]
      }
      let sum = try convolution.run(
        x, weights, bias: bias, residual: nil, clamp: .none, context: run)
      return [.tensor(try add(sum, residual, clamp: clamp, context: run))]
    }
  }
}

/// What a fused residual does where it cannot be added inside the kernel.
struct ResidualAdd: Sendable {
  private let add: OperatorKernel?
  private let label: String

  init(node: Node, context: PreparationContext) throws {
    label = node.label
    let definition = OperatorRegistry.definitions[OperatorRegistry.key("Add", domain: "")]
    add = try definition?.prepare(
      Node(name: node.name, op: "Add", inputs: ["a", "b"], outputs: ["c"]), context)
  }

  func callAsFunction(
    _ a: Tensor, _ b: Tensor, clamp: Clamp, context: RunContext
  ) throws -> Tensor {
    guard let add,
      case .tensor(let sum)? = try add(
        OperatorInputs(node: label, values: [.tensor(a), .tensor(b)]), context
      ).first
    else { throw RuntimeError.unsupportedOperators(["Add of " + label]) }
    return sum.mapFloats { $0 < clamp.low ? clamp.low : $0 > clamp.high ? clamp.high : $0 }
  }
}

extension Tensor {
  /// A float tensor with `body` applied to every element.
  func mapFloats(_ body: (Float) -> Float) -> Tensor {
    withElements(of: Float.self) { source in
      Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
        for index in source.indices { out[index] = body(source[index]) }
      }
    }
  }
}
