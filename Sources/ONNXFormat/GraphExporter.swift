import COnnx
import GraphIR
import Tensors

/// Builds the views of graphs. They point into the arena and into the tensors' own storage, so
/// the graph must outlive them.
struct GraphExporter {
  let arena: ViewArena
  let weights: WeightPlacement

  func graph(_ graph: Graph) -> connx_graph {
    var view = connx_graph()
    view.name = arena.text(graph.name)
    view.doc_string = arena.text(graph.docString)
    view.inputs = infos(graph.inputs)
    view.outputs = infos(graph.outputs)
    view.value_infos = infos(graph.valueInfos)
    view.initializers = tensors(
      graph.initializers.map { NamedTensor(name: $0.key, tensor: $0.value) })
    view.nodes = nodes(graph.nodes)
    view.unknown_fields = arena.bytes(graph.unknownFields)
    return view
  }

  func nodes(_ nodes: [Node]) -> connx_nodes {
    connx_nodes(items: arena.list(nodes.map(node)), count: nodes.count)
  }

  func attributes(_ attributes: [Attribute]) -> connx_attributes {
    connx_attributes(items: arena.list(attributes.map(attribute)), count: attributes.count)
  }

  func tensor(_ named: NamedTensor) -> connx_tensor {
    let tensor = named.tensor
    var view = connx_tensor()
    view.name = arena.text(named.name)
    view.doc_string = arena.text(named.docString)
    view.data_type = tensor.elementType.rawValue
    view.dims = arena.list(tensor.shape.map { Int64($0) })
    view.dim_count = tensor.shape.count
    view.unknown_fields = arena.bytes(named.unknownFields)
    if tensor.elementType == .string {
      view.data_kind = CONNX_DATA_STRINGS
      view.strings = arena.strings(tensor.strings)
    } else if let place = weights.place(of: tensor) {
      view.data_kind = CONNX_DATA_EXTERNAL
      view.external = arena.entries([
        ("location", place.location), ("offset", String(place.offset)),
        ("length", String(place.length)),
      ])
    } else {
      view.data_kind = CONNX_DATA_INLINE
      view.data = connx_bytes(
        start: tensor.storage.base.assumingMemoryBound(to: UInt8.self),
        count: tensor.storage.byteCount)
    }
    return view
  }

  private func tensors(_ list: [NamedTensor]) -> connx_tensors {
    connx_tensors(items: arena.list(list.map(tensor)), count: list.count)
  }

  private func node(_ node: Node) -> connx_node {
    var view = connx_node()
    view.name = arena.text(node.name)
    view.op = arena.text(node.op)
    view.domain = arena.text(node.domain)
    view.overload = arena.text(node.overload)
    view.doc_string = arena.text(node.docString)
    view.inputs = arena.names(node.inputs)
    view.outputs = arena.names(node.outputs)
    view.attributes = attributes(node.attributes)
    view.unknown_fields = arena.bytes(node.unknownFields)
    return view
  }

  private func attribute(_ attribute: Attribute) -> connx_attribute {
    var view = connx_attribute()
    view.name = arena.text(attribute.name)
    view.doc_string = arena.text(attribute.docString)
    view.unknown_fields = arena.bytes(attribute.unknownFields)
    func become(_ kind: AttributeKind) { view.type = kind.rawValue }
    switch attribute.value {
    case .float(let value):
      become(.float)
      view.f = value
    case .int(let value):
      become(.int)
      view.i = Int64(value)
    case .string(let value):
      become(.string)
      view.s = arena.bytes(value)
    case .tensor(let value):
      become(.tensor)
      view.tensors = tensors([value])
    case .graph(let value):
      become(.graph)
      view.graphs = arena.list([graph(value)])
      view.graph_count = 1
    case .floats(let values):
      become(.floats)
      view.floats = arena.list(values)
      view.float_count = values.count
    case .ints(let values):
      become(.ints)
      view.ints = arena.list(values.map { Int64($0) })
      view.int_count = values.count
    case .strings(let values):
      become(.strings)
      view.strings = arena.strings(values)
    case .tensors(let values):
      become(.tensors)
      view.tensors = tensors(values)
    case .graphs(let values):
      become(.graphs)
      view.graphs = arena.list(values.map(graph))
      view.graph_count = values.count
    case .reference(let name, let kind):
      view.type = kind
      view.reference = arena.text(name)
    case .opaque(let bytes): view.serialized = arena.bytes(bytes)
    }
    return view
  }

  private func infos(_ infos: [ValueInfo]) -> connx_value_infos {
    let views = infos.map { info in
      connx_value_info(
        name: arena.text(info.name), doc_string: arena.text(info.docString),
        type: info.type.map(type) ?? connx_type(),
        unknown_fields: arena.bytes(info.unknownFields))
    }
    return connx_value_infos(items: arena.list(views), count: views.count)
  }

  private func type(_ type: ValueType) -> connx_type {
    var view = connx_type()
    switch type {
    case .tensor(let elementType, let shape):
      view.kind = CONNX_TYPE_TENSOR
      view.element_type = elementType.rawValue
      view.has_shape = shape != nil
      view.dims = arena.list((shape ?? []).map(dimension))
      view.dim_count = shape?.count ?? 0
    case .sequence(let element):
      view.kind = CONNX_TYPE_SEQUENCE
      view.element = arena.list([self.type(element)])
    case .optional(let element):
      view.kind = CONNX_TYPE_OPTIONAL
      view.element = arena.list([self.type(element)])
    case .opaque(let bytes):
      view.kind = CONNX_TYPE_OPAQUE
      view.serialized = arena.bytes(bytes)
    }
    return view
  }

  private func dimension(_ dimension: Dimension) -> connx_dimension {
    switch dimension {
    case .fixed(let size):
      connx_dimension(kind: CONNX_DIMENSION_FIXED, size: Int64(size), symbol: connx_bytes())
    case .symbolic(let name):
      connx_dimension(kind: CONNX_DIMENSION_SYMBOLIC, size: 0, symbol: arena.text(name))
    case .unknown: connx_dimension()
    }
  }
}
