import FloatRuntime
import GraphIR
import HardwareProfiles
import Parallelism
import Tensors

/// Turns a quantized model into a plan for one set of input shapes.
///
/// Nodes are visited in order. Integer layers become operations at once; float nodes wait until an
/// integer layer or a graph output needs them, so that they gather in as few islands as possible.
final class PlanCompiler {
  struct Value {
    var name: String
    var shape: [Int]
    var parameters: QuantizedParameters
    /// What padding around it holds.
    var fill: UInt8
    /// The integers that it may hold; padding aside, where that holds the zero point.
    var integers: ClosedRange<UInt8> = 0...255
    /// True width.
    var bits: Int { 8 - (integers.upperBound - integers.lowerBound).leadingZeroBitCount }
  }

  let graph: Graph
  let types: [String: ValueType]
  let kernels: KernelSet
  let pool: WorkerPool
  private let model: Model
  private(set) var producers: [String: Int] = [:]

  var values: [Value] = []
  var operations: [any Operation] = []
  /// Values of 8-bit tensors by name, and those whose dequantized form has the name.
  var quantized: [String: ValueID] = [:]
  var dequantized: [String: ValueID] = [:]
  /// Values that only kernels over images touch, and those that only kernels over rows do.
  var planar: Set<ValueID> = []
  var rowMajor: Set<ValueID> = []
  private var slots: [String: FloatSlot] = [:]
  /// Nodes that run as part of another.
  private var absorbed: Set<Int> = []

