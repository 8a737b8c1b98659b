import GraphIR
import Tensors

extension OperatorDefinition {
  /// The operator for float16 and bfloat16 as well: such inputs are computed in float32, and
  /// results rounded to the type of the first of them.
  var acceptingHalves: OperatorDefinition {
    OperatorDefinition(name, domain: domain) { node, context in
      let constant = context.constant
      let widened = PreparationContext(
        constant: { name in
          constant(name).map { $0.elementType.isHalf ? $0.widened() ?? $0 : $0 }
        }, prepareSubgraph: context.prepareSubgraph)
      let kernel = try prepare(node, widened)
      return { inputs, run in
        guard let type = inputs.firstHalf else { return try kernel(inputs, run) }
        let wide = OperatorInputs(
          node: inputs.node,
          values: inputs.values.map { value in
            guard case .tensor(let tensor) = value, tensor.elementType.isHalf else { return value }
            return .tensor(tensor.widened() ?? tensor)
          })
        return try kernel(wide, run).map { value in
          guard case .tensor(let tensor) = value, tensor.elementType == .float32 else {
            return value
          }
          return .tensor(tensor.narrowed(to: type))
        }
      }
    }
  }
}

extension OperatorInputs {
  fileprivate var firstHalf: ElementType? {
    for case .tensor(let tensor)? in values where tensor.elementType.isHalf {
      return tensor.elementType
    }
    return nil
  }
}

extension ElementType {
  fileprivate var isHalf: Bool { self == .float16 || self == .bfloat16 }
}
