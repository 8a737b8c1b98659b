import GraphIR
import Tensors

/// Det of the matrices in the last two axes.
enum DeterminantOperator {
  static let definitions: [OperatorDefinition] = [
    .unary("Det") { x, inputs, _ in
      guard x.rank >= 2, x.shape[x.rank - 1] == x.shape[x.rank - 2] else {
        throw inputs.failure("takes square matrices, not \(x.shape)")
      }
      let size = x.shape[x.rank - 1]
      let shape = Array(x.shape.dropLast(2))
      let wide = try inputs.converted(inputs.widenedFloat(x), to: .float64)
      let elements = wide.elements(of: Double.self)
      let results = (0..<Tensor.count(of: shape)).map {
        determinant(Array(elements[$0 * size * size..<($0 + 1) * size * size]), size)
      }
      return Tensor(results, shape: shape).narrowed(to: x.elementType)
    }
  ]

  /// Gaussian elimination with partial pivoting.
  private static func determinant(_ matrix: [Double], _ size: Int) -> Double {
    var rows = matrix
    var product = 1.0
    for column in 0..<size {
      let pivot =
        (column..<size).max {
          rows[$0 * size + column].magnitude < rows[$1 * size + column].magnitude
        } ?? column
      let divisor = rows[pivot * size + column]
      if divisor == 0 { return 0 }
      if pivot != column {
        for index in 0..<size { rows.swapAt(pivot * size + index, column * size + index) }
        product = -product
      }
      product *= divisor
      for row in column + 1..<max(size, column + 1) {
        let factor = rows[row * size + column] / divisor
        for index in column..<size {
          rows[row * size + index] -= factor * rows[column * size + index]
        }
      }
    }
    return product
  }
}
