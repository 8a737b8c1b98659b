public import GraphIR
public import Parallelism
public import Tensors

/// Reverse mode: the gradients of a loss with respect to weights and inner values of a model.
///
/// A loss is given by its gradients with respect to some values, the seeds. The engine runs the
/// model without fusion and keeps its values; weights are inputs of that run, so that they can be
/// replaced without preparing the model anew.
///
///     let engine = try GradientEngine(model: model, of: ["conv1.weight"], pool: pool)
///     let run = try engine.run(["image": image])
///     let gradients = try engine.gradients(of: run, seeds: ["logits": seed])
public final class GradientEngine: Sendable {
  private let prepared: PreparedGraph
  /// The same steps with the model's own weights, packed.
  private let ownWeights: PreparedGraph
  private let checker: InputChecker
  private let rules: [BackwardRule?]
  private let weights: [String: Tensor]
  private let targets: Set<String>
  private let sources: Set<String>
  private let pool: WorkerPool

  /// `targets` are initializers or values of the graph, all float32; `sources` the values that seeds
  /// are given for, the graph's outputs unless said otherwise. Throws where a node between them has
  /// no gradient, naming it.
  public init(
    model: Model, of targets: Set<String>, from sources: Set<String>? = nil, pool: WorkerPool
  ) throws {
    self.pool = pool
    self.targets = targets
    let sources = sources ?? Set(model.graph.outputs.map(\.name))
    self.sources = sources
    checker = InputChecker(graph: model.graph)
    var open = try model.applying(EngineRewrites.preparation(of: model))
    var weights: [String: Tensor] = [:]
    for name in targets.sorted() {
      guard let tensor = open.graph.initializers.removeValue(forKey: name) else { continue }
      weights[name] = tensor
      open.graph.inputs.removeAll { $0.name == name }
      open.graph.inputs.append(
        ValueInfo(
          name: name, type: .tensor(tensor.elementType, shape: tensor.shape.map { .fixed($0) })))
    }
    self.weights = weights
    let kept = open.graph.outputs.count
    let values = Set(open.graph.nodes.flatMap(\.outputs)).union(open.graph.inputs.map(\.name))
    for name in targets.union(sources).sorted() {
      guard values.contains(name) else { throw RuntimeError.unknownValue(name: name) }
      if !open.graph.outputs.contains(where: { $0.name == name }), weights[name] == nil {
        open.graph.outputs.append(ValueInfo(name: name, type: nil))
      }
    }
    var folded = try open.applying([.foldConstants()])
    folded.graph.outputs.removeLast(folded.graph.outputs.count - kept)
    let graph = folded.graph
    prepared = try PreparedGraph(graph: graph) { _ in nil }
    ownWeights =
      weights.isEmpty ? prepared : try PreparedGraph(graph: graph) { [weights] in weights[$0] }
    let path = GradientPath(graph.nodes, from: targets, to: sources)
    let missing = path.nodes.map { graph.nodes[$0] }
      .filter { BackwardRegistry.definition($0) == nil }
    guard missing.isEmpty else { throw RuntimeError.noGradient(missing.map(\.label)) }
    let onPath = Set(path.nodes)
    rules = try graph.nodes.enumerated().map { index, node in
      onPath.contains(index) ? try BackwardRegistry.definition(node)?.prepare(node) : nil
    }
  }

  /// Runs the model forward on inputs by name, with `replacing` in place of weights.
  public func run(
    _ inputs: [String: Tensor], replacing: [String: Tensor] = [:]
  ) throws -> GradientRun {
    try checker.check(inputs.mapValues { .tensor($0) })
    var run = GradientRun(slots: prepared.slots, values: prepared.initial)
    for (name, tensor) in weights { run[name] = replacing[name] ?? tensor }
    for (name, tensor) in inputs { run[name] = tensor }
    for step in (replacing.isEmpty ? ownWeights : prepared).steps { try forward(step, &run) }
    return run
  }

  /// The same run with other weights: computes only what depends on them.
  public func run(
    _ base: GradientRun, replacing: [String: Tensor]
  ) throws -> GradientRun {
    var run = base
    var changed = Set(replacing.keys)
    for (name, tensor) in replacing { run[name] = tensor }
    for step in prepared.steps where step.node.inputs.contains(where: changed.contains) {
      try forward(step, &run)
      changed.formUnion(step.node.outputs)
    }
    return run
  }

  private func forward(_ step: PreparedGraph.Step, _ run: inout GradientRun) throws {
    let scope = ValueScope(slots: prepared.slots, values: run.values)
    let results = try step.kernel(inputs(of: step, run), RunContext(pool: pool, scope: scope))
    for (slot, value) in zip(step.outputs, results) {
      if let slot { run.values[slot] = value }
    }
  }

  private func inputs(of step: PreparedGraph.Step, _ run: GradientRun) -> OperatorInputs {
    OperatorInputs(
      node: step.label, values: step.inputs.map { slot in slot.flatMap { run.values[$0] } })
  }

