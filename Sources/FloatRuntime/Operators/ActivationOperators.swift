import GraphIR
import Tensors

enum ActivationOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("Relu") { _, _ in
      { inputs, _ in
        let x = try inputs.tensor(0)
        return [
          .tensor(
            x.withElements(of: Float.self) { source in
              Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
                for index in source.indices { out[index] = max(source[index], 0) }
              }
            })
        ]
      }
    }
  ]
}
