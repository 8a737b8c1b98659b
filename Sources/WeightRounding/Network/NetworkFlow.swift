import FloatRuntime
import Foundation
import GraphIR
import Parallelism
import Quantization
import Tensors

/// A network that runs on all samples at once, node after node, and stops where it is told to: a
/// layer's weight may be replaced before the layer runs. Holds only what later nodes read.
final class NetworkFlow {
  private let model: Model
  private let pool: WorkerPool
  private let sampleCount: Int
  private var initializers: [String: Tensor]
  /// Values by name, one for each sample.
  private var values: [String: [RuntimeValue]] = [:]
  private var position = 0
  /// The last node that reads a value; the end of the graph for its outputs.
  private var lastReads: [String: Int] = [:]
  private var reads: [Set<String>] = []

  init(_ model: Model, samples: [[String: Tensor]], pool: WorkerPool) {
    self.model = model
    self.pool = pool
    sampleCount = samples.count
    initializers = Dictionary(
      uniqueKeysWithValues: model.graph.initializers.map { ($0.key, $0.value) })
    for name in model.graph.inputs.map(\.name) {
      let given = samples.compactMap { $0[name].map { RuntimeValue.tensor($0) } }
      if given.count == samples.count { values[name] = given }
    }
    for (index, node) in model.graph.nodes.enumerated() {
      var names: Set<String> = []
      node.collectReads(into: &names)
      reads.append(names)
      for name in names { lastReads[name] = index }
    }
    for output in model.graph.outputs { lastReads[output.name] = .max }
  }

  /// Another flow at the same place, with some of the samples.
  func fork(samples: [Int]? = nil) -> NetworkFlow {
    NetworkFlow(copying: self, samples: samples ?? Array(0..<sampleCount))
  }

  private init(copying other: NetworkFlow, samples: [Int]) {
    model = other.model
    pool = other.pool
    sampleCount = samples.count
    initializers = other.initializers
    values = other.values.mapValues { list in samples.map { list[$0] } }
    position = other.position
    lastReads = other.lastReads
    reads = other.reads
  }

  /// Runs to the end; the float outputs by name, a tensor for each sample.
  func finish() throws -> [String: [Tensor]] {
    try advance(to: model.graph.nodes.count)
    return model.graph.outputs.reduce(into: [:]) { $0[$1.name] = tensors($1.name) }
  }

  /// The first node that multiplies by a weight.
  func layer(of weight: String) -> Int? {
    model.graph.nodes.firstIndex { $0.input(1) == weight }
  }

  func node(_ index: Int) -> Node { model.graph.nodes[index] }

  /// What is added to the value before anyone else sees it, where that is known already: the
  /// shortcut around a residual branch.
  func summand(of value: String) -> [Tensor]? {
    guard lastReads[value] != .max else { return nil }
    let readers = model.graph.nodes.indices.filter { reads[$0].contains(value) }
    guard readers.count == 1, model.graph.nodes[readers[0]].isOperator("Add") else { return nil }
    let inputs = model.graph.nodes[readers[0]].inputs
    guard inputs.count == 2, let other = inputs.first(where: { $0 != value }),
      initializers[other] == nil
    else { return nil }
    return tensors(other)
  }

  func replace(_ initializer: String, by tensor: Tensor) { initializers[initializer] = tensor }

  /// Puts rounded weights, and biases that go with them, in the place of what the names stand for.
  func replace(weights: [String: QuantizedWeight], biases: [String: Tensor] = [:]) {
    for (name, weight) in weights { replace(name, by: weight.dequantized()) }
    for (name, bias) in biases { replace(name, by: bias) }
  }

  /// Puts other tensors in the place of a value that has been computed, one for each sample.
  func replace(value name: String, by tensors: [Tensor]) {
    guard values[name] != nil, tensors.count == sampleCount else { return }
    values[name] = tensors.map { .tensor($0) }
  }

  /// The node that computes a value; nil for inputs of the network.
  func producer(of value: String) -> Int? {
    model.graph.nodes.firstIndex { $0.outputs.contains(value) }
  }

  func initializer(_ name: String) -> Tensor? { initializers[name] }

  /// A value for every sample; nil where it has not been computed, is dropped, or is no float tensor.
  func tensors(_ name: String) -> [Tensor]? {
    guard let list = values[name] else { return nil }
    let tensors = list.compactMap { value -> Tensor? in
      guard case .tensor(let tensor) = value, tensor.elementType == .float32 else { return nil }
      return tensor
    }
    return tensors.count == sampleCount ? tensors : nil
  }

  /// Runs up to the node that computes a value; that value for every sample, nil where the network
  /// has none of that name or is past it.
  func result(_ name: String) throws -> [Tensor]? {
    guard let producer = producer(of: name) else { return nil }
    try advance(to: producer + 1, keeping: name)
    return tensors(name)
  }

  /// Runs up to the node `end`, exclusively. `keeping` names a value that is needed besides those
  /// that later nodes read.
  func advance(to end: Int, keeping: String? = nil) throws {
    guard end > position else { return }
    let range = position..<end
    let defined = range.flatMap { model.graph.nodes[$0].outputs.filter { !$0.isEmpty } }
    let outputs = defined.filter { lastReads[$0, default: -1] >= end || $0 == keeping }
    if !outputs.isEmpty { try run(range, outputs: outputs) }
    position = end
    values = values.filter { lastReads[$0.key, default: -1] >= end || $0.key == keeping }
  }

  /// The nodes of `range` as a network of their own, from values that are known here.
  func part(_ range: Range<Int>, outputs: [String]) -> Model {
    let defined = range.flatMap { model.graph.nodes[$0].outputs }
    let needed = range.reduce(into: Set<String>()) { $0.formUnion(reads[$1]) }
      .subtracting(defined)
    var part = model
    part.graph.nodes = Array(model.graph.nodes[range])
    part.graph.valueInfos = []
    part.graph.initializers = [:]
    for name in model.graph.initializers.keys where needed.contains(name) {
      part.graph.initializers[name] = initializers[name]
    }
    let inputs = needed.filter { values[$0] != nil && initializers[$0] == nil }.sorted()
    part.graph.inputs = inputs.map { ValueInfo(name: $0, type: nil) }
    part.graph.outputs = outputs.map { ValueInfo(name: $0, type: nil) }
    return part
  }

  /// What a part of the network reads of each sample.
  func feeds(of part: Model) -> [[String: RuntimeValue]] {
    (0..<sampleCount).map { sample in
      part.graph.inputs.reduce(into: [:]) { $0[$1.name] = values[$1.name]?[sample] }
    }
  }

  private func run(_ range: Range<Int>, outputs: [String]) throws {
    let part = part(range, outputs: outputs)
    let feeds = feeds(of: part)
    let engine = try FloatEngine(model: part, pool: pool)
    let all = try pool.map(sampleCount) { try engine.run(feeds[$0]) }
    for name in outputs { values[name] = all.compactMap { $0[name] } }
  }
}
