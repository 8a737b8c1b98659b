import COnnx

/// `AttributeProto.AttributeType`.
enum AttributeKind: Int32, CaseIterable {
  case undefined, float, int, string, tensor, graph, floats, ints, strings, tensors, graphs
  case sparseTensor, sparseTensors, typeProto, typeProtos

  var type: connx_attribute_type { connx_attribute_type(UInt32(rawValue)) }

  /// Whether the field of this kind holds a value.
  func isPresent(in view: connx_attribute) -> Bool { view.present >> UInt32(rawValue) & 1 == 1 }

  /// Whether a missing value can be read as zero or empty.
  var needsValue: Bool {
    switch self {
    case .tensor, .graph, .sparseTensor, .typeProto: true
    default: false
    }
  }

  var name: String {
    switch self {
    case .undefined: "of no type"
    case .float: "a float"
    case .int: "an integer"
    case .string: "a string"
    case .tensor: "a tensor"
    case .graph: "a graph"
    case .floats: "a list of floats"
    case .ints: "a list of integers"
    case .strings: "a list of strings"
    case .tensors: "a list of tensors"
    case .graphs: "a list of graphs"
    case .sparseTensor: "a sparse tensor"
    case .sparseTensors: "a list of sparse tensors"
    case .typeProto: "a type"
    case .typeProtos: "a list of types"
    }
  }
}
