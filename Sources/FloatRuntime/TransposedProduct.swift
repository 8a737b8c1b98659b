import COpenBLAS

/// Dense single-threaded products over caller-owned buffers, for statistics beside the engine;
/// callers run several at once.
public enum TransposedProduct {
  /// Makes OpenBLAS run on the caller's thread; true once that is done.
  static let isConfigured: Bool = {
    openblas_set_num_threads(1)
    return true
  }()

  /// `output[m, n] = left[m, k] * transpose(right[n, k])`, row-major with the given row strides.
  public static func multiply(
    _ left: UnsafePointer<Float>, _ leftStride: Int, _ right: UnsafePointer<Float>,
    _ rightStride: Int, into output: UnsafeMutablePointer<Float>, _ outputStride: Int,
    m: Int, n: Int, k: Int
  ) {
    guard m > 0, n > 0, k > 0, isConfigured else { return }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, Int32(m), Int32(n), Int32(k), 1, left,
      Int32(leftStride), right, Int32(rightStride), 0, output, Int32(outputStride))
  }
}
