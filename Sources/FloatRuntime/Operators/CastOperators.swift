import GraphIR
import Tensors

/// Cast and CastLike between all element types but the complex ones.
enum CastOperators {
  static let definitions: [OperatorDefinition] = [
    .tensors("Cast") { node in
      guard let target = try node.elementType("to") else {
        throw GraphError.attributeMissing(node: node.label, attribute: "to")
      }
      let conversion = try conversion(node)
      return { inputs, _ in [try cast(inputs.tensor(0), to: target, conversion, inputs)] }
    },
    .tensors("CastLike") { node in
      let conversion = try conversion(node)
      return { inputs, _ in
        [try cast(inputs.tensor(0), to: inputs.tensor(1).elementType, conversion, inputs)]
      }
    },
  ]

  private static func conversion(_ node: Node) throws -> TypeConversion {
    TypeConversion(
      saturate: try node.flag("saturate", default: true),
      rounding: try node.choice("round_mode", default: ScaleFloat.Rounding.up))
  }

  private static func cast(
    _ x: Tensor, to target: ElementType, _ conversion: TypeConversion, _ inputs: OperatorInputs
  ) throws -> Tensor {
    guard let result = conversion.convert(x, to: target) else {
      throw inputs.failure("cannot cast these \(x.elementType) values to \(target)")
    }
    return result
  }
}
