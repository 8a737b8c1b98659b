import FloatRuntime
import GraphIR
import Tensors

/// A node of the fused form: QLinearConv, QLinearMatMul and what the fusion makes of Gemm and pools.
struct QuantizedLayer {
  private enum Kind {
    case convolution, product, floatProduct, average
  }

  private let kind: Kind
  private let node: Node
  private let compiler: PlanCompiler

  /// Nil for other nodes, and where an operand that kernels want constant is not: those run in
  /// float.
  init?(_ node: Node, _ compiler: PlanCompiler) throws {
    self.node = node
    self.compiler = compiler
    switch (node.domain, node.op) {
    case ("", "QLinearConv"): kind = .convolution
    case ("", "QLinearMatMul"), ("tapq", "QLinearGemm"): kind = .product
    case ("tapq", "IntegerGemm"): kind = .floatProduct
    case ("tapq", "QLinearGlobalAveragePool"): kind = .average
    default: return nil
    }
    let isConstant = node.inputs.dropFirst().allSatisfy { compiler.constant($0) != nil }
    guard isConstant, node.inputs.count > 4 else { return nil }
    if kind == .average {
      guard (3...4).contains(try compiler.shape(of: node.inputs[0]).count) else { return nil }
      return
    }
    guard let weight = compiler.constant(node.inputs[3]),
      [.int8, .uint8].contains(weight.elementType)
    else { return nil }
    switch kind {
    case .convolution:
      guard (3...4).contains(weight.rank), weight.count > 0 else { return nil }
    default:
      guard weight.rank == 2, weight.count > 0 else { return nil }
    }
  }

  private var name: String { node.name.isEmpty ? node.identity : node.name }

  func compile() throws {
    let input = try parameters(scale: 1, zero: 2)
    switch kind {
    case .convolution: try compileConvolution(input)
    case .product, .floatProduct: try compileProduct(input)
    case .average:
      let source = try compiler.value(named: node.inputs[0], input, for: node)
      let target = compiler.addValue(
        node.identity, shape: averageShape(source), try parameters(scale: 3, zero: 4))
      compiler.quantized[node.identity] = target
      compiler.planar.insert(target)
      compiler.add(
        GlobalAverageOperation(name: name, source: compiler.image(source), target: target))
    }
  }

  private func averageShape(_ source: ValueID) -> [Int] {
    let shape = compiler.values[source].shape
    return Array(shape.prefix(2)) + Array(repeating: 1, count: shape.count - 2)
  }

  // MARK: Operands

  private func constant(_ index: Int) throws -> Tensor {
    try compiler.constant(of: node, index)
  }

  private func parameters(scale: Int, zero: Int) throws -> QuantizedParameters {
    try compiler.parameters(of: node, scale: scale, zero: zero)
  }

  private func weightScales(channels: Int) throws -> [Float] {
    let scales = try constant(4)
    guard scales.elementType == .float32, scales.count == 1 || scales.count == channels else {
      throw IntegerError.parameters(
        node: node.label,
        problem: "\(scales.count) weight scales do not fit \(channels) output channels")
    }
    let values = scales.elements(of: Float.self)
    guard values.allSatisfy(\.isFinite) else {
      throw IntegerError.parameters(node: node.label, problem: "a weight scale is not finite")
    }
    return values.count == channels ? values : Array(repeating: values[0], count: channels)
  }

  /// Integers minus zero points, output channels first, each `depth` values.
  private func centered(_ integers: [Int], channels: Int, depth: Int) throws -> [Int] {
    let tensor = try constant(5)
    guard tensor.elementType == (try constant(3)).elementType else {
      throw IntegerError.parameters(
        node: node.label, problem: "the weight's zero point has another type than the weight")
    }
    let zeros = tensor.integers() ?? []
    guard zeros.count <= 1 || zeros.count == channels else {
      throw IntegerError.parameters(
        node: node.label,
        problem: "\(zeros.count) weight zero points do not fit \(channels) output channels")
    }
    guard zeros.contains(where: { $0 != 0 }) else { return integers }
    return integers.indices.map {
      integers[$0] - (zeros.count == 1 ? zeros[0] : zeros[$0 / depth])
    }
  }

  private func bias(channels: Int, input index: Int) throws -> [Int32] {
    guard node.input(index) != nil else { return Array(repeating: 0, count: channels) }
    let tensor = try constant(index)
    guard tensor.elementType == .int32, tensor.count == channels else {
      throw IntegerError.layer(
        node: node.label, problem: "the bias must be \(channels) values of int32")
    }
    return tensor.elements(of: Int32.self)
  }

