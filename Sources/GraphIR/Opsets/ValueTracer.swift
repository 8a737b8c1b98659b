import Tensors

/// Answers what little a rewrite must know of a value's type, from declarations and by walking
/// back through producers; cheaper than shape inference and independent of the opset.
final class ValueTracer: Sendable {
  private let declared: [String: ValueType]
  private let initializers: [String: Tensor]
  private let producers: [String: Node]
  private let around: ValueTracer?

  init(_ graph: Graph, around: ValueTracer? = nil) {
    self.around = around
    var declared: [String: ValueType] = [:]
    for info in graph.valueInfos + graph.inputs + graph.outputs {
      if let type = info.type { declared[info.name] = type }
    }
    self.declared = declared
    initializers = Dictionary(
      graph.initializers.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    var producers: [String: Node] = [:]
    for node in graph.nodes {
      for output in node.outputs where !output.isEmpty { producers[output] = node }
    }
    self.producers = producers
  }

  /// The value of an initializer or of a `Constant` node.
  func constant(_ name: String) -> Tensor? {
    if let tensor = initializers[name] { return tensor }
    if let node = producers[name] { return node.constantValue }
    return around?.constant(name)
  }

  /// The element type; nil where neither a declaration nor the producers tell.
  func elementType(of name: String) -> ElementType? {
    walk(name) { tracer, name in
      if case .tensor(let type, _) = tracer.declared[name] { return .found(type) }
      if let tensor = tracer.initializers[name] { return .found(tensor.elementType) }
      guard let node = tracer.producers[name] else { return .unknown }
      switch node.op {
      case "Shape", "Size", "ArgMax", "ArgMin", "NonZero": return .found(.int64)
      case "Equal", "Less", "Greater", "And", "Or", "Not", "Xor", "IsNaN", "IsInf":
        return .found(.bool)
      case "Cast":
        guard let to = try? node.int("to"), let type = ElementType(rawValue: Int32(clamping: to))
        else { return .unknown }
        return .found(type)
      case "Constant", "ConstantOfShape":
        return .found(node.constantValue?.elementType ?? .float32)
      case "Where": return node.input(1).map { .follow([$0]) } ?? .unknown
      case "If", "Loop", "Scan", "DequantizeLinear", "QuantizeLinear": return .unknown
      default:
        // TopK's second output and the like are the only outputs of another type.
        guard node.outputs.first == name, let first = node.input(0) else { return .unknown }
        return .follow([first])
      }
    }
  }

  /// The number of dimensions; nil where neither a declaration nor the producers tell.
  func rank(of name: String) -> Int? {
    walk(name) { tracer, name in
      if case .tensor(_, let shape?) = tracer.declared[name] { return .found(shape.count) }
      if let tensor = tracer.initializers[name] { return .found(tensor.rank) }
      guard let node = tracer.producers[name] else { return .unknown }
      switch node.op {
      case "Gemm", "Flatten": return .found(2)
      case "Constant": return node.constantValue.map { .found($0.rank) } ?? .unknown
      case "Reshape":
        return tracer.constantInput(node, 1).map { .found($0.count) } ?? .unknown
      case "Conv", "ConvTranspose", "BatchNormalization", "Relu", "Sigmoid", "Tanh", "Clip",
        "LeakyRelu", "Transpose", "Concat", "Softmax", "MaxPool", "AveragePool", "Dropout",
        "GlobalAveragePool", "GlobalMaxPool", "Identity", "Cast", "Pad", "Slice", "Split":
        return node.input(0).map { .follow([$0]) } ?? .unknown
      default: return .unknown
      }
    }
  }

  private func constantInput(_ node: Node, _ index: Int) -> Tensor? {
    node.input(index).flatMap(constant)
  }

  private enum Answer<Value> {
    case found(Value)
    case follow([String])
    case unknown
  }

  private func walk<Value>(
    _ start: String, _ ask: (ValueTracer, String) -> Answer<Value>
  ) -> Value? {
    var tracer = self
    var name = start
    var steps = 0
    // The bound ends walks round a cycle of a graph that has not been validated.
    while steps < 10_000 {
      steps += 1
      switch ask(tracer, name) {
      case .found(let value): return value
      case .follow(let names):
        guard let next = names.first else { return nil }
        name = next
      case .unknown:
        guard !tracer.defines(name), let outer = tracer.around else { return nil }
        tracer = outer
      }
    }
    return nil
  }

  private func defines(_ name: String) -> Bool {
    producers[name] != nil || initializers[name] != nil || declared[name] != nil
  }
}
