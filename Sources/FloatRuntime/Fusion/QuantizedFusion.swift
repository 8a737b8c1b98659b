import GraphIR
import Tensors

extension GraphPatch {
  /// Turns DequantizeLinear -> Conv, Gemm or MatMul (-> Relu or Clip inside the output's range)
  /// -> QuantizeLinear into the integer operator that integer runtimes execute there:
  /// QLinearConv, QLinearMatMul or `tapq:QLinearGemm`; GlobalAveragePool likewise into
  /// `tapq:QLinearGlobalAveragePool`, a Gemm or MatMul that nobody quantizes into
  /// `tapq:IntegerGemm`, and one whose weights have a scale for each block into
  /// `tapq:BlockedGemm`. Both sides of a MatMul may be computed values. All else of a QDQ graph stays as it is.
  public static var fuseQuantizedLayers: GraphPatch {
    GraphPatch("fuse quantized layers") { model in
      let graph = model.graph
      let finder = QuantizedLayerFinder(graph)
      var added: [(String, Tensor)] = []
      model.graph.nodes = try graph.nodes.map { node in
        guard let layer = try finder.layer(endingAt: node) else { return node }
        added += layer.constants
        return layer.node
      }
      for (name, tensor) in added { model.graph.initializers[name] = tensor }
      model.graph.removeUnread()
    }
  }
}

extension Graph {
  /// Drops the nodes whose values nobody reads.
  fileprivate mutating func removeUnread() {
    var read = Set(outputs.map(\.name))
    var kept: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: read.contains) {
      kept.append(node)
      read.formUnion(node.inputs)
      for subgraph in node.subgraphs { read.formUnion(subgraph.allReadNames) }
    }
    nodes = kept.reversed()
  }
}

/// Scale and zero point of a Q or DQ node, by value name and as constants.
private struct Affine {
  let scaleName: String
  let scales: [Float]
  let zeros: [Int]
  let elementType: ElementType?
}

private struct QuantizedLayerFinder {
  private let usage: ValueUsage
  private var producers: [String: Node] { usage.producers }

  init(_ graph: Graph) { usage = ValueUsage(graph) }

  struct Layer {
    var node: Node
    var constants: [(String, Tensor)]
  }

  /// Collects the inputs of a fused node, values and new constants, in order.
  private struct LayerBuilder {
    var result: Layer

    init(_ compute: Node, identity: String) {
      result = Layer(
        node: Node(name: compute.name, op: compute.op, inputs: [], outputs: [identity]),
        constants: [])
    }

    mutating func read(_ name: String) { result.node.inputs.append(name) }

    mutating func define(_ suffix: String, _ tensor: Tensor?) {
      guard let tensor else { return }
      let name = "tapq:" + result.node.identity + "/" + suffix
      result.constants.append((name, tensor))
      read(name)
    }
  }

  func layer(endingAt node: Node) throws -> Layer? {
    if node.isOperator("Gemm") || node.isOperator("MatMul") {
      return try layer(computedBy: node, output: nil, identity: node.identity)
        ?? blockedProduct(node) ?? activationProduct(node, output: nil, identity: node.identity)
    }
    guard node.isOperator("QuantizeLinear"), let y = try affine(node), y.scales.count == 1,
      let type = y.elementType, is8Bit(type), let value = node.input(0)
    else { return nil }
    if let pool = try globalAverage(value, y, identity: node.identity) { return pool }
    guard let compute = try computing(value, y) else { return nil }
    return try layer(computedBy: compute, output: y, identity: node.identity)
      ?? activationProduct(compute, output: y, identity: node.identity)
  }

