import Tensors

/// What is known of a value's type.
struct InferredType: Equatable, Sendable {
  var element: ElementType?
  /// Nil where not even the rank is known.
  var shape: [Dimension]?
  /// Set for sequences, optionals and types that are not interpreted.
  var container: ValueType?

  static let unknown = InferredType()

  init(_ element: ElementType? = nil, _ shape: [Dimension]? = nil) {
    self.element = element
    self.shape = shape
    container = nil
  }

  init(_ type: ValueType?) {
    switch type {
    case nil: self.init()
    case .tensor(let element, let shape): self.init(element, shape)
    case .some(let other):
      self.init()
      container = other
    }
  }

  /// The type; nil where the element type is not known.
  var valueType: ValueType? {
    container ?? element.map { .tensor($0, shape: shape) }
  }

  /// This, with what it does not know taken from `other`.
  func filled(from other: InferredType) -> InferredType {
    if container != nil { return self }
    var result = self
    if element == nil, shape == nil, other.container != nil { return other }
    result.element = element ?? other.element
    if let shape, let declared = other.shape {
      if shape.count == declared.count {
        result.shape = zip(shape, declared).map { $0 == .unknown ? $1 : $0 }
      }
    } else {
      result.shape = shape ?? other.shape
    }
    return result
  }

  /// What is true of both.
  func common(with other: InferredType) -> InferredType {
    if self == other { return self }
    var result = InferredType(element == other.element ? element : nil)
    if let shape, let theirs = other.shape, shape.count == theirs.count {
      result.shape = zip(shape, theirs).map { $0 == $1 ? $0 : .unknown }
    }
    return result
  }

  /// The shape where every dimension is fixed.
  var fixedShape: [Int]? { shape?.fixed }
}

extension [Dimension] {
  /// The sizes where all are fixed.
  var fixed: [Int]? {
    var sizes: [Int] = []
    for dimension in self {
      guard let size = dimension.size else { return nil }
      sizes.append(size)
    }
    return sizes
  }

  /// As messages write it: `[N, 3, ?]`.
  var text: String {
    "["
      + map {
        switch $0 {
        case .fixed(let size): "\(size)"
        case .symbolic(let name): name
        case .unknown: "?"
        }
      }.joined(separator: ", ") + "]"
  }
}