  /// Checks that no sum can leave int32, and multiplies the input's zero point into the bias.
  private func correctedBias(
    _ bias: [Int32], weights: [Int], depth: Int, input: QuantizedParameters
  ) throws -> [Int32] {
    let zero = Int(input.zero)
    let reach = max(zero, 255 - zero)
    return try bias.indices.map { channel in
      var sum = 0
      var magnitude = 0
      for k in channel * depth..<(channel + 1) * depth {
        sum += weights[k]
        magnitude += abs(weights[k])
      }
      guard magnitude * reach + Int(bias[channel].magnitude) <= Int(Int32.max) else {
        throw IntegerError.layer(
          node: node.label, problem: "sums of channel \(channel) could overflow int32")
      }
      return Int32(truncatingIfNeeded: Int(bias[channel]) - zero * sum)
    }
  }

  /// Weights beyond int8 (unsigned ones about a zero point) as parts that add up to them.
  private func parts(_ weights: [Int], channels: Int, depth: Int) -> (integers: [Int8], count: Int)
  {
    var rest = weights
    var parts: [[Int8]] = []
    repeat {
      let part = rest.map { Int8(min(max($0, -128), 127)) }
      rest = zip(rest, part).map { $0 - Int($1) }
      parts.append(part)
    } while rest.contains { $0 != 0 }
    if parts.count == 1 { return (parts[0], 1) }
    let rows = (0..<channels).flatMap { channel in
      parts.flatMap { $0[channel * depth..<(channel + 1) * depth] }
    }
    return (rows, parts.count)
  }

  // MARK: Convolution

  private func compileConvolution(_ input: QuantizedParameters) throws {
    let source = compiler.image(try compiler.value(named: node.inputs[0], input, for: node))
    let output = try parameters(scale: 6, zero: 7)
    let weight = try constant(3)
    let shape = compiler.values[source].shape
    let groups = try node.int("group") ?? 1
    let channels = weight.shape[0]
    guard groups >= 1, channels % groups == 0, shape.count == weight.rank,
      shape[1] == weight.shape[1] * groups
    else {
      throw IntegerError.layer(
        node: node.label,
        problem: "weight of shape \(weight.shape) does not fit input \(shape) in \(groups) groups")
    }
    let window = try ConvolutionWindow(node, input: shape, kernel: Array(weight.shape.dropFirst(2)))
    let targetShape =
      [shape[0], channels]
      + (shape.count == 4
        ? [window.outputRows, window.outputColumns] : [window.outputColumns])
    let target = compiler.addValue(node.identity, shape: targetShape, output)
    compiler.quantized[node.identity] = target
    compiler.planar.insert(target)
    let taps = window.kernelRows * window.kernelColumns
    let depth = weight.count / channels
    let places = shape[0] * window.outputRows * window.outputColumns
    let integers = try centered(
      channelsLast(weight, taps: taps), channels: channels, depth: depth)
    let bias = try correctedBias(
      bias(channels: channels, input: 8), weights: integers, depth: depth, input: input)
    let multipliers = try weightScales(channels: channels).map { input.scale * $0 / output.scale }
    if groups == shape[1], channels == groups, groups > 1,
      integers.allSatisfy({ $0 >= -128 && $0 <= 127 })
    {
      compiler.add(
        DepthwiseOperation(
          name: name, source: source, target: target, window: window,
          range: ResultRange(output),
          weights: (0..<taps * channels).map {
            Int8(integers[$0 % channels * taps + $0 / channels])
          },
          bias: bias, multipliers: multipliers, integerMultiplications: places * taps * channels))
      return
    }
    let perGroup = channels / groups
    let runs = window.runs(channels: weight.shape[1], isWhole: groups == 1)
    let weights = (0..<groups).map { group -> ProductWeights in
      let range = group * perGroup..<(group + 1) * perGroup
      let parts = parts(
        Array(integers[range.lowerBound * depth..<range.upperBound * depth]), channels: perGroup,
        depth: depth)
      return ProductWeights(
        integers: parts.integers, columns: perGroup, runCount: runs.count * parts.count,
        runBytes: runs.bytes, bias: Array(bias[range]), multipliers: Array(multipliers[range]),
        offsets: Array(repeating: 0, count: perGroup))
    }
    compiler.add(
      ProductOperation(
        name: name, source: source, result: .quantized(target, ResultRange(output)),
        weights: groups == 1 ? weights[0].byWidth : weights, readsGroups: groups > 1,
        window: window, integerMultiplications: places * channels * depth))
  }

