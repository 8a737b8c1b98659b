import GraphIR
import Quantization
import Tensors

/// Reads layers back from a graph of `QuantizeLinear` and `DequantizeLinear`.
struct QuantizedGraphReader {
  struct Kernel {
    var name: String
    /// Nil where the layer runs in integers.
    var reason: String?
  }

  private let index: GraphIndex
  private let plan: QuantizationPlan
  private let nodes: [String: Node]
  /// Parameters by dequantized value.
  private var activations: [String: AffineParameters] = [:]

  init(_ graph: Graph, plan: QuantizationPlan) throws {
    index = GraphIndex(graph)
    self.plan = plan
    var nodes: [String: Node] = [:]
    for node in graph.nodes where plan.layers.contains(where: { $0.op == node.op }) {
      nodes[node.identity] = node
    }
    for node in graph.nodes where nodes[node.identity] != nil && !node.name.isEmpty {
      nodes[node.name] = node
    }
    self.nodes = nodes
    for (value, expected) in plan.activations {
      activations[try dequantizedName(of: value, expected)] = expected
    }
  }

  /// Finds the pair of a value, by the quantizer's input or by the dequantizer's output.
  private func dequantizedName(
    of value: String, _ expected: AffineParameters
  ) throws(VerificationError) -> String {
    let quantizers = (index.consumers[value] ?? []).map { index.nodes[$0] }
      .filter { $0.isOperator("QuantizeLinear") && $0.input(0) == value }
    func next(_ node: Node?) -> Node? {
      node?.output(0).flatMap { index.onlyConsumer(of: $0) }
    }
    var dequantizer = next(quantizers.first)
    if dequantizer?.isOperator("Clip") == true { dequantizer = next(dequantizer) }
    if dequantizer == nil { dequantizer = index.producer(of: value) }
    guard let dequantizer, dequantizer.isOperator("DequantizeLinear"),
      var quantizer = dequantizer.input(0).flatMap({ index.producer(of: $0) }),
      let result = dequantizer.output(0)
    else { throw .activation(value: value, problem: "is not quantized") }
    var limits: ClosedRange<Int>?
    if quantizer.isOperator("Clip"), let source = quantizer.input(0) {
      limits = integerLimits(of: quantizer)
      quantizer = index.producer(of: source) ?? quantizer
    }
    guard quantizer.isOperator("QuantizeLinear") else {
      throw .activation(value: value, problem: "is not quantized")
    }
    var stored = expected
    stored.bits = expected.elementType.bitWidth
    for node in [quantizer, dequantizer] where parameters(of: node) != stored {
      throw .activation(value: value, problem: "has other parameters than the plan")
    }
    guard limits == (expected.isNarrow ? expected.range : nil) else {
      throw .activation(value: value, problem: "does not have the plan's \(expected.bits) bits")
    }
    return result
  }

  /// What a `Clip` of integers lets through.
  private func integerLimits(of clip: Node) -> ClosedRange<Int>? {
    guard let low = constant(clip, 1)?.integers()?.first,
      let high = constant(clip, 2)?.integers()?.first, low <= high
    else { return nil }
    return low...high
  }

  private func parameters(of node: Node) -> AffineParameters? {
    guard let scale = constant(node, 1), scale.elementType == .float32, scale.count == 1,
      let zeroPoint = constant(node, 2), zeroPoint.count == 1, let integers = zeroPoint.integers()
    else { return nil }
    return AffineParameters(
      scale: scale.elements(of: Float.self)[0], zeroPoint: integers[0],
      elementType: zeroPoint.elementType)
  }

  private func constant(_ node: Node, _ input: Int) -> Tensor? {
    node.input(input).flatMap { index.constants[$0] }
  }

  func kernel(of layer: QuantizationPlan.Layer) throws -> Kernel {
    guard let node = nodes[layer.name], let input = node.input(0) else {
      throw VerificationError.layerMissing(layer.name)
    }
    if plan.isWeightOnly { return try weightOnlyKernel(of: node, layer) }
    guard let parameters = activations[input] else {
      throw VerificationError.notFused(layer: layer.name, problem: "its input is not quantized")
    }
    let weight = try weight(of: node, layer)
    guard layer.block == nil else {
      return Kernel(
        name: node.op,
        reason: "its weights in blocks are dequantized on every run where inputs are quantized")
    }
    try checkBias(of: node, layer, scales: weight.scales, inputScale: parameters.scale)
    guard weight.dequantizedType == .int8 else {
      return Kernel(
        name: node.op,
        reason: "\(weight.dequantizedType) weights go straight into DequantizeLinear, which "
          + "ONNX Runtime repeats on every run")
    }
    return try fusedKernel(of: node, layer)
  }

