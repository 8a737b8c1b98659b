import GraphIR
import Tensors

/// What ONNX Runtime's CPU provider makes of an operator between dequantized inputs and a
/// quantized output.
enum OperatorRole: Equatable {
  /// A layer that the plan quantizes; runs in integers.
  case layer
  /// The `Add` that holds the bias of a `MatMul` layer.
  case bias
  /// Multiplies two computed values, as the scores of an attention; runs in integers with a float
  /// result too.
  case product
  /// Has an integer kernel with its own parameters for every input and output.
  case integerKernel
  /// Copies or selects elements of its first input; runs on integers where both sides have the
  /// same parameters.
  case dataMovement
  /// Cuts off what lies outside the limits; disappears in a quantizer whose range lies within.
  case clamp(lower: Float?, upper: Float?)
  /// Surrounds its first input with zeros; float, but its result fits the input's parameters.
  case zeroPadding
  case float
}

extension OperatorRole {
  private static let integerKernels: Set = [
    "Add", "Mul", "Concat", "AveragePool", "GlobalAveragePool", "Sigmoid", "LeakyRelu",
  ]
  private static let dataMovers: Set = [
    "MaxPool", "Reshape", "Flatten", "Transpose", "Slice", "Split", "Gather", "Squeeze",
    "Unsqueeze",
  ]

  /// The role of a node that is not a layer.
  init(of node: Node, constants: [String: Tensor]) throws(GraphError) {
    guard node.domain.isEmpty else {
      self = .float
      return
    }
    switch node.op {
    case "Relu": self = .clamp(lower: 0, upper: nil)
    case "Clip": self = try OperatorRole.clip(node, constants)
    case "Pad": self = try OperatorRole.padding(node, constants)
    case "Resize", "Upsample":
      self = try node.string("mode") ?? "nearest" == "nearest" ? .dataMovement : .float
    case "MaxPool": self = node.output(1) == nil ? .dataMovement : .float
    case let op where OperatorRole.dataMovers.contains(op): self = .dataMovement
    case let op where OperatorRole.integerKernels.contains(op):
      self = node.inputs.contains { constants[$0] != nil } ? .float : .integerKernel
    default: self = .float
    }
  }

  /// Opset 6 has the limits as attributes, 11 as inputs. Zero has to lie within, as every
  /// quantized range holds it.
  private static func clip(
    _ node: Node, _ constants: [String: Tensor]
  ) throws(GraphError) -> OperatorRole {
    var limits: [Float?] = [try node.float("min"), try node.float("max")]
    for (position, limit) in [(1, 0), (2, 1)] {
      guard let name = node.input(position) else { continue }
      guard let tensor = constants[name], tensor.elementType == .float32, tensor.count == 1 else {
        return .float
      }
      limits[limit] = tensor.elements(of: Float.self)[0]
    }
    guard limits[0] ?? 0 <= 0, limits[1] ?? 1 > 0 else { return .float }
    return .clamp(lower: limits[0], upper: limits[1])
  }

  private static func padding(
    _ node: Node, _ constants: [String: Tensor]
  ) throws(GraphError) -> OperatorRole {
    guard try node.string("mode") ?? "constant" == "constant" else { return .float }
    guard try node.float("value") ?? 0 == 0 else { return .float }
    guard let name = node.input(2) else { return .zeroPadding }
    guard let tensor = constants[name], tensor.elementType == .float32 else { return .float }
    return tensor.elements(of: Float.self).allSatisfy { $0 == 0 } ? .zeroPadding : .float
  }
}
