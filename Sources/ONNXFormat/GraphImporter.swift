import COnnx
import GraphIR
import OrderedCollections
import Tensors

/// Makes graphs, nodes and attributes of their views.
struct GraphImporter {
  let tensors: TensorImporter
  private var file: String { tensors.document.path }

  init(tensors: TensorImporter) { self.tensors = tensors }

  func graph(_ view: connx_graph) throws(ONNXError) -> Graph {
    var initializers = OrderedDictionary<String, Tensor>(
      minimumCapacity: view.initializers.count)
    for item in view.initializers.list {
      let name = item.name.text
      guard initializers.updateValue(try tensors.tensor(item), forKey: name) == nil else {
        throw .graph(
          file: file, .valueRedefined(value: name, by: "another initializer"))
      }
    }
    var nodes: [Node] = []
    nodes.reserveCapacity(view.nodes.count)
    for item in view.nodes.list { nodes.append(try node(item)) }
    return Graph(
      name: view.name.text, docString: view.doc_string.text, inputs: try infos(view.inputs),
      outputs: try infos(view.outputs), valueInfos: try infos(view.value_infos),
      initializers: initializers, nodes: nodes, unknownFields: view.unknown_fields.array)
  }

  private func infos(_ views: connx_value_infos) throws(ONNXError) -> [ValueInfo] {
    let infos = views.list.map(ValueInfo.init)
    for info in infos {
      guard let sizes = info.type?.fixedSizes, Tensor.checkedCount(of: sizes) == nil else {
        continue
      }
      throw .valueShape(file: file, value: info.name, shape: sizes)
    }
    return infos
  }

  func node(_ view: connx_node) throws(ONNXError) -> Node {
    var node = Node(
      name: view.name.text, op: view.op.text, domain: view.domain.text,
      overload: view.overload.text, inputs: view.inputs.texts, outputs: view.outputs.texts,
      docString: view.doc_string.text, unknownFields: view.unknown_fields.array)
    let label = node.label
    for item in view.attributes.list {
      node.attributes.append(try attribute(item, of: label))
    }
    return node
  }

  func attribute(_ view: connx_attribute, of owner: String) throws(ONNXError) -> Attribute {
    Attribute(
      view.name.text, try value(view, of: owner), docString: view.doc_string.text,
      unknownFields: view.unknown_fields.array)
  }

  private func value(
    _ view: connx_attribute, of owner: String
  ) throws(ONNXError) -> AttributeValue {
    if view.reference.count > 0 { return .reference(view.reference.text, kind: view.type) }
    let type = try type(of: view, owner: owner)
    switch type {
    case CONNX_ATTRIBUTE_FLOAT: return .float(view.f)
    case CONNX_ATTRIBUTE_INT: return .int(Int(view.i))
    case CONNX_ATTRIBUTE_STRING: return .string(view.s.array)
    case CONNX_ATTRIBUTE_FLOATS:
      return .floats(Array(UnsafeBufferPointer(start: view.floats, count: view.float_count)))
    case CONNX_ATTRIBUTE_INTS:
      return .ints(UnsafeBufferPointer(start: view.ints, count: view.int_count).map { Int($0) })
    case CONNX_ATTRIBUTE_STRINGS: return .strings(view.strings.arrays)
    case CONNX_ATTRIBUTE_TENSOR, CONNX_ATTRIBUTE_TENSORS:
      var list: [NamedTensor] = []
      for item in view.tensors.list {
        list.append(
          NamedTensor(
            name: item.name.text, tensor: try tensors.tensor(item),
            docString: item.doc_string.text, unknownFields: item.unknown_fields.array))
      }
      if type == CONNX_ATTRIBUTE_TENSOR, let only = list.first { return .tensor(only) }
      return .tensors(list)
    case CONNX_ATTRIBUTE_GRAPH, CONNX_ATTRIBUTE_GRAPHS:
      var list: [Graph] = []
      for item in UnsafeBufferPointer(start: view.graphs, count: view.graph_count) {
        list.append(try graph(item))
      }
      if type == CONNX_ATTRIBUTE_GRAPH, let only = list.first { return .graph(only) }
      return .graphs(list)
    default: return .opaque(view.serialized.array)
    }
  }

  /// The declared type, checked against the fields that hold something; derived from them where
  /// the file (as older ones do) declares none.
  private func type(
    of view: connx_attribute, owner: String
  ) throws(ONNXError) -> connx_attribute_type {
    guard let kind = AttributeKind(rawValue: view.type) else {
      throw .attributeUnknown(
        file: file, node: owner, attribute: view.name.text, code: Int(view.type))
    }
    if kind == .undefined {
      let present = AttributeKind.allCases.filter { $0.isPresent(in: view) }
      return (present.first ?? .ints).type
    }
    // Zero, the empty string and the empty list may be left out; a tensor or a graph may not.
    let mayBeAbsent = view.present == 0 && !kind.needsValue
    guard kind.isPresent(in: view) || mayBeAbsent else {
      throw .attributeKind(
        file: file, node: owner, attribute: view.name.text, declared: kind.name)
    }
    return kind.type
  }
}
