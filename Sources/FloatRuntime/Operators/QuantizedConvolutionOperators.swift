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
        let input = try inputs.affine(scale: 1, zero: 2, of: 0)
        let weight = try inputs.tensor(3)
        let weights = try inputs.affine(scale: 4, zero: 5, of: 3)
        let output = try inputs.affine(scale: 6, zero: 7)
        let outputType = try inputs.resultType(7)
        try inputs.checkChannels(weight.shape.first ?? 0, scales: weights.scales, bias: 8)
        let zero = input.zeros.first ?? 0
        func prepare() throws -> IntegerConvolution {
          try IntegerConvolution(
            convolution,
            weight: inputs.widenedWeight(weight, zeros: weights.zeros),
            bias: inputs.optionalTensor(8)?.elements(of: Int32.self, node: inputs.node),
            reach: Tensor.reach(of: x.elementType, zero: zero), mayWrap: false)
        }
        let key = [zero, Int(x.elementType.rawValue)]
        let integer = try isConstant ? prepared.value(for: key, make: prepare) : prepare()
        let sums = try integer.sums(try inputs.widened(x, zero: zero), context: run).floats
        run.trace?.use(kernel: "integer-conv " + KernelSet.best.name)
        let requantizer = Requantizer(
          inputScale: input.scales[0], weightScales: weights.scales, outputScale: output.scales[0],
          zero: output.zeros.first ?? 0, elementType: outputType)
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
          bias: nil, reach: Tensor.reach(of: x.elementType, zero: zero), mayWrap: true)
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
  /// Scales and zero points; the zero points have the type of the input `value`.
  func affine(scale: Int, zero: Int, of value: Int? = nil) throws -> OperandParameters {
    let scales = try floats(scale).elements(of: Float.self)
    let zeros = try zeros(zero)
    guard !scales.isEmpty, zeros.count <= 1 || zeros.count == scales.count else {
      throw RuntimeError.input(node: node, problem: "scale and zero point differ in size")
    }
    guard scales.allSatisfy(\.isFinite) else {
      throw RuntimeError.input(node: node, problem: "input \(scale) has a scale that is not finite")
    }
    if let value, let zeroPoint = try optionalTensor(zero) {
      let type = try tensor(value).elementType
      guard zeroPoint.elementType == type else {
        throw RuntimeError.input(
          node: node,
          problem: "a zero point of type \(zeroPoint.elementType) does not fit values of \(type)")
      }
    }
    return OperandParameters(scales: scales, zeros: zeros)
  }

  /// The type of a result, which is that of its zero point at `index`.
  func resultType(_ index: Int) throws -> ElementType {
    let type = try tensor(index).elementType
    guard type == .uint8 || type == .int8 else {
      throw RuntimeError.input(
        node: node, problem: "results of type \(type) are not supported, must be int8 or uint8")
    }
    return type
  }

  /// Scales are one, or one for each output channel, of which the bias has as many.
  func checkChannels(_ channels: Int, scales: [Float], bias: Int) throws {
    guard scales.count == 1 || scales.count == channels else {
      throw RuntimeError.input(
        node: node, problem: "\(scales.count) weight scales do not fit \(channels) output channels")
    }
    guard try optionalTensor(bias).map({ $0.count == channels }) ?? true else {
      throw RuntimeError.input(node: node, problem: "bias does not have \(channels) values")
    }
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
