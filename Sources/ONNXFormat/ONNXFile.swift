public import GraphIR

/// `.onnx` files as `Model`s: `load` and `save` are inverse.
public enum ONNXFile {
  /// The versions of the standard operator set that tapq knows.
  public static let supportedOpsets = 7...25

  /// Reads a model with its external data and checks it. `opsets` lets a test read older files,
  /// whose operators may mean something else.
  public static func load(
    path: String, opsets: ClosedRange<Int> = supportedOpsets
  ) throws(ONNXError) -> Model {
    try ModelImporter(document: .model(path: path), supported: opsets).model()
  }
}
