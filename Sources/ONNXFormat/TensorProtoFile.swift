import COnnx
public import GraphIR
public import Tensors

/// `.pb` files of single values.
public enum TensorProtoFile {
  /// Reads a `TensorProto`.
  public static func load(path: String) throws(ONNXError) -> Tensor {
    let document = try Document.value(path: path, kind: CONNX_VALUE_TENSOR)
    guard let view = document.value else { throw .valueKind(file: path) }
    return try TensorImporter(document: document).tensor(view.tensor)
  }

  /// Reads a value of the declared type; the file itself does not say which message it holds.
  public static func load(
    path: String, type: ValueType
  ) throws(ONNXError) -> StoredValue {
    let kind =
      switch type {
      case .sequence: CONNX_VALUE_SEQUENCE
      case .optional: CONNX_VALUE_OPTIONAL
      case .tensor: CONNX_VALUE_TENSOR
      case .opaque: CONNX_VALUE_UNSUPPORTED
      }
    guard kind != CONNX_VALUE_UNSUPPORTED else { throw .valueKind(file: path) }
    let document = try Document.value(path: path, kind: kind)
    guard let view = document.value else { throw .valueKind(file: path) }
    return try value(view, tensors: TensorImporter(document: document))
  }

  /// Writes a `TensorProto`, as a whole or not at all.
  public static func save(
    _ tensor: Tensor, name: String = "", to path: String, overwrite: Bool
  ) throws(ONNXError) {
    let arena = ViewArena()
    let exporter = GraphExporter(arena: arena, weights: WeightPlacement())
    var view = exporter.tensor(NamedTensor(name: name, tensor: tensor))
    do {
      try OutputFile.write(to: path, overwrite: overwrite) { descriptor in
        withExtendedLifetime((arena, tensor)) {
          failureReason { connx_write_tensor(&view, descriptor, $0) }
        }
      }
    } catch {
      throw .output(error)
    }
  }

  private static func value(
    _ view: connx_value, tensors: TensorImporter
  ) throws(ONNXError) -> StoredValue {
    let items = UnsafeBufferPointer(start: view.items, count: view.item_count)
    switch view.kind {
    case CONNX_VALUE_TENSOR: return .tensor(try tensors.tensor(view.tensor))
    case CONNX_VALUE_SEQUENCE:
      var list: [StoredValue] = []
      for item in items { list.append(try value(item, tensors: tensors)) }
      return .sequence(list)
    case CONNX_VALUE_OPTIONAL:
      guard let item = items.first else { return .optional(nil) }
      return .optional(try value(item, tensors: tensors))
    default: throw .valueKind(file: tensors.document.path)
    }
  }
}