  /// `[output][channel][tap]` as `[output][tap][channel]`.
  private func channelsLast(_ weight: Tensor, taps: Int) -> [Int] {
    let integers = weight.integers() ?? []
    let inputs = weight.shape[1]
    guard taps > 1, inputs > 1 else { return integers }
    var result = [Int](repeating: 0, count: integers.count)
    var index = 0
    for output in 0..<weight.shape[0] {
      for channel in 0..<inputs {
        for tap in 0..<taps {
          result[(output * taps + tap) * inputs + channel] = integers[index]
          index += 1
        }
      }
    }
    return result
  }

  // MARK: Matrix product

  private func compileProduct(_ input: QuantizedParameters) throws {
    let source = compiler.rows(try compiler.value(named: node.inputs[0], input, for: node))
    let weight = try constant(3)
    let (depth, columns) = (weight.shape[0], weight.shape[1])
    let shape = compiler.values[source].shape
    guard let last = shape.last, last == depth else {
      throw IntegerError.layer(
        node: node.label, problem: "input of shape \(shape) does not fit weight \(weight.shape)")
    }
    let stored = weight.integers() ?? []
    let transposed = (0..<stored.count).map { stored[$0 % depth * columns + $0 / depth] }
    let integers = try centered(transposed, channels: columns, depth: depth)
    let isFloat = kind == .floatProduct
    let bias = try correctedBias(
      bias(channels: columns, input: isFloat ? 6 : 8), weights: integers, depth: depth,
      input: input)
    let scales = try weightScales(channels: columns)
    let targetShape = shape.dropLast() + [columns]
    let parts = parts(integers, channels: columns, depth: depth)
    var weights = ProductWeights(
      integers: parts.integers, columns: columns, runCount: parts.count, runBytes: depth,
      bias: bias, multipliers: scales.map { input.scale * $0 },
      offsets: Array(repeating: 0, count: columns))
    let result: ProductOperation.Result
    if isFloat {
      let (value, offsets) = try addedConstant(columns: columns)
      if let offsets { weights.offsets = offsets }
      result = .float(compiler.newSlot(value), shape: Array(targetShape))
    } else {
      let output = try parameters(scale: 6, zero: 7)
      weights.multipliers = scales.map { input.scale * $0 / output.scale }
      let target = compiler.addValue(node.identity, shape: Array(targetShape), output)
      compiler.quantized[node.identity] = target
      compiler.rowMajor.insert(target)
      result = .quantized(target, ResultRange(output))
    }
    compiler.add(
      ProductOperation(
        name: name, source: source, result: result, weights: weights.byWidth,
        readsGroups: false, window: nil,
        integerMultiplications: targetShape.dropLast().reduce(1, *) * columns * depth))
  }

  /// The value that the product computes, with the constant of an Add behind it that alone reads it.
  private func addedConstant(columns: Int) throws -> (value: String, offsets: [Float]?) {
    guard let add = compiler.onlyReader(of: node.identity), add.isOperator("Add"),
      let other = add.inputs.first(where: { $0 != node.identity }),
      let constant = compiler.constant(other), constant.elementType == .float32,
      constant.count == columns, constant.shape.last == columns,
      try compiler.shape(of: add.identity) == compiler.shape(of: node.identity)
    else { return (node.identity, nil) }
    compiler.absorb(add)
    return (add.identity, constant.elements(of: Float.self))
  }
}

extension ConvolutionWindow {
  /// The window of a node over an input of 3 or 4 axes. Those of one spatial axis have one row.
  init(_ node: Node, input: [Int], kernel: [Int]?) throws {
    let geometry = try WindowAttributes(node).geometry(
      input: Array(input.dropFirst(2)), kernel: kernel)
    let (rows, columns) = (geometry.axes[1], geometry.axes[2])
    func end(_ axis: WindowGeometry.Axis) -> Int {
      let last = (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation
      return max(0, last - axis.padBegin - axis.input + 1)
    }
    guard rows.padBegin >= 0, columns.padBegin >= 0, rows.output > 0, columns.output > 0 else {
      throw IntegerError.layer(node: node.label, problem: "negative padding is not supported")
    }
    self.init(
      kernelRows: rows.kernel, kernelColumns: columns.kernel, strideRows: rows.stride,
      strideColumns: columns.stride, dilationRows: rows.dilation,
      dilationColumns: columns.dilation, outputRows: rows.output, outputColumns: columns.output,
      halo: Halo(
        top: rows.padBegin, left: columns.padBegin, bottom: end(rows), right: end(columns)),
      padTop: rows.padBegin, padLeft: columns.padBegin)
  }
}
