import GraphIR
import Tensors

/// Where the elements of a model's initializers go: into the model file, or, where that would
/// outgrow a protobuf message, the larger ones into one data file beside it.
struct WeightPlacement {
  struct Place {
    let location: String
    let offset: Int
    let length: Int
  }

  /// Tensors of the data file in the order in which they lie there.
  private(set) var externals: [(tensor: Tensor, offset: Int)] = []
  private var places: [ObjectIdentifier: Place] = [:]

  /// Everything inline.
  init() {}

  /// Data-file offsets are multiples of the page size, so that readers can map single tensors.
  private static let alignment = 4096
  private static let smallestExternal = 1024

  /// Moves initializers to `location` if all of them together exceed `limit` bytes.
  init(model: Model, location: String, limit: Int) {
    let total = model.graph.initializers.values.reduce(0) { $0 + $1.storage.byteCount }
    guard total > limit else { return }
    var offset = 0
    for tensor in model.graph.initializers.values {
      let length = tensor.storage.byteCount
      let key = ObjectIdentifier(tensor.storage)
      guard length >= WeightPlacement.smallestExternal, places[key] == nil else { continue }
      places[key] = Place(location: location, offset: offset, length: length)
      externals.append((tensor, offset))
      let padded = length + WeightPlacement.alignment - 1
      offset += padded - padded % WeightPlacement.alignment
    }
  }

  /// Nil where the tensor is written into the model file.
  func place(of tensor: Tensor) -> Place? { places[ObjectIdentifier(tensor.storage)] }
}