  private func weightOnlyKernel(of node: Node, _ layer: QuantizationPlan.Layer) throws -> Kernel {
    _ = try weight(of: node, layer)
    guard node.op != "Conv" else {
      return Kernel(name: "Conv", reason: "its weights are dequantized on every run")
    }
    guard try node.op == "MatMul" || node.int("transB") ?? 0 == 0 else {
      return Kernel(name: "Gemm", reason: "its transposed weights are dequantized on every run")
    }
    var value = node.identity
    if let add = index.onlyConsumer(of: value), add.isOperator("Add") {
      value = add.output(0) ?? value
    }
    if let next = index.onlyConsumer(of: value), next.isOperator("Relu") || next.isOperator("Clip")
    {
      return Kernel(
        name: "FusedGemm",
        reason: "its weights are dequantized on every run, for \(next.op) behind it")
    }
    return Kernel(name: "MatMulNBits", reason: "its inputs are float")
  }

  private func weight(
    of node: Node, _ layer: QuantizationPlan.Layer
  ) throws -> (scales: [Float], dequantizedType: ElementType) {
    func broken(_ problem: String) -> VerificationError {
      .weight(layer: layer.name, problem: problem)
    }
    guard let dequantizer = node.input(1).flatMap({ index.producer(of: $0) }),
      dequantizer.isOperator("DequantizeLinear"), var source = dequantizer.input(0)
    else { throw broken("is not dequantized from integers") }
    let cast = index.producer(of: source)
    if let cast {
      guard cast.isOperator("Cast"), try cast.int("to") == Int(ElementType.int8.rawValue),
        let stored = cast.input(0)
      else { throw broken("is not a constant") }
      source = stored
    }
    guard let stored = index.constants[source] else { throw broken("is not a constant") }
    guard layer.axis < stored.rank else {
      throw broken("has no axis \(layer.axis) of output channels")
    }
    let channels = stored.shape[layer.axis]
    let isPacked = WeightForm.isPacked(inBlocks: layer.block != nil, plan: plan)
    let type = WeightForm.elementType(
      bits: layer.weightBits, op: layer.op, channels: channels, isPacked: isPacked)
    guard stored.elementType == type else {
      throw broken("is stored as \(stored.elementType), the plan says \(layer.weightBits) bits")
    }
    let wantsCast = stored.elementType != .int8 && plan.storage == .cast && !isPacked
    guard (cast != nil) == wantsCast else {
      throw broken("is not stored in the form of the plan (\(plan.storage.rawValue))")
    }
    try checkValues(stored, layer)
    let axis = layer.block == nil ? layer.axis : 1 - layer.axis
    guard try dequantizer.int("axis") ?? 1 == axis,
      try dequantizer.int("block_size") ?? 0 == layer.block ?? 0
    else { throw broken("is scaled along another axis than \(axis), or in other blocks") }
    var shape = [channels]
    if let block = layer.block, block > 0, stored.rank == 2 {
      shape = stored.shape
      shape[axis] = (shape[axis] + block - 1) / block
    }
    let dequantized = cast == nil ? stored.elementType : .int8
    guard let scale = constant(dequantizer, 1), scale.elementType == .float32, scale.shape == shape
    else { throw broken("does not have a scale for each output channel or block") }
    let scales = scale.elements(of: Float.self)
    guard scales.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw broken("has a scale that is not positive")
    }
    guard let zeroPoint = constant(dequantizer, 2), zeroPoint.elementType == dequantized,
      zeroPoint.shape == scale.shape, zeroPoint.integers()?.allSatisfy({ $0 == 0 }) == true
    else { throw broken("does not have explicit zero points of zero") }
    return (scales, dequantized)
  }

  /// Throws where a table is not looked up in the plan's integers.
  func check(_ table: QuantizationPlan.Table) throws(VerificationError) {
    func broken(_ problem: String) -> VerificationError {
      .table(weight: table.weight, problem: problem)
    }
    guard index.constants[table.weight] == nil else { throw broken("is still there in float") }
    func lookedUp(_ suffix: String, _ types: [ElementType]) -> Tensor? {
      index.nodes.lazy.compactMap { node -> Tensor? in
        guard node.isOperator("Gather"), var name = node.input(0) else { return nil }
        if let cast = index.producer(of: name), cast.isOperator("Cast") { name = cast.inputs[0] }
        guard name.hasPrefix(table.weight + suffix), let tensor = index.constants[name],
          types.contains(tensor.elementType)
        else { return nil }
        return tensor
      }.first
    }
    guard
      let integers = lookedUp(
        "_quantized", [WeightEncoding.elementType(bits: table.bits)]),
      integers.shape.last == table.block
    else { throw broken("is not looked up in integers of \(table.bits) bits") }
    guard let scales = lookedUp("_scale", [.float32]), scales.count * table.block == integers.count,
      scales.elements(of: Float.self).allSatisfy({ $0.isFinite && $0 > 0 })
    else { throw broken("does not have a positive scale for each block") }
  }

  private func checkValues(
    _ stored: Tensor, _ layer: QuantizationPlan.Layer
  ) throws(VerificationError) {
    guard layer.hasGroups(of: stored.shape[layer.axis]) else {
      throw .weight(layer: layer.name, problem: "has other channel groups than the plan")
    }
    guard layer.fits(stored) else {
      throw .weight(layer: layer.name, problem: "has integers beyond \(layer.weightBits) bits")
    }
  }

  /// The bias input; for a `MatMul` that of the Add behind it.
  private func bias(of node: Node) -> String? {
    guard node.op == "MatMul" else { return node.input(2) }
    guard let add = index.onlyConsumer(of: node.identity), add.isOperator("Add"),
      let bias = add.inputs.first(where: { $0 != node.identity }),
      let dequantizer = index.producer(of: bias), constant(dequantizer, 0) != nil
    else { return nil }
    return bias
  }

  private func checkBias(
    of node: Node, _ layer: QuantizationPlan.Layer, scales: [Float], inputScale: Float
  ) throws(VerificationError) {
    guard let bias = bias(of: node) else { return }
    guard let dequantizer = index.producer(of: bias), dequantizer.isOperator("DequantizeLinear"),
      let integers = constant(dequantizer, 0), integers.elementType == .int32,
      let scale = constant(dequantizer, 1), scale.elementType == .float32
    else { throw .bias(layer: layer.name, problem: "is not dequantized from int32") }
    let exact = zip(scale.elements(of: Float.self), scales).allSatisfy {
      $0.bitPattern == (inputScale * $1).bitPattern
    }
    guard scale.count == scales.count, integers.count == scales.count, exact else {
      throw .bias(
        layer: layer.name, problem: "does not have the scale of its input times its weight's")
    }
  }

  /// Follows the result through activation functions that the quantizer behind them replaces.
  private func fusedKernel(of node: Node, _ layer: QuantizationPlan.Layer) throws -> Kernel {
    let quantized = ["Conv": "QLinearConv", "Gemm": "QGemm"][node.op] ?? "QLinearMatMul"
    var value = node.identity
    if node.op == "MatMul", bias(of: node) != nil {
      value = index.onlyConsumer(of: value)?.output(0) ?? value
    }
    while let next = index.onlyConsumer(of: value), let result = next.output(0) {
      if next.isOperator("QuantizeLinear") {
        return Kernel(name: quantized, reason: nil)
      }
      guard
        case .clamp(let lower, let upper) = try OperatorRole(of: next, constants: index.constants),
        let quantizer = index.onlyConsumer(of: result), let range = parameters(of: quantizer)
      else { break }
      let limits = QuantizationSites.Activation(
        value: result, sameAs: nil, lowerLimit: lower, upperLimit: upper, readers: [],
        replacesFloatValue: true)
      guard limits.satisfies(range) else { break }
      value = result
    }
    switch node.op {
    case "Gemm": return Kernel(name: "QGemm", reason: nil)
    case "MatMul": return Kernel(name: "MatMulIntegerToFloat", reason: nil)
    default:
      throw VerificationError.notFused(
        layer: layer.name, problem: "its result is not quantized right after it")
    }
  }
}
