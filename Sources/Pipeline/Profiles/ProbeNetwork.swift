import GraphIR
import Tensors

/// A small quantized network made up to time kernels: the same layer several times in a row, as
/// kernels work in real networks, with activations that the layer before has just written.
struct ProbeNetwork {
  private(set) var graph = Graph(name: "probe")
  private var count = 0
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15
  /// The real value at the end so far, and its shape.
  private(set) var value = ""
  private(set) var shape: [Int]

  var model: Model { Model(operatorSets: [OperatorSet(version: 21)], graph: closed) }
  var input: (name: String, shape: [Int]) {
    ("x", graph.inputs.first?.type?.fixedShape ?? shape)
  }

  /// Starts with a quantized input.
  init(input shape: [Int]) {
    self.shape = shape
    graph.inputs = [
      ValueInfo(name: "x", type: .tensor(.float32, shape: shape.map { .fixed($0) }))
    ]
    value = "x"
    requantize()
  }

  private var closed: Graph {
    var result = graph
    result.outputs = [ValueInfo(name: value, type: nil)]
    return result
  }

  // MARK: Layers

  mutating func convolution(
    _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1, bits: Int = 8
  ) {
    let channels = shape[1]
    let weight = weights([outputs, channels / groups, kernel, kernel], axis: 0, bits: bits)
    let bias = bias(outputs)
    let pad = kernel / 2
    value = node(
      "Conv", [value, weight, bias],
      [
        Attribute("kernel_shape", .ints([kernel, kernel])), Attribute("group", .int(groups)),
        Attribute("strides", .ints([stride, stride])),
        Attribute("pads", .ints([pad, pad, pad, pad])),
      ])
    let sizes = shape.dropFirst(2).map { ($0 + 2 * pad - kernel) / stride + 1 }
    shape = [shape[0], outputs] + sizes
    requantize()
  }

  mutating func depthwise(kernel: Int = 3, stride: Int = 1) {
    convolution(shape[1], kernel: kernel, stride: stride, groups: shape[1])
  }

  mutating func product(_ columns: Int, bits: Int = 8, isQuantized: Bool = true) {
    let weight = weights([shape[shape.count - 1], columns], axis: 1, bits: bits)
    value = node("MatMul", [value, weight])
    shape[shape.count - 1] = columns
    if isQuantized { requantize() }
  }

  /// In float, of weights that have a scale for each `block` of their depth.
  mutating func blockedProduct(_ columns: Int, bits: Int, block: Int) {
    let depth = shape[shape.count - 1]
    value = node("MatMul", [value, weights([depth, columns], axis: 1, bits: bits, block: block)])
    shape[shape.count - 1] = columns
  }

  /// Adds an earlier value of the same shape.
  mutating func add(_ other: String) {
    value = node("Add", [value, other])
    requantize()
  }

  mutating func concat(_ other: String, axis: Int) {
    value = node("Concat", [value, other], [Attribute("axis", .int(axis))])
    shape[axis] *= 2
    requantize()
  }

  mutating func maxPool(kernel: Int, stride: Int) {
    let pad = kernel / 2
    value = node(
      "MaxPool", [value],
      [
        Attribute("kernel_shape", .ints([kernel, kernel])),
        Attribute("strides", .ints([stride, stride])),
        Attribute("pads", .ints([pad, pad, pad, pad])),
      ])
    let sizes = shape.dropFirst(2).map { ($0 + 2 * pad - kernel) / stride + 1 }
    shape = Array(shape.prefix(2)) + sizes
    requantize()
  }

  mutating func globalAverage() {
    value = node("GlobalAveragePool", [value])
    shape = Array(shape.prefix(2)) + shape.dropFirst(2).map { _ in 1 }
    requantize()
  }

  /// A function of one value that engines keep as a table.
  mutating func table() {
    value = node("HardSwish", [value])
    requantize()
  }

  /// A node that runs in float; it keeps the shape.
  mutating func float(_ op: String, _ attributes: [Attribute] = [], parameters: [[Int]] = []) {
    let constants = parameters.map { shape in
      constant(Tensor((0..<Tensor.count(of: shape)).map { _ in random() }, shape: shape))
    }
    value = node(op, [value] + constants, attributes)
  }

