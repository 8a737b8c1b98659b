import COnnx
import Foundation
public import GraphIR
import Tensors

/// `.onnx` files as `Model`s: `load` and `save` are inverse.
public enum ONNXFile {
  /// The versions of the standard operator set that tapq knows.
  public static let supportedOpsets = 7...25

  /// Leaves room below the 2 GiB of a protobuf message for everything that is not a weight.
  static let largestInlineWeights = Int(Int32.max) - (128 << 20)

  /// Reads a model with its external data and checks it. `opsets` lets a test read older files,
  /// whose operators may mean something else.
  public static func load(
    path: String, opsets: ClosedRange<Int> = supportedOpsets
  ) throws(ONNXError) -> Model {
    try ModelImporter(document: .model(path: path), supported: opsets).model()
  }

  /// Writes a model as a whole or not at all; equal models give equal bytes. Weights that would
  /// make the file too large go to `<path>.data`.
  public static func save(
    _ model: Model, to path: String, overwrite: Bool
  ) throws(ONNXError) {
    try save(model, to: path, overwrite: overwrite, largestInlineWeights: largestInlineWeights)
  }

  static func save(
    _ model: Model, to path: String, overwrite: Bool, largestInlineWeights: Int
  ) throws(ONNXError) {
    let dataPath = path + ".data"
    let weights = WeightPlacement(
      model: model, location: (dataPath as NSString).lastPathComponent,
      limit: largestInlineWeights)
    do throws(TensorFileError) {
      try OutputFile.checkWritable(path, overwrite: overwrite)
      if !weights.externals.isEmpty {
        try write(weights, to: dataPath, overwrite: overwrite)
      }
      do throws(TensorFileError) {
        try OutputFile.write(to: path, overwrite: overwrite) { descriptor in
          ModelExporter(weights: weights).withView(of: model) { view in
            failureReason { connx_write_model(view, descriptor, $0) }
          }
        }
      } catch {
        if !weights.externals.isEmpty { unlink(dataPath) }
        throw error
      }
    } catch {
      throw .output(error)
    }
  }

  private static func write(
    _ weights: WeightPlacement, to path: String, overwrite: Bool
  ) throws(TensorFileError) {
    try OutputFile.write(to: path, overwrite: overwrite) { descriptor in
      for (tensor, offset) in weights.externals {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { return systemMessage(errno) }
        let failure = withExtendedLifetime(tensor) {
          OutputFile.writeAll(tensor.storage.bytes, to: descriptor)
        }
        if let failure { return failure }
      }
      return nil
    }
  }
}

/// Nil where `write` succeeds.
func failureReason(
  _ write: (UnsafeMutablePointer<connx_error>) -> connx_status
) -> String? {
  var error = connx_error()
  switch write(&error) {
  case CONNX_OK: return nil
  case CONNX_SYSTEM: return systemMessage(error.system_error)
  case CONNX_TOO_LARGE: return "without its weights the model is larger than 2 GiB"
  case CONNX_MEMORY: return "the memory does not suffice"
  default: return "the model holds fields that are not of ONNX"
  }
}
