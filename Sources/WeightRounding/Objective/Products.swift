import COpenBLAS

/// Row-major products on one thread; callers run many at once over their own tiles.
enum Products {
  private static let isConfigured: Bool = {
    openblas_set_num_threads(1)
    return true
  }()

  /// `c = alpha * op(a) * op(b) + beta * c` with `c` of `m` rows and `n` columns.
  static func multiply(
    _ a: UnsafePointer<Float>, _ aStride: Int, transposedA aTransposed: Bool = false,
    _ b: UnsafePointer<Float>, _ bStride: Int, transposedB bTransposed: Bool = false,
    into c: UnsafeMutablePointer<Float>, _ cStride: Int, m: Int, n: Int, k: Int,
    alpha: Float = 1, beta: Float = 0
  ) {
    guard m > 0, n > 0, isConfigured else { return }
    guard k > 0 else {
      if beta == 0 { for row in 0..<m { (c + row * cStride).update(repeating: 0, count: n) } }
      return
    }
    cblas_sgemm(
      CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans,
      bTransposed ? CblasTrans : CblasNoTrans, Int32(m), Int32(n), Int32(k), alpha, a,
      Int32(aStride), b, Int32(bStride), beta, c, Int32(cStride))
  }

  /// `b = inverse(transpose(r)) * b` for an upper triangular `r` of `m` rows, `b` of `n` columns.
  static func solveLeftTransposed(
    _ r: UnsafePointer<Float>, _ rStride: Int, _ b: UnsafeMutablePointer<Float>, _ bStride: Int,
    m: Int, n: Int
  ) {
    guard isConfigured else { return }
    cblas_strsm(
      CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, Int32(m), Int32(n), 1, r,
      Int32(rStride), b, Int32(bStride))
  }

  /// `b = b * inverse(transpose(r) * r)` for an upper triangular `r` of `n` rows.
  static func solveRight(
    _ r: UnsafePointer<Float>, _ rStride: Int, _ b: UnsafeMutablePointer<Float>, _ bStride: Int,
    m: Int, n: Int
  ) {
    guard isConfigured else { return }
    for transposition in [CblasNoTrans, CblasTrans] {
      cblas_strsm(
        CblasRowMajor, CblasRight, CblasUpper, transposition, CblasNonUnit, Int32(m), Int32(n), 1,
        r, Int32(rStride), b, Int32(bStride))
    }
  }

  /// `b = b * r`, or with the transposed `r`, for an upper triangular `r` of `n` rows.
  static func multiplyRight(
    _ r: UnsafePointer<Float>, _ rStride: Int, transposed: Bool,
    _ b: UnsafeMutablePointer<Float>, _ bStride: Int, m: Int, n: Int
  ) {
    guard isConfigured else { return }
    cblas_strmm(
      CblasRowMajor, CblasRight, CblasUpper, transposed ? CblasTrans : CblasNoTrans,
      CblasNonUnit, Int32(m), Int32(n), 1, r, Int32(rStride), b, Int32(bStride))
  }

  /// Upper triangular factor `r` with `a = transpose(r) * r`, in place of the upper triangle of
  /// `a`; false where `a` is not positive definite.
  static func factor(_ a: UnsafeMutablePointer<Float>, _ stride: Int, count: Int) -> Bool {
    guard isConfigured else { return false }
    var (order, leading, info) = (Int32(count), Int32(stride), Int32(0))
    // The lower triangle of a column-major matrix is the upper one of a row-major matrix.
    spotrf_("L", &order, a, &leading, &info)
    return info == 0
  }
}