  /// An operator that engines make of several nodes; it keeps the shape.
  mutating func fused(_ op: String, _ attributes: [Attribute] = [], parameters: [[Int]] = []) {
    float(op, attributes, parameters: parameters)
    graph.nodes[graph.nodes.count - 1].domain = "tapq"
  }

  /// The attention of [batch, length, heads, size] on itself.
  mutating func attention() {
    let mask = constant(
      Tensor(Array(repeating: Float(0), count: shape[1]), shape: [1, 1, 1, shape[1]]))
    value = node(
      "FusedAttention", [value, value, value, mask], [Attribute("divisor", .float(4))])
    graph.nodes[graph.nodes.count - 1].domain = "tapq"
  }

  /// The attention of [batch, heads, length, size] on itself, its products in integers.
  mutating func integerAttention(hasMask: Bool) {
    requantize(zero: 128)
    let values = value
    turned()
    requantize(zero: 128)
    shape.swapAt(shape.count - 1, shape.count - 2)
    weighted(scores: node("MatMul", [values, value]), of: values, hasMask: hasMask)
    requantize(zero: 128)
  }

  /// The softmax of scores, and its product with values.
  private mutating func weighted(scores: String, of values: String, hasMask: Bool) {
    value = node("Mul", [scores, constant(Tensor(scalar: Float(0.25)))])
    if hasMask {
      let length = shape[shape.count - 2]
      let mask = Tensor(Array(repeating: Float(0), count: length), shape: [1, 1, 1, length])
      value = node("Add", [value, constant(mask)])
    }
    value = node("Softmax", [value], [Attribute("axis", .int(-1))])
    requantize(zero: 0)
    value = node("MatMul", [value, values])
  }

