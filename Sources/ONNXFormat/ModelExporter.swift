import COnnx
import GraphIR

/// Builds the view of a model, which must outlive it.
struct ModelExporter {
  private let arena = ViewArena()
  private let graphs: GraphExporter

  init(weights: WeightPlacement) {
    graphs = GraphExporter(arena: arena, weights: weights)
  }

  /// Calls `body` with the view; it is gone afterwards.
  func withView<Result>(
    of model: Model, _ body: (UnsafePointer<connx_model>) -> Result
  ) -> Result {
    withExtendedLifetime((arena, model)) { withUnsafePointer(to: view(of: model), body) }
  }

  private func view(of model: Model) -> connx_model {
    var view = connx_model()
    view.ir_version = Int64(model.irVersion)
    view.model_version = Int64(model.modelVersion)
    view.producer_name = arena.text(model.producerName)
    view.producer_version = arena.text(model.producerVersion)
    view.domain = arena.text(model.domain)
    view.doc_string = arena.text(model.docString)
    view.operator_sets = operatorSets(model.operatorSets)
    view.metadata = arena.entries(model.metadata.map { ($0.key, $0.value) })
    view.functions = arena.list(model.functions.map(function))
    view.function_count = model.functions.count
    view.has_graph = true
    view.graph = graphs.graph(model.graph)
    view.unknown_fields = arena.bytes(model.unknownFields)
    return view
  }

  private func function(_ function: FunctionDefinition) -> connx_function {
    var view = connx_function()
    view.name = arena.text(function.name)
    view.domain = arena.text(function.domain)
    view.overload = arena.text(function.overload)
    view.doc_string = arena.text(function.docString)
    view.inputs = arena.names(function.inputs)
    view.outputs = arena.names(function.outputs)
    view.attribute_names = arena.names(function.attributeNames)
    view.attribute_defaults = graphs.attributes(function.attributeDefaults)
    view.operator_sets = operatorSets(function.operatorSets)
    view.nodes = graphs.nodes(function.nodes)
    view.unknown_fields = arena.bytes(function.unknownFields)
    return view
  }

  private func operatorSets(_ sets: [OperatorSet]) -> connx_operator_sets {
    let views = sets.map {
      connx_operator_set(domain: arena.text($0.domain), version: Int64($0.version))
    }
    return connx_operator_sets(items: arena.list(views), count: views.count)
  }
}
