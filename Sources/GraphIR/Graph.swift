public import OrderedCollections
public import Tensors

/// A dataflow graph: nodes in topological order, values named, every value defined once.
///
/// A subgraph (`If`, `Loop`) may also read the values of the graphs around it.
/// `validate()` checks the invariants; every `GraphPatch` ends with it.
public struct Graph: Sendable, Codable, Equatable {
  public var name: String
  public var docString: String
  public var inputs: [ValueInfo]
  public var outputs: [ValueInfo]
  /// Declared types of inner values.
  public var valueInfos: [ValueInfo]
  /// Constants by name, in file order. A name may also be a graph input (IR 3: default value).
  public var initializers: OrderedDictionary<String, Tensor>
  public var nodes: [Node]
  /// Serialized fields that tapq does not interpret, written back unchanged.
  public var unknownFields: [UInt8]

  public init(
    name: String = "", docString: String = "", inputs: [ValueInfo] = [],
    outputs: [ValueInfo] = [], valueInfos: [ValueInfo] = [],
    initializers: OrderedDictionary<String, Tensor> = [:], nodes: [Node] = [],
    unknownFields: [UInt8] = []
  ) {
    self.name = name
    self.docString = docString
    self.inputs = inputs
    self.outputs = outputs
    self.valueInfos = valueInfos
    self.initializers = initializers
    self.nodes = nodes
    self.unknownFields = unknownFields
  }

  /// The inputs that a caller must feed: those that no initializer gives a value.
  public var requiredInputs: [ValueInfo] { inputs.filter { initializers[$0.name] == nil } }
}

/// A domain and the version of its operator set. The standard domain is the empty string.
public struct OperatorSet: Sendable, Codable, Hashable {
  public var domain: String
  public var version: Int

  public init(domain: String = "", version: Int) {
    self.domain = domain
    self.version = version
  }
}

/// A key and a value of a model's metadata, in file order.
public struct MetadataEntry: Sendable, Codable, Hashable {
  public var key: String
  public var value: String

  public init(key: String, value: String) {
    self.key = key
    self.value = value
  }
}

/// A graph with what its file says about it.
public struct Model: Sendable, Codable, Equatable {
  public var irVersion: Int
  public var operatorSets: [OperatorSet]
  public var producerName: String
  public var producerVersion: String
  public var domain: String
  public var modelVersion: Int
  public var docString: String
  public var metadata: [MetadataEntry]
  public var functions: [FunctionDefinition]
  public var graph: Graph
  /// Serialized fields that tapq does not interpret, written back unchanged.
  public var unknownFields: [UInt8]

  public init(
    irVersion: Int = 8, operatorSets: [OperatorSet], producerName: String = "",
    producerVersion: String = "", domain: String = "", modelVersion: Int = 0,
    docString: String = "", metadata: [MetadataEntry] = [],
    functions: [FunctionDefinition] = [], graph: Graph, unknownFields: [UInt8] = []
  ) {
    self.irVersion = irVersion
    self.operatorSets = operatorSets
    self.producerName = producerName
    self.producerVersion = producerVersion
    self.domain = domain
    self.modelVersion = modelVersion
    self.docString = docString
    self.metadata = metadata
    self.functions = functions
    self.graph = graph
    self.unknownFields = unknownFields
  }

  /// The version of the standard operator set; 1 where the file does not say.
  public var opset: Int { operatorSets.first { $0.domain.isEmpty }?.version ?? 1 }
}

/// An operator that the model defines by a body of other operators (IR 8 and later).
public struct FunctionDefinition: Sendable, Codable, Equatable {
  public var name: String
  public var domain: String
  public var overload: String
  public var inputs: [String]
  public var outputs: [String]
  /// Names of attributes without a default, then those with one.
  public var attributeNames: [String]
  public var attributeDefaults: [Attribute]
  public var operatorSets: [OperatorSet]
  public var nodes: [Node]
  public var docString: String
  public var unknownFields: [UInt8]

  public init(
    name: String, domain: String, overload: String = "", inputs: [String], outputs: [String],
    attributeNames: [String] = [], attributeDefaults: [Attribute] = [],
    operatorSets: [OperatorSet] = [], nodes: [Node], docString: String = "",
    unknownFields: [UInt8] = []
  ) {
    self.name = name
    self.domain = domain
    self.overload = overload
    self.inputs = inputs
    self.outputs = outputs
    self.attributeNames = attributeNames
    self.attributeDefaults = attributeDefaults
    self.operatorSets = operatorSets
    self.nodes = nodes
    self.docString = docString
    self.unknownFields = unknownFields
  }
}
