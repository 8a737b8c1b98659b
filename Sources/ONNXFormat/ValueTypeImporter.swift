import COnnx
import GraphIR
import Tensors

extension ValueInfo {
  init(_ view: connx_value_info) {
    self.init(
      name: view.name.text, type: ValueType(view.type), docString: view.doc_string.text,
      unknownFields: view.unknown_fields.array)
  }
}

extension ValueType {
  /// Nil where no type is declared.
  init?(_ view: connx_type) {
    switch view.kind {
    case CONNX_TYPE_NONE: return nil
    case CONNX_TYPE_TENSOR:
      guard let type = ElementType(rawValue: view.element_type) else {
        self = .opaque(view.serialized.array)
        return
      }
      let dims = UnsafeBufferPointer(start: view.dims, count: view.dim_count)
      self = .tensor(type, shape: view.has_shape ? dims.map(Dimension.init) : nil)
    case CONNX_TYPE_SEQUENCE, CONNX_TYPE_OPTIONAL:
      guard let element = view.element.flatMap({ ValueType($0.pointee) }) else {
        self = .opaque(view.serialized.array)
        return
      }
      self = view.kind == CONNX_TYPE_SEQUENCE ? .sequence(element) : .optional(element)
    default: self = .opaque(view.serialized.array)
    }
  }
}

extension ValueType {
  /// The sizes of the axes that have one.
  var fixedSizes: [Int] {
    switch self {
    case .tensor(_, let shape): (shape ?? []).compactMap(\.size)
    case .sequence(let element), .optional(let element): element.fixedSizes
    case .opaque: []
    }
  }
}

extension Dimension {
  init(_ view: connx_dimension) {
    switch view.kind {
    case CONNX_DIMENSION_FIXED: self = .fixed(Int(view.size))
    case CONNX_DIMENSION_SYMBOLIC: self = .symbolic(view.symbol.text)
    default: self = .unknown
    }
  }
}
