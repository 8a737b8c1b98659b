import GraphIR
import Parallelism
import Tensors

/// A kernel that takes and gives tensors only.
typealias TensorKernel = @Sendable (OperatorInputs, RunContext) throws -> [Tensor]

extension OperatorDefinition {
  /// An operator all of whose inputs and outputs are tensors.
  static func tensors(
    _ name: String, domain: String = "",
    _ prepare: @escaping @Sendable (Node) throws -> TensorKernel
  ) -> OperatorDefinition {
    OperatorDefinition(name, domain: domain) { node, _ in
      let kernel = try prepare(node)
      return { inputs, context in try kernel(inputs, context).map { .tensor($0) } }
    }
  }

  /// An operator of one tensor without attributes.
  static func unary(
    _ name: String,
    _ compute: @escaping @Sendable (Tensor, OperatorInputs, RunContext) throws -> Tensor
  ) -> OperatorDefinition {
    .tensors(name) { _ in { inputs, context in [try compute(inputs.tensor(0), inputs, context)] } }
  }
}

extension OperatorInputs {
  func failure(_ problem: String) -> RuntimeError { .input(node: node, problem: problem) }

  /// The tensor in its compute type; throws for strings and complex numbers.
  func widened(_ tensor: Tensor) throws -> Tensor {
    guard let wide = tensor.widened() else {
      throw failure("\(tensor.elementType) tensors are not supported")
    }
    return wide
  }

  /// The tensor in `Float` or `Double`; throws for other compute types.
  func widenedFloat(_ tensor: Tensor) throws -> Tensor {
    guard tensor.elementType.isFloatingPoint, let wide = tensor.widened() else {
      throw failure("takes floating-point tensors, not \(tensor.elementType)")
    }
    return wide
  }

  func converted(_ tensor: Tensor, to type: ElementType) throws -> Tensor {
    guard let result = TypeConversion().convert(tensor, to: type) else {
      throw failure("cannot convert \(tensor.elementType) to \(type)")
    }
    return result
  }

  func broadcast(_ shapes: [[Int]]) throws -> Broadcast {
    guard let plan = Broadcast(shapes) else {
      let list = shapes.map { "\($0)" }.joined(separator: " and ")
      throw failure("shapes \(list) do not broadcast")
    }
    try checkedCount(plan.shape, .float32)
    return plan
  }

  /// `axis` counted from the front; throws where it is not an axis of `rank` dimensions.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    guard axis >= -rank, axis < rank else {
      throw failure("axis \(axis) is out of range for rank \(rank)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// The integers of the tensor at `index`; nil where it is omitted.
  func integers(_ index: Int) throws -> [Int]? {
    guard let tensor = try optionalTensor(index) else { return nil }
    guard let values = tensor.integers() else {
      throw failure("input \(index) must hold integers, it is \(tensor.elementType)")
    }
    return values
  }

  /// The only integer of the tensor at `index`; nil where it is omitted.
  func integer(_ index: Int) throws -> Int? {
    guard let values = try integers(index) else { return nil }
    guard values.count == 1 else {
      throw failure("input \(index) must hold one value, it has \(values.count)")
    }
    return values[0]
  }

  /// The only number of the tensor at `index`; nil where it is omitted.
  func number(_ index: Int) throws -> Double? {
    guard let tensor = try optionalTensor(index) else { return nil }
    guard tensor.count == 1 else {
      throw failure("input \(index) must hold one value, it has \(tensor.count)")
    }
    return try converted(tensor, to: .float64).elements(of: Double.self)[0]
  }

  func checkType(_ tensor: Tensor, _ type: ElementType, input index: Int) throws {
    guard tensor.elementType == type else {
      throw failure("input \(index) is \(tensor.elementType), must be \(type)")
    }
  }
}

extension Node {
  func flag(_ name: String, default value: Bool) throws -> Bool {
    try int(name).map { $0 != 0 } ?? value
  }

  /// A string attribute that takes one of `choices`.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default value: Choice
  ) throws -> Choice where Choice.RawValue == String {
    guard let text = try string(name) else { return value }
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw RuntimeError.attribute(
        node: label, problem: "attribute '\(name)' is '\(text)', must be one of \(known)")
    }
    return choice
  }

  func failure(_ problem: String) -> RuntimeError { .attribute(node: label, problem: problem) }

  /// The element type that an integer attribute names; nil where it is absent.
  func elementType(_ name: String) throws -> ElementType? {
    guard let code = try int(name) else { return nil }
    guard let raw = Int32(exactly: code), let type = ElementType(rawValue: raw) else {
      throw failure("attribute '\(name)' is \(code), not an element type")
    }
    return type
  }
}
