import GraphIR
import Tensors

@testable import FloatRuntime

/// The tensors that one node gives; nil stands for an omitted input.
func runNode(
  _ op: String, _ inputs: [Tensor?], _ attributes: [Attribute] = [], outputs: Int = 1
) throws -> [Tensor] {
  try OperatorHarness.run(op, inputs, attributes, outputs: outputs).compactMap {
    if case .tensor(let tensor) = $0 { tensor } else { nil }
  }
}

func integers(_ values: [Int]) -> Tensor { Tensor(values.map { Int64($0) }, shape: [values.count]) }
