import GraphIR
import Tensors

/// QLinearConv and ConvInteger: exact int32 sums, then the requantization of the layer.
enum QuantizedConvolutionOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("QLinearConv") { node, context in
      let convolution = try Convolution(node)
      let prepared = ShapeCache<[Int], IntegerConvolution>()
      let isConstant = context.constantInput(node, 3) != nil && context.isConstant(node, 8)
      return { inputs, run in
        let x = try inputs.tensor(0)
        let input = try inputs.affine(scale: 1, zero: 2)
        let weight = try inputs.tensor(3)
        let weights = try inputs.affine(scale: 4, zero: 5)
        let output = try inputs.affine(scale: 6, zero: 7)
        let zero = input.zeros.first ?? 0
        func prepare() throws -> IntegerConvolution {
          try IntegerConvolution(
            convolution,
            weight: inputs.widenedWeight(weight, zeros: weights.zeros),
            bias: inputs.optionalTensor(8)?.elements(of: Int32.self, node: inputs.node),
            reach: Tensor.reach(of: x.elementType, zero: zero))
        }
        let key = [zero, Int(x.elementType.rawValue)]
        let integer = try isConstant ? prepared.value(for: key, make: prepare) : prepare()
        let sums = try integer.sums(try inputs.widened(x, zero: zero), context: run).floats
        run.trace?.use(kernel: "integer-conv " + KernelSet.best.name)
        let requantizer = Requantizer(
          inputScale: input.scales[0], weightScales: weights.scales, outputScale: output.scales[0],
          zero: output.zeros.first ?? 0, elementType: try inputs.tensor(7).elementType)
        let area = Tensor.count(of: Array(sums.shape.dropFirst(2)))
        return [.tensor(requantizer.apply(sums, channelArea: area, pool: run.pool))]
      }
    },
    OperatorDefinition("ConvInteger") { node, _ in
      let convolution = try Convolution(node)
      return { inputs, run in
        let x = try inputs.tensor(0)
        let zero = try inputs.zeros(2).first ?? 0
        let integer = try IntegerConvolution(
          convolution, weight: inputs.widenedWeight(inputs.tensor(1), zeros: inputs.zeros(3)),
          bias: nil, reach: Tensor.reach(of: x.elementType, zero: zero))
        return [
          .tensor(try integer.sums(inputs.widened(x, zero: zero), context: run).integers)
        ]
      }
    },
  ]
}

/// Scales and zero points of one operand; one of each, or one for each channel.
struct OperandParameters {
  let scales: [Float]
  let zeros: [Int]
}

extension PreparationContext {
  /// Whether the input is omitted or constant.
  func isConstant(_ node: Node, _ index: Int) -> Bool {
    node.input(index) == nil || constantInput(node, index) != nil
  }
}

extension OperatorInputs {
  func affine(scale: Int, zero: Int) throws -> OperandParameters {
    let scales = try floats(scale).elements(of: Float.self)
    let zeros = try zeros(zero)
    guard let first = scales.first, zeros.count <= 1 || zeros.count == scales.count else {
      throw RuntimeError.input(node: node, problem: "scale and zero point differ in size")
    }
    return OperandParameters(scales: scales.isEmpty ? [first] : scales, zeros: zeros)
  }

  /// Zero points at `index`; empty where they are omitted.
  func zeros(_ index: Int) throws -> [Int] {
    guard let tensor = try optionalTensor(index) else { return [] }
    guard let values = tensor.integers() else { throw typeError(index, tensor) }
    return values
  }

  func widened(_ tensor: Tensor, zero: Int) throws -> Tensor {
    guard let floats = tensor.widened(zero: zero) else {
      throw RuntimeError.input(
        node: node, problem: "input of type \(tensor.elementType) must be int8 or uint8")
    }
    return floats
  }

  /// A weight minus its zero points, which are one or one for each index of the first axis.
  func widenedWeight(_ weight: Tensor, zeros: [Int]) throws -> Tensor {
    if zeros.allSatisfy({ $0 == zeros[0] }) {
      return try widened(weight, zero: zeros.first ?? 0)
    }
    let plain = try widened(weight, zero: 0)
    guard let channels = weight.shape.first, zeros.count == channels else {
      throw RuntimeError.input(node: node, problem: "zero points do not fit the weight")
    }
    let area = channels == 0 ? 0 : weight.count / channels
    return plain.withElements(of: Float.self) { source in
      Tensor(shape: plain.shape) { (out: UnsafeMutableBufferPointer<Float>) in
        for index in source.indices { out[index] = source[index] - Float(zeros[index / area]) }
      }
    }
  }
}

extension Tensor {
  /// The elements of a bias, which must be int32.
  func elements(of type: Int32.Type, node: String) throws -> [Int32] {
    guard elementType == .int32 else {
      throw RuntimeError.input(node: node, problem: "bias of type \(elementType) must be int32")
    }
    return elements(of: Int32.self)
  }
}
