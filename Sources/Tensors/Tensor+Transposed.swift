extension Tensor {
  /// Rows and columns of a float matrix exchanged.
  public func transposedMatrix() -> Tensor {
    let (rows, columns) = (shape[0], shape[1])
    return withElements(of: Float.self) { source in
      Tensor(shape: [columns, rows]) { (target: UnsafeMutableBufferPointer<Float>) in
        for row in 0..<rows {
          for column in 0..<columns { target[column * rows + row] = source[row * columns + column] }
        }
      }
    }
  }
}