  /// `output` is nil where the result stays float.
  private func layer(
    computedBy compute: Node, output y: Affine?, identity: String
  ) throws -> Layer? {
    guard let x = try dequantized(compute.input(0)), x.affine.scales.count == 1,
      x.affine.scales[0] > 0, y.map({ $0.scales[0] > 0 }) ?? true,
      let weightNode = compute.input(1).flatMap({ producers[$0] }),
      let w = try weight(of: compute, weightNode), let xType = x.affine.elementType, is8Bit(xType)
    else { return nil }
    let bias = try bias(
      of: compute, inputScale: x.affine.scales[0], weightScales: w.scales, channels: w.channels)
    guard case .some(let biasValues) = bias, sumsFitInt32(w, bias: biasValues) else { return nil }
    var layer = LayerBuilder(compute, identity: identity)
    let outputs = w.scales.count
    layer.read(x.value)
    layer.read(x.affine.scaleName)
    layer.define("xz", zeroTensor(x.affine, xType))
    layer.define("w", w.tensor)
    layer.define("ws", Tensor(w.scales, shape: outputs == 1 ? [] : [outputs]))
    layer.define("wz", w.zeros)
    if let y {
      layer.read(y.scaleName)
      layer.define("yz", zeroTensor(y, y.elementType ?? .uint8))
    }
    if let biasValues { layer.define("b", Tensor(biasValues, shape: [biasValues.count])) }
    layer.result.node.op = y == nil ? "IntegerGemm" : w.operation
    layer.result.node.domain =
      y == nil || w.operation == "QLinearGemm" ? ConvolutionOperators.fusedDomain : ""
    layer.result.node.attributes = compute.isOperator("Conv") ? compute.attributes : []
    return layer.result
  }

  /// A product of two computed values, in the types that runtimes have a kernel for.
  private func activationProduct(
    _ node: Node, output y: Affine?, identity: String
  ) throws -> Layer? {
    guard node.isOperator("MatMul"), let a = try dequantized(node.input(0)),
      let b = try dequantized(node.input(1)), usage.constant(b.value) == nil,
      let left = a.affine.elementType, let right = b.affine.elementType, is8Bit(left),
      is8Bit(right), left == .uint8 || right == .int8, y.map({ $0.elementType == left }) ?? true,
      [a.affine, b.affine].allSatisfy({ $0.scales.count == 1 && $0.scales[0] > 0 })
    else { return nil }
    var layer = LayerBuilder(node, identity: identity)
    for (index, (operand, type)) in [(a, left), (b, right)].enumerated() {
      layer.read(operand.value)
      layer.read(operand.affine.scaleName)
      layer.define("z\(index)", zeroTensor(operand.affine, type))
    }
    if let y {
      layer.read(y.scaleName)
      layer.define("yz", zeroTensor(y, left))
    }
    layer.result.node.op = y == nil ? "IntegerGemm" : "QLinearMatMul"
    layer.result.node.domain = y == nil ? ConvolutionOperators.fusedDomain : ""
    return layer.result
  }

  private func blockedProduct(_ node: Node) throws -> Layer? {
    guard let x = try dequantized(node.input(0)), x.affine.scales.count == 1,
      x.affine.scales[0] > 0, let type = x.affine.elementType, is8Bit(type),
      let zero = zeroTensor(x.affine, type)
    else { return nil }
    return try BlockedProductFinder(usage).product(
      node, activations: (x.value, x.affine.scaleName, zero)
    ).map { Layer(node: $0.node, constants: $0.constants) }
  }

  private func globalAverage(_ value: String, _ y: Affine, identity: String) throws -> Layer? {
    guard usage.isPrivate(value), let pool = producers[value],
      pool.isOperator("GlobalAveragePool"), let x = try dequantized(pool.input(0)),
      x.affine.scales.count == 1, x.affine.scales[0] > 0, y.scales[0] > 0,
      let xType = x.affine.elementType, is8Bit(xType)
    else { return nil }
    var layer = LayerBuilder(pool, identity: identity)
    layer.read(x.value)
    layer.read(x.affine.scaleName)
    layer.define("xz", zeroTensor(x.affine, xType))
    layer.read(y.scaleName)
    layer.define("yz", zeroTensor(y, y.elementType ?? .uint8))
    layer.result.node.op = "QLinearGlobalAveragePool"
    layer.result.node.domain = ConvolutionOperators.fusedDomain
    return layer.result
  }

  private func is8Bit(_ type: ElementType) -> Bool { type == .int8 || type == .uint8 }

  private func zeroTensor(_ affine: Affine, _ type: ElementType) -> Tensor? {
    Tensor(integers: [affine.zeros.first ?? 0], elementType: type, shape: [])
  }

