import COnnx
import GraphIR
import Tensors

/// Makes a validated model of a parsed document.
struct ModelImporter {
  let document: Document
  let supported: ClosedRange<Int>

  func model() throws(ONNXError) -> Model {
    let file = document.path
    guard let view = document.model, view.has_graph else { throw .noGraph(file: file) }
    let operatorSets = view.operator_sets.list.map(OperatorSet.init)
    if let version = operatorSets.first(where: \.domain.isEmpty)?.version,
      !supported.contains(version)
    {
      throw .opset(file: file, version: version, supported: supported)
    }
    let importer = GraphImporter(tensors: TensorImporter(document: document))
    var functions: [FunctionDefinition] = []
    for item in UnsafeBufferPointer(start: view.functions, count: view.function_count) {
      functions.append(try function(item, importer: importer))
    }
    let graph = try ordered(
      importer.graph(view.graph), sparse: view.graph.sparse_names.texts)
    if !operatorSets.contains(where: \.domain.isEmpty),
      graph.nodes.contains(where: \.domain.isEmpty)
    {
      throw .opsetMissing(file: file)
    }
    return Model(
      irVersion: Int(view.ir_version), operatorSets: operatorSets,
      producerName: view.producer_name.text, producerVersion: view.producer_version.text,
      domain: view.domain.text, modelVersion: Int(view.model_version),
      docString: view.doc_string.text,
      metadata: view.metadata.list.map { MetadataEntry(key: $0.key.text, value: $0.value.text) },
      functions: functions, graph: graph, unknownFields: view.unknown_fields.array)
  }

  /// The valid graph, sorted only where the file's order is not topological.
  /// `sparse` names initializers that are kept but cannot be read.
  private func ordered(_ graph: Graph, sparse: [String] = []) throws(ONNXError) -> Graph {
    do {
      do {
        try graph.validate()
        return graph
      } catch .cycle {
        let sorted = graph.sortedTopologically()
        try sorted.validate()
        return sorted
      }
    } catch {
      if case .valueUndefined(_, let value) = error, sparse.contains(value) {
        throw .sparseInitializer(file: document.path, name: value)
      }
      throw .graph(file: document.path, error)
    }
  }

  /// A function's body obeys the same invariants as a graph without initializers.
  private func function(
    _ view: connx_function, importer: GraphImporter
  ) throws(ONNXError) -> FunctionDefinition {
    var nodes: [Node] = []
    for item in view.nodes.list { nodes.append(try importer.node(item)) }
    let body = try ordered(
      Graph(
        inputs: view.inputs.texts.map { ValueInfo(name: $0, type: nil) },
        outputs: view.outputs.texts.map { ValueInfo(name: $0, type: nil) }, nodes: nodes))
    let name = view.name.text
    var defaults: [Attribute] = []
    for item in view.attribute_defaults.list {
      defaults.append(try importer.attribute(item, of: "function '\(name)'"))
    }
    return FunctionDefinition(
      name: name, domain: view.domain.text, overload: view.overload.text,
      inputs: view.inputs.texts, outputs: view.outputs.texts,
      attributeNames: view.attribute_names.texts, attributeDefaults: defaults,
      operatorSets: view.operator_sets.list.map(OperatorSet.init), nodes: body.nodes,
      docString: view.doc_string.text, unknownFields: view.unknown_fields.array)
  }
}

extension OperatorSet {
  init(_ view: connx_operator_set) {
    self.init(domain: view.domain.text, version: Int(view.version))
  }
}
