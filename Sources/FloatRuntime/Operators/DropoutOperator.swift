import GraphIR
import Tensors

/// Dropout as at inference: the input, and a mask of ones. Random masks are not implemented.
enum DropoutOperator {
  static let definitions: [OperatorDefinition] = [
    .tensors("Dropout") { node in
      { inputs, _ in
        let x = try inputs.tensor(0)
        let training = try inputs.optionalTensor(2)?.integers()?.first == 1
        if training, try inputs.number(1) ?? 0.5 != 0 {
          throw RuntimeError.unsupportedOperators(["\(inputs.node) in training mode"])
        }
        return [x, Tensor(Array(repeating: true, count: x.count), shape: x.shape)]
      }
    }
  ]
}