  /// The gradients with respect to `targets`, some of those that the engine was made for (nil for
  /// all), of the loss whose gradients with respect to sources are `seeds`; in the shapes of the
  /// values. Zeros where the loss does not depend on a target.
  public func gradients(
    of run: GradientRun, seeds: [String: Tensor], targets: Set<String>? = nil
  ) throws -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    try forEachGradient(of: run, seeds: seeds, targets: targets) { found[$0] = $1 }
    return found
  }

  /// Hands over each of the gradients once, as soon as it is complete: what is not kept gives its memory
  /// to those that follow.
  public func forEachGradient(
    of run: GradientRun, seeds: [String: Tensor], targets: Set<String>? = nil,
    _ body: (String, Tensor) throws -> Void
  ) throws {
    let wanted = targets ?? self.targets
    for (name, seed) in seeds {
      guard sources.contains(name), let value = run[name] else {
        throw RuntimeError.unknownValue(name: name)
      }
      guard seed.elementType == .float32, seed.shape == value.shape else {
        throw RuntimeError.inputShape(
          name: name, expected: "\(value.shape) for its gradient", found: "\(seed.shape)")
      }
    }
    let path = GradientPath(prepared.graph.nodes, from: wanted, to: Set(seeds.keys))
    var gradients = seeds
    // Of targets that no node on the path computes: the nodes that have yet to add to them.
    var readers = path.readers(of: wanted, in: prepared.graph.nodes)
    var missing = wanted
    for index in path.nodes.reversed() {
      let step = prepared.steps[index]
      let own = step.node.outputs.map { gradients[$0] }
      for name in step.node.outputs {
        let gradient = gradients.removeValue(forKey: name)
        if let gradient, missing.remove(name) != nil { try body(name, gradient) }
      }
      if own.contains(where: { $0 != nil }), let rule = rules[index] {
        let parts = try rule(
          BackwardStep(
            node: step.node, kernel: step.kernel, inputs: inputs(of: step, run),
            outputs: step.node.outputs.map { run[$0] }, gradients: own,
            wanted: step.node.inputs.map(path.isActive), pool: pool))
        for (name, part) in zip(step.node.inputs, parts) {
          guard let part, path.isActive(name) else { continue }
          gradients[name] = gradients[name]?.plus(part, pool: pool) ?? part
        }
      }
      for name in Set(step.node.inputs) {
        guard let left = readers[name] else { continue }
        readers[name] = left - 1
        if left == 1, missing.contains(name), let gradient = gradients.removeValue(forKey: name) {
          missing.remove(name)
          try body(name, gradient)
        }
      }
    }
    for name in missing {
      guard let value = run[name] else { throw RuntimeError.unknownValue(name: name) }
      try body(name, gradients[name] ?? .zeros(value.shape))
    }
  }
}

/// The values of one forward run.
public struct GradientRun: Sendable {
  private let slots: [String: Int]
  var values: [RuntimeValue?]

  init(slots: [String: Int], values: [RuntimeValue?]) {
    self.slots = slots
    self.values = values
  }

  /// A tensor that the run gave or was given; nil where there is none of that name.
  public internal(set) subscript(name: String) -> Tensor? {
    get {
      guard let slot = slots[name], case .tensor(let tensor)? = values[slot] else { return nil }
      return tensor
    }
    set {
      if let slot = slots[name] { values[slot] = newValue.map { .tensor($0) } }
    }
  }
}

/// The nodes between values: those that some target reaches and that reach some source.
struct GradientPath {
  /// Positions in graph order.
  let nodes: [Int]
  private let active: Set<String>

  init(_ nodes: [Node], from targets: Set<String>, to sources: Set<String>) {
    var active = targets
    for node in nodes where !BackwardRegistry.isFlat(node) {
      if node.inputs.contains(where: active.contains) {
        active.formUnion(node.outputs.filter { !$0.isEmpty })
      }
    }
    var useful = sources
    var found: [Int] = []
    for (index, node) in nodes.enumerated().reversed()
    where node.outputs.contains(where: useful.contains) && !BackwardRegistry.isFlat(node) {
      let inputs = node.inputs.filter(active.contains)
      if inputs.isEmpty { continue }
      useful.formUnion(inputs)
      found.append(index)
    }
    self.nodes = found.reversed()
    self.active = active
  }

  /// How many nodes of the path read each of the values, of those that none of them computes.
  func readers(of values: Set<String>, in all: [Node]) -> [String: Int] {
    let computed = Set(nodes.flatMap { all[$0].outputs })
    var counts: [String: Int] = [:]
    for name in nodes.flatMap({ Set(all[$0].inputs) })
    where values.contains(name) && !computed.contains(name) {
      counts[name, default: 0] += 1
    }
    return counts
  }

  /// Whether the value depends on a target, or is one.
  func isActive(_ name: String) -> Bool { active.contains(name) }
}