  init(_ model: Model, inputShapes: [String: [Int]], pool: WorkerPool, kernels: KernelSet) throws {
    var plain = try model.applying(EngineRewrites.preparation(of: model))
    // The types are those of the values before layers are fused: fusion keeps their names, and nobody
    // infers anything of fused operators.
    types = try ShapeInference.infer(plain, inputShapes: inputShapes)
    plain.graph.valueInfos = types.sorted { $0.key < $1.key }.map {
      ValueInfo(name: $0.key, type: $0.value)
    }
    self.model = try plain.applying([
      .fuseQuantizedLayers, .fuseBlockedProducts, .foldConstants(inputShapes: inputShapes),
      .foldDequantizedConstants,
    ])
    graph = self.model.graph
    self.pool = pool
    self.kernels = kernels
    for (index, node) in graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { producers[output] = index }
    }
  }

  func compile() throws -> CompiledPlan {
    let outputs = try compileOperations()
    return try MemoryAssignment(self).plan(
      inputs: graph.requiredInputs.compactMap { input in
        slots[input.name].map { (name: input.name, slot: $0) }
      }, outputs: outputs, slots: slots.count)
  }

  func footprint() throws -> IntegerFootprint {
    _ = try compileOperations()
    return try MemoryAssignment(self).footprint()
  }

  /// The slots of the outputs.
  private func compileOperations() throws -> [(name: String, slot: FloatSlot)] {
    for input in graph.requiredInputs { slots[input.name] = slots.count }
    // Kernels take no empty values: the float engine knows what becomes of them.
    let isEmpty = types.values.contains { $0.fixedShape?.contains(0) == true }
    for (index, node) in graph.nodes.enumerated() where !isEmpty && !absorbed.contains(index) {
      try compile(node)
    }
    let outputs = try graph.outputs.map { (name: $0.name, slot: try slot(of: $0.name)) }
    removeUnread()
    return outputs
  }

  private func compile(_ node: Node) throws {
    if node.isOperator("QuantizeLinear") { return try quantize(node) }
    if node.isOperator("DequantizeLinear") { return try dequantize(node) }
    if let clip = IntegerClip(node, self) { return try clip.compile() }
    if let layer = try QuantizedLayer(node, self) { return try layer.compile() }
    if let product = try ActivationProduct(node, self) { return try product.compile() }
    try BlockedLayer(node, self)?.compile()
  }

  // MARK: Building blocks

  func constant(_ name: String) -> Tensor? { graph.initializers[name] }

  func producer(of name: String) -> Node? { producers[name].map { graph.nodes[$0] } }

  func shape(of name: String) throws -> [Int] {
    guard let shape = types[name]?.fixedShape else { throw IntegerError.shapeUnknown(value: name) }
    return shape
  }

  func addValue(
    _ name: String, shape: [Int], _ parameters: QuantizedParameters, fill: UInt8? = nil
  ) -> ValueID {
    values.append(
      Value(name: name, shape: shape, parameters: parameters, fill: fill ?? parameters.zero))
    return values.count - 1
  }

  private func imported(_ name: String, slot: FloatSlot, target: ValueID) -> ImportOperation {
    ImportOperation(
      name: name, slot: slot, target: target, isNetworkInput: slot < graph.requiredInputs.count)
  }

  func add(_ operation: any Operation) { operations.append(operation) }

  func newSlot(_ name: String) -> FloatSlot {
    let slot = slots.count
    slots[name] = slot
    return slot
  }

  func absorb(_ node: Node) {
    if let index = producers[node.identity] { absorbed.insert(index) }
  }

  /// The value of an 8-bit tensor; one that no integer layer computes is imported.
  func value(
    named name: String, _ parameters: QuantizedParameters, for reader: Node
  ) throws -> ValueID {
    if let known = quantized[name] {
      guard values[known].parameters != parameters else { return known }
      guard values[known].parameters.isSigned == parameters.isSigned else {
        throw IntegerError.parameters(
          node: reader.label, problem: "reads '\(name)' with a zero point of another type")
      }
      return copy(known, as: parameters)
    }
    if case .tensor(let type, _)? = types[name], type != parameters.elementType {
      throw IntegerError.parameters(
        node: reader.label,
        problem: "reads '\(name)', which is \(type), with a zero point of another type")
    }
    let slot = try slot(of: name)
    let value = addValue(name, shape: try shape(of: name), parameters)
    add(imported(name, slot: slot, target: value))
    quantized[name] = value
    return value
  }

  /// A copy in whatever form its readers want; without cost where that is the form it has.
  func copy(
    _ value: ValueID, fill: UInt8? = nil, as parameters: QuantizedParameters? = nil
  ) -> ValueID {
    let source = values[value]
    let target = addValue(
      source.name, shape: source.shape, parameters ?? source.parameters,
      fill: fill ?? parameters?.zero ?? source.fill)
    values[target].integers = source.integers
    add(
      MovementOperation.copy(
        source.name, value, to: target, count: Tensor.count(of: source.shape)))
    return target
  }

  /// The value for a kernel over images.
  func image(_ value: ValueID) -> ValueID {
    let value = rowMajor.contains(value) ? copy(value) : value
    planar.insert(value)
    return value
  }

  /// The value for a kernel that takes either form.
  func anyForm(_ value: ValueID) -> ValueID {
    rowMajor.contains(value) && (3...4).contains(values[value].shape.count) ? copy(value) : value
  }

  /// The value for a kernel over rows.
  func rows(_ value: ValueID) -> ValueID {
    guard (3...4).contains(values[value].shape.count), !rowMajor.contains(value) else {
      return value
    }
    let copy = copy(value)
    rowMajor.insert(copy)
    return copy
  }

  // MARK: Quantization nodes

  func parameters(of node: Node) throws -> QuantizedParameters? {
    guard try node.int("block_size") ?? 0 == 0, let scale = node.input(1).flatMap(constant),
      scale.elementType == .float32, scale.count == 1
    else { return nil }
    var zero = 0
    var type: ElementType
    if let name = node.input(2) {
      guard let tensor = constant(name), tensor.count == 1, let integers = tensor.integers() else {
        return nil
      }
      zero = integers[0]
      type = tensor.elementType
    } else if node.op == "QuantizeLinear" {
      let declared = try node.int("output_dtype") ?? 0
      guard
        let named = declared == 0
          ? .uint8 : Int32(exactly: declared).flatMap(ElementType.init(rawValue:))
      else { return nil }
      type = named
    } else {
      guard case .tensor(let element, _)? = node.input(0).flatMap({ types[$0] }) else { return nil }
      type = element
    }
    let value = scale.elements(of: Float.self)[0]
    // Kernels want ordinary scales: others have their say in float.
    guard value > 0, value.isFinite else { return nil }
    return QuantizedParameters(scale: value, zeroPoint: zero, elementType: type)
  }

  private func dequantize(_ node: Node) throws {
    guard let input = node.input(0), constant(input) == nil,
      let parameters = try parameters(of: node)
    else { return }
    dequantized[node.identity] = try value(named: input, parameters, for: node)
  }

  private func quantize(_ node: Node) throws {
    guard let input = node.input(0), constant(input) == nil,
      let parameters = try parameters(of: node)
    else { return }
    let name = node.identity
    if let value = try IntegerPattern(input, parameters, self).compile() {
      quantized[name] = value
      return
    }
    let slot = try slot(of: input)
    let value = addValue(name, shape: try shape(of: input), parameters)
    add(imported(name, slot: slot, target: value))
    quantized[name] = value
  }

  // MARK: Float values

  /// The slot of a value as a tensor, computed by an island if it is not there yet.
  func slot(of name: String) throws -> FloatSlot {
    if let slot = slots[name] { return slot }
    for (table, isFloat) in [(dequantized, true), (quantized, false)] {
      guard let value = table[name] else { continue }
      let slot = newSlot(name)
      add(
        ExportOperation(
          name: name, source: value, slot: slot, shape: values[value].shape, isFloat: isFloat))
      return slot
    }
    try addIsland(for: name)
    guard let slot = slots[name] else { throw IntegerError.output(name: name) }
    return slot
  }

  private func addIsland(for name: String) throws {
    var members: Set<Int> = []
    var inputs: [String] = []
    var seen: Set<String> = []
    var constants: [String: Tensor] = [:]
    var pending = [name]
    while let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      if let tensor = constant(next) {
        constants[next] = tensor
      } else if slots[next] != nil || dequantized[next] != nil || quantized[next] != nil {
        _ = try slot(of: next)
        inputs.append(next)
      } else if let index = producers[next], members.insert(index).inserted {
        var reads: Set<String> = []
        graph.nodes[index].collectReads(into: &reads)
        pending += reads.sorted()
      }
    }
    var island = Graph(name: name)
    island.nodes = members.sorted().map { graph.nodes[$0] }
    if island.nodes.isEmpty { island.nodes = [Node(op: "Identity", inputs: [name], outputs: [])] }
    for (name, tensor) in constants.sorted(by: { $0.key < $1.key }) {
      island.initializers[name] = tensor
    }
    inputs.sort()
    island.inputs = inputs.map { ValueInfo(name: $0, type: types[$0]) }
    let outputs = exports(of: members)
    island.outputs = outputs.map { ValueInfo(name: $0, type: types[$0]) }
    var islandModel = model
    islandModel.graph = island
    let engine = try FloatEngine(model: islandModel, pool: pool)
    let sources = try inputs.map { (name: $0, slot: try slot(of: $0)) }
    add(
      FloatIsland(
        name: island.nodes.last.map { $0.name.isEmpty ? $0.identity : $0.name } ?? name,
        inputs: sources, outputs: outputs.map { (name: $0, slot: newSlot($0)) },
        operators: Array(Set(island.nodes.map(\.op))).sorted(), engine: engine,
        workloads: engine.preparedNodes.map { KernelWorkload(floatNode: $0, types: types) }
          .filter { $0.inputs + $0.outputs > 0 }))
  }

  /// Values of the nodes that others read.
  private func exports(of members: Set<Int>) -> [String] {
    var reads = Set(graph.outputs.map(\.name))
    for (index, node) in graph.nodes.enumerated() where !members.contains(index) {
      node.collectReads(into: &reads)
    }
    return members.sorted().flatMap { graph.nodes[$0].outputs }.filter {
      !$0.isEmpty && reads.contains($0) && slots[$0] == nil
    }
  }
}