  /// What memory holds between the float and the integer steps of a transformer: products to float,
  /// attention over them, residual normalization, and the two products of the inner layer. The products
  /// of the attention may run in integers.
  mutating func transformerBlock(heads: Int, quantizesAttention: Bool = false) {
    let (start, width, length) = (value, shape[shape.count - 1], shape[shape.count - 2])
    let split = constant(
      Tensor([1, Int64(length), Int64(heads), Int64(width / heads)], shape: [4]))
    let parts = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]].map { order in
      value = start
      product(width, isQuantized: false)
      if quantizesAttention { requantize(zero: 128) }
      value = node("Reshape", [value, split])
      if quantizesAttention { requantize(zero: 128) }
      value = node("Transpose", [value], [Attribute("perm", .ints(order))])
      if quantizesAttention { requantize(zero: 128) }
      return value
    }
    let scores = node("MatMul", [parts[0], parts[1]])
    if quantizesAttention {
      weighted(scores: scores, of: parts[2], hasMask: false)
      requantize()
    } else {
      let mask = constant(
        Tensor(Array(repeating: Float(0), count: length), shape: [1, 1, 1, length]))
      let scaled = node("Div", [scores, constant(Tensor(scalar: Float(4)))])
      let shares = node("Softmax", [node("Add", [scaled, mask])], [Attribute("axis", .int(-1))])
      value = node("MatMul", [shares, parts[2]])
    }
    value = node("Transpose", [value], [Attribute("perm", .ints([0, 2, 1, 3]))])
    if quantizesAttention { requantize() }
    let whole = constant(Tensor([1, Int64(length), Int64(width)], shape: [3]))
    value = node("Reshape", [value, whole])
    requantize()
    product(width, isQuantized: false)
    normalizeResidual(start)
    let middle = value
    product(4 * width, isQuantized: false)
    gelu()
    requantize()
    product(width, isQuantized: false)
    normalizeResidual(middle)
  }

  private mutating func gelu() {
    let x = value
    func scalar(_ number: Float) -> String { constant(Tensor(scalar: number)) }
    let raised = node("Erf", [node("Div", [x, scalar(2)])])
    value = node(
      "Mul", [node("Mul", [x, node("Add", [raised, scalar(1)])]), scalar(0.5)])
  }

  private mutating func normalizeResidual(_ other: String) {
    let width = shape[shape.count - 1]
    let constants = (0..<2).map { _ in
      constant(Tensor((0..<width).map { _ in random() }, shape: [width]))
    }
    value = node("Add", [value, other])
    value = node("LayerNormalization", [value] + constants, [Attribute("axis", .int(-1))])
    requantize()
  }

  /// A node of two float values: the last and an earlier one; `shape` stays what it was.
  mutating func float(_ op: String, with other: String, _ attributes: [Attribute] = []) {
    value = node(op, [value, other], attributes)
  }

  /// The last two axes exchanged, in float.
  mutating func turned() {
    let order = Array(0..<shape.count - 2) + [shape.count - 1, shape.count - 2]
    value = node("Transpose", [value], [Attribute("perm", .ints(order))])
    shape.swapAt(shape.count - 1, shape.count - 2)
  }

  /// The product of the last value with itself, turned, in float.
  mutating func floatSquare() {
    let (before, rows) = (value, shape[shape.count - 2])
    turned()
    value = node("MatMul", [before, value])
    shape[shape.count - 1] = rows
    shape[shape.count - 2] = rows
  }

  /// The first half of every line, in float.
  mutating func firstOfRows() {
    let half = max(1, shape[shape.count - 1] / 2)
    let limits = [0, half, -1].map { constant(Tensor([Int64($0)], shape: [1])) }
    value = node("Slice", [value] + limits)
    shape[shape.count - 1] = half
  }

  /// The sum over the last axis but one, in float.
  mutating func sumOfRows() {
    value = node("ReduceSum", [value, constant(Tensor([Int64(-2)], shape: [1]))])
    shape[shape.count - 2] = 1
  }

  /// Through a quantizer and back.
  mutating func requantize(zero: UInt8 = 120) {
    let parameters = [constant(Tensor(scalar: Float(0.05))), constant(Tensor(scalar: zero))]
    value = node(
      "DequantizeLinear", [node("QuantizeLinear", [value] + parameters)] + parameters)
  }

  // MARK: Parts

  /// With `block`, of a matrix whose channels are the columns.
  private mutating func weights(
    _ shape: [Int], axis: Int, bits: Int, block: Int? = nil
  ) -> String {
    let limit = 1 << (bits - 1)
    let values = (0..<Tensor.count(of: shape)).map { index in
      // The extremes make sure that the width is needed.
      index == 0 ? Int8(-limit) : Int8(Int(next() % UInt64(2 * limit)) - limit)
    }
    let scales = block.map { [(shape[0] + $0 - 1) / $0, shape[1]] } ?? [shape[axis]]
    let count = Tensor.count(of: scales)
    return node(
      "DequantizeLinear",
      [
        constant(Tensor(values, shape: shape)),
        constant(Tensor(Array(repeating: Float(0.001), count: count), shape: scales)),
        constant(Tensor(Array(repeating: Int8(0), count: count), shape: scales)),
      ],
      block.map { [Attribute("axis", .int(0)), Attribute("block_size", .int($0))] }
        ?? [Attribute("axis", .int(axis))])
  }

  private mutating func bias(_ channels: Int) -> String {
    let scale: Float = 0.05 * 0.001
    return node(
      "DequantizeLinear",
      [
        constant(Tensor((0..<channels).map { Int32($0 % 100) }, shape: [channels])),
        constant(Tensor(Array(repeating: scale, count: channels), shape: [channels])),
      ], [Attribute("axis", .int(0))])
  }

  private mutating func constant(_ tensor: Tensor) -> String {
    count += 1
    graph.initializers["c\(count)"] = tensor
    return "c\(count)"
  }

  private mutating func node(
    _ op: String, _ inputs: [String], _ attributes: [Attribute] = []
  ) -> String {
    count += 1
    graph.nodes.append(
      Node(
        name: "n\(count)", op: op, inputs: inputs, outputs: ["v\(count)"], attributes: attributes))
    return "v\(count)"
  }

  private mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }

  private mutating func random() -> Float { Float(next() % 2001) / 1000 - 1 }
}