  private func affine(_ node: Node) throws -> Affine? {
    guard try node.int("block_size") ?? 0 == 0, let scaleName = node.input(1),
      let scale = usage.constant(scaleName), scale.elementType == .float32, scale.rank <= 1,
      scale.count > 0, scale.elements(of: Float.self).allSatisfy(\.isFinite)
    else { return nil }
    var zeros: [Int] = []
    var type: ElementType?
    if let name = node.input(2) {
      guard let zero = usage.constant(name), let values = zero.integers() else { return nil }
      zeros = values
      type = zero.elementType
    } else if node.op == "QuantizeLinear" {
      let declared = try node.int("output_dtype") ?? 0
      type = declared == 0 ? .uint8 : Int32(exactly: declared).flatMap(ElementType.init(rawValue:))
    }
    return Affine(
      scaleName: scaleName, scales: scale.elements(of: Float.self), zeros: zeros, elementType: type)
  }

  /// The layer that computes `value`, seen through an activation that the output's range absorbs.
  private func computing(_ value: String, _ y: Affine) throws -> Node? {
    guard usage.isPrivate(value), let node = producers[value] else { return nil }
    if ["Conv", "Gemm", "MatMul"].contains(where: { node.isOperator($0) }) { return node }
    guard node.isOperator("Relu") || node.isOperator("Clip"),
      let range = y.elementType?.integerRange, let before = node.input(0)
    else { return nil }
    var clamp = Clamp(low: 0)
    if node.op == "Clip" {
      clamp = .none
      for (index, end) in [(1, \Clamp.low), (2, \Clamp.high)] {
        guard let name = node.input(index) else { continue }
        guard let bound = usage.scalar(name) else { return nil }
        clamp[keyPath: end] = bound
      }
    }
    let zero = y.zeros.first ?? 0
    let low = Float(range.lowerBound - zero) * y.scales[0]
    let high = Float(range.upperBound - zero) * y.scales[0]
    guard low >= clamp.low, high <= clamp.high, usage.isPrivate(before),
      let layer = producers[before], ["Conv", "Gemm", "MatMul"].contains(layer.op),
      layer.domain.isEmpty
    else { return nil }
    return layer
  }

  private func dequantized(_ value: String?) throws -> (value: String, affine: Affine)? {
    guard let value, let node = producers[value], node.isOperator("DequantizeLinear"),
      let input = node.input(0), let found = try affine(node)
    else { return nil }
    // Without a zero point the type is that of the quantized value.
    let source =
      usage.constant(input)?.elementType
      ?? producers[input].flatMap {
        $0.isOperator("QuantizeLinear") ? (try? affine($0))?.elementType : nil
      }
    guard found.elementType == nil || source == nil || found.elementType == source else {
      return nil
    }
    let type = found.elementType ?? source
    return (
      input,
      Affine(
        scaleName: found.scaleName, scales: found.scales, zeros: found.zeros, elementType: type)
    )
  }

  private struct Weight {
    var tensor: Tensor
    /// Of the tensor's type: one, or one for each output channel.
    var zeros: Tensor
    var scales: [Float]
    var channels: Int
    /// A bound on the magnitude of an integer minus its zero point.
    var reach: Int
    var operation: String
  }

