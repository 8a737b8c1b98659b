public import Tensors

/// One operator application. An empty name among inputs or outputs marks an omitted one.
public struct Node: Sendable, Codable, Equatable {
  public var name: String
  public var op: String
  /// Empty for the standard ONNX operators ("ai.onnx" is normalized to it).
  public var domain: String
  public var overload: String
  public var inputs: [String]
  public var outputs: [String]
  public var attributes: [Attribute]
  public var docString: String
  /// Serialized fields that tapq does not interpret, written back unchanged.
  public var unknownFields: [UInt8]

  public init(
    name: String = "", op: String, domain: String = "", overload: String = "", inputs: [String],
    outputs: [String], attributes: [Attribute] = [], docString: String = "",
    unknownFields: [UInt8] = []
  ) {
    self.name = name
    self.op = op
    self.domain = domain
    self.overload = overload
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
    self.docString = docString
    self.unknownFields = unknownFields
  }

  /// The first output's name: unique in a valid graph, present in every useful node.
  public var identity: String { outputs.first { !$0.isEmpty } ?? "" }

  /// How messages name the node: `Conv 'conv1'`, or by its first output where it has no name.
  public var label: String { "\(op) '\(name.isEmpty ? identity : name)'" }

  /// The input at `index`; nil where it is omitted.
  public func input(_ index: Int) -> String? {
    index < inputs.count && !inputs[index].isEmpty ? inputs[index] : nil
  }

  /// The output at `index`; nil where it is omitted.
  public func output(_ index: Int) -> String? {
    index < outputs.count && !outputs[index].isEmpty ? outputs[index] : nil
  }

  public func isOperator(_ op: String, domain: String = "") -> Bool {
    self.op == op && self.domain == domain
  }
}

extension Node {
  /// The attribute's value, nil where it is absent.
  public func attribute(_ name: String) -> AttributeValue? {
    attributes.first { $0.name == name }?.value
  }

  /// An integer attribute; nil where it is absent, an error where it is of another kind.
  public func int(_ name: String) throws(GraphError) -> Int? {
    switch attribute(name) {
    case nil: return nil
    case .int(let value): return value
    case .some: throw .attributeKind(node: label, attribute: name, expected: "an integer")
    }
  }

  public func ints(_ name: String) throws(GraphError) -> [Int]? {
    switch attribute(name) {
    case nil: return nil
    case .ints(let value): return value
    // An empty list has no kind of its own in files written without a type field.
    case .floats(let value) where value.isEmpty: return []
    case .some: throw .attributeKind(node: label, attribute: name, expected: "a list of integers")
    }
  }

  public func float(_ name: String) throws(GraphError) -> Float? {
    switch attribute(name) {
    case nil: return nil
    case .float(let value): return value
    case .some: throw .attributeKind(node: label, attribute: name, expected: "a float")
    }
  }

  public func floats(_ name: String) throws(GraphError) -> [Float]? {
    switch attribute(name) {
    case nil: return nil
    case .floats(let value): return value
    case .ints(let value) where value.isEmpty: return []
    case .some: throw .attributeKind(node: label, attribute: name, expected: "a list of floats")
    }
  }

  public func string(_ name: String) throws(GraphError) -> String? {
    switch attribute(name) {
    case nil: return nil
    case .string(let bytes): return String(decoding: bytes, as: UTF8.self)
    case .some: throw .attributeKind(node: label, attribute: name, expected: "a string")
    }
  }

  public func strings(_ name: String) throws(GraphError) -> [String]? {
    switch attribute(name) {
    case nil: return nil
    case .strings(let list): return list.map { String(decoding: $0, as: UTF8.self) }
    case .some: throw .attributeKind(node: label, attribute: name, expected: "a list of strings")
    }
  }

  public func tensor(_ name: String) throws(GraphError) -> Tensor? {
    switch attribute(name) {
    case nil: return nil
    case .tensor(let named): return named.tensor
    case .some: throw .attributeKind(node: label, attribute: name, expected: "a tensor")
    }
  }

  public func graph(_ name: String) throws(GraphError) -> Graph? {
    switch attribute(name) {
    case nil: return nil
    case .graph(let graph): return graph
    case .some: throw .attributeKind(node: label, attribute: name, expected: "a graph")
    }
  }

  /// The graphs that the node's attributes hold (`If`, `Loop`, `Scan`).
  public var subgraphs: [Graph] {
    attributes.flatMap { attribute -> [Graph] in
      switch attribute.value {
      case .graph(let graph): [graph]
      case .graphs(let graphs): graphs
      default: []
      }
    }
  }

  /// Replaces the attribute of that name, or appends it.
  public mutating func setAttribute(_ name: String, _ value: AttributeValue) {
    if let index = attributes.firstIndex(where: { $0.name == name }) {
      attributes[index].value = value
    } else {
      attributes.append(Attribute(name, value))
    }
  }

  public mutating func removeAttribute(_ name: String) {
    attributes.removeAll { $0.name == name }
  }
}
