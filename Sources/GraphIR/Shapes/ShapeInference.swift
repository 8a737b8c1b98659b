import Tensors

/// Types and shapes of a model's values, found without running it.
public enum ShapeInference {
  /// The types of all values by name, subgraphs included; a value of which nothing is known is
  /// absent. `inputShapes` fixes dimensions that the model leaves open.
  ///
  /// Symbolic dimensions keep their names as long as they pass unchanged. Operators that are not
  /// known give unknown shapes; a contradiction is a `GraphError` that names the node.
  public static func infer(
    _ model: Model, inputShapes: [String: [Int]] = [:]
  ) throws -> [String: ValueType] {
    let scope = try analyze(model, inputShapes: inputShapes, evaluationLimit: 4096)
    var names: Set<String> = []
    model.graph.collectNames(into: &names)
    var result: [String: ValueType] = [:]
    for (name, type) in scope.innerTypes where names.contains(name) {
      result[name] = type.valueType
    }
    for (name, type) in scope.types where names.contains(name) { result[name] = type.valueType }
    return result
  }

  /// Infers on the newest opset, where the rules are written; names stay those of `model`.
  static func analyze(
    _ model: Model, inputShapes: [String: [Int]], evaluationLimit: Int
  ) throws -> InferenceScope {
    var model = model
    if !model.functions.isEmpty { model = try GraphPatch.inlineFunctions.apply(to: model) }
    if model.opset < OpsetUpgrade.latest, model.opset >= OpsetUpgrade.oldest {
      model = try GraphPatch.upgradeOpset(to: OpsetUpgrade.latest).apply(to: model)
    }
    let scope = InferenceScope(evaluationLimit: evaluationLimit)
    var symbols: [String: Int] = [:]
    for (name, tensor) in model.graph.initializers { scope.define(name, tensor) }
    for input in model.graph.inputs where model.graph.initializers[input.name] == nil {
      let type = try inputType(input, given: inputShapes[input.name], symbols: &symbols)
      scope.define(input.name, type)
    }
    // The same symbol at another input is the same size.
    if !symbols.isEmpty {
      for input in model.graph.inputs {
        guard let type = scope.types[input.name], model.graph.initializers[input.name] == nil
        else { continue }
        scope.define(input.name, type.substituting(symbols))
      }
    }
    try run(model.graph, in: scope, symbols: symbols)
    return scope
  }

  private static func inputType(
    _ input: ValueInfo, given: [Int]?, symbols: inout [String: Int]
  ) throws -> InferredType {
    var type = InferredType(input.type)
    let label = "input '\(input.name)'"
    for case .fixed(let size) in type.shape ?? []
    where size < 0 || size > InferenceNode.largestSize {
      throw GraphError.shapeMismatch(
        node: label, problem: "is declared with a dimension of \(size)")
    }
    guard let given else { return type }
    guard given.allSatisfy({ $0 >= 0 && $0 <= InferenceNode.largestSize }) else {
      throw GraphError.shapeMismatch(node: label, problem: "cannot have shape \(given)")
    }
    if let declared = type.shape {
      guard declared.count == given.count,
        zip(declared, given).allSatisfy({ ($0.size ?? $1) == $1 })
      else {
        throw GraphError.shapeMismatch(
          node: label, problem: "is declared \(declared.text), not \(given)")
      }
      for case (.symbolic(let symbol), let size) in zip(declared, given) {
        if let other = symbols.updateValue(size, forKey: symbol), other != size {
          throw GraphError.shapeMismatch(
            node: label, problem: "makes '\(symbol)' \(size), another input makes it \(other)")
        }
      }
    }
    type.shape = given.map { .fixed($0) }
    return type
  }

  /// Infers the nodes of a graph whose inputs and initializers `scope` already defines.
  static func run(
    _ graph: Graph, in scope: InferenceScope, symbols: [String: Int] = [:]
  ) throws {
    var declared: [String: InferredType] = [:]
    for info in graph.valueInfos + graph.outputs where info.type != nil {
      declared[info.name] = InferredType(info.type).substituting(symbols)
    }
    for node in graph.nodes {
      let described = InferenceNode(
        node: node, inputs: node.inputs.map { $0.isEmpty ? nil : scope.type($0) },
        values: node.inputs.map { $0.isEmpty ? nil : scope.value($0) }, scope: scope)
      var types: [InferredType] = []
      var values: [PartialValue?] = []
      if node.domain.isEmpty {
        if let rule = ShapeRules.table[node.op] { types = try rule(described) }
        if let rule = ValueRules.table[node.op] { values = try rule(described) }
      }
      for (index, name) in node.outputs.enumerated() where !name.isEmpty {
        var type = index < types.count ? types[index] : .unknown
        if let known = declared[name] { type = type.filled(from: known) }
        let value = index < values.count ? values[index] : nil
        if let value { type = InferredType(value.type, value.shape.map { .fixed($0) }) }
        scope.define(name, type, value)
      }
    }
  }
}

extension InferredType {
  func substituting(_ symbols: [String: Int]) -> InferredType {
    var result = self
    result.shape = shape?.map {
      if case .symbolic(let name) = $0, let size = symbols[name] { .fixed(size) } else { $0 }
    }
    return result
  }
}