  /// The weight in 8 bits, its output channels on the axis that the integer operator expects.
  private func weight(of compute: Node, _ dequantize: Node) throws -> Weight? {
    guard dequantize.isOperator("DequantizeLinear"), let found = try affine(dequantize),
      let (stored, type) = dequantize.input(0).flatMap(storedIntegers),
      found.elementType == nil || found.elementType == type, var integers = stored.integers(),
      !integers.isEmpty
    else { return nil }
    let axis = try dequantize.int("axis") ?? 1
    let isConvolution = compute.isOperator("Conv")
    var shape = stored.shape
    guard isConvolution || shape.count == 2 else { return nil }
    var operation = "QLinearConv"
    var channelAxis = 0
    if !isConvolution {
      let isGemm = compute.isOperator("Gemm")
      operation = isGemm ? "QLinearGemm" : "QLinearMatMul"
      let transposed = isGemm ? try compute.int("transB") ?? 0 != 0 : false
      channelAxis = transposed ? 0 : 1
      if isGemm {
        guard try compute.float("alpha") ?? 1 == 1, try compute.float("beta") ?? 1 == 1,
          try compute.int("transA") ?? 0 == 0
        else { return nil }
      }
    }
    guard shape.count > channelAxis else { return nil }
    let channels = shape[channelAxis]
    let perChannel = found.scales.count > 1
    guard !perChannel || axis == channelAxis || axis + shape.count == channelAxis,
      !perChannel || found.scales.count == channels,
      found.zeros.count <= 1 || found.zeros.count == channels
    else { return nil }
    if !isConvolution, channelAxis == 0 {
      integers = (0..<integers.count).map { integers[$0 % shape[0] * shape[1] + $0 / shape[0]] }
      shape.reverse()
    }
    let inner = isConvolution ? integers.count / channels : 1
    let zeros = found.zeros.isEmpty ? [0] : found.zeros
    let centered = integers.indices.map {
      integers[$0] - (zeros.count == 1 ? zeros[0] : zeros[$0 / inner % channels])
    }
    let plain = Tensor(integers: centered, elementType: .int8, shape: shape)
    guard let tensor = plain ?? Tensor(integers: integers, elementType: type, shape: shape),
      let zeroTensor = plain != nil
        ? Tensor(scalar: Int8(0))
        : Tensor(
          integers: zeros, elementType: type, shape: zeros.count == 1 ? [] : [zeros.count])
    else { return nil }
    return Weight(
      tensor: tensor, zeros: zeroTensor, scales: found.scales, channels: channels,
      reach: plain != nil ? 128 : 255, operation: operation)
  }

  /// Whether no sum of products of 8-bit values, bias included, can leave int32.
  private func sumsFitInt32(_ weight: Weight, bias: [Int32]?) -> Bool {
    let depth = weight.channels == 0 ? 0 : weight.tensor.count / weight.channels
    let largestBias = bias?.map { Int($0.magnitude) }.max() ?? 0
    return depth < 1 << 16 && depth * 255 * weight.reach + largestBias <= Int(Int32.max)
  }

  /// A constant of at most 8 bits, seen through a Cast to int8, and the type that it is read as.
  private func storedIntegers(_ name: String) -> (tensor: Tensor, type: ElementType)? {
    let types: Set<ElementType> = [.int8, .uint8, .int4, .int2, .uint4, .uint2]
    if let constant = usage.constant(name) {
      return types.contains(constant.elementType) ? (constant, constant.elementType) : nil
    }
    guard let cast = producers[name], cast.isOperator("Cast"),
      case .int(let to)? = cast.attribute("to"), to == Int(ElementType.int8.rawValue),
      let constant = cast.input(0).flatMap(usage.constant), constant.elementType != .uint8,
      types.contains(constant.elementType)
    else { return nil }
    return (constant, .int8)
  }

  /// The bias as int32 with scale inputScale * weightScale: `.some(nil)` where there is none, nil
  /// where it has another form.
  private func bias(
    of compute: Node, inputScale: Float, weightScales: [Float], channels: Int
  ) throws -> [Int32]?? {
    guard !compute.isOperator("MatMul"), let name = compute.input(2) else { return .some(nil) }
    let scales = (0..<channels).map { inputScale * weightScales[weightScales.count == 1 ? 0 : $0] }
    if let node = producers[name], node.isOperator("DequantizeLinear") {
      guard let found = try affine(node), found.zeros.allSatisfy({ $0 == 0 }),
        let integers = node.input(0).flatMap(usage.constant), integers.elementType == .int32,
        integers.count == channels,
        (0..<channels).allSatisfy({
          found.scales[found.scales.count == 1 ? 0 : min($0, found.scales.count - 1)] == scales[$0]
        })
      else { return nil }
      return .some(integers.elements(of: Int32.self))
    }
    guard let floats = usage.constant(name), floats.elementType == .float32,
      floats.count == channels
    else { return nil }
    let rounded = zip(floats.elements(of: Float.self), scales).map {
      Int32(exactly: ($0 / $1).rounded(.toNearestOrEven))
    }
    return rounded.contains(nil) ? nil : .some(rounded.compactMap { $0 })
  }
}
