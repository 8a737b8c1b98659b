import Quantization

/// Which of a row's scales each of its entries has.
struct ScaleBlocks: Sendable {
  /// Scales of a row.
  let count: Int
  /// By entry, in the order of an objective.
  private let places: [Int]

  /// One scale for a row of `length` entries.
  init(length: Int) {
    count = 1
    places = Array(repeating: 0, count: length)
  }

  /// `order[i]` is the entry of the row, less `first`, that column `i` belongs to.
  init(_ rows: WeightRows, order: [Int], first: Int = 0) {
    count = rows.blocks
    places = order.map { (first + $0) / max(rows.block, 1) }
  }

  /// The scales of all entries, `[rows, entries]`, from those of all blocks, `[rows, blocks]`.
  func spread(_ scales: [Float]) -> Matrix {
    let result = Matrix(rows: scales.count / count, columns: places.count)
    for row in 0..<result.rows {
      let target = result.row(row)
      for (column, place) in places.enumerated() { target[column] = scales[row * count + place] }
    }
    return result
  }
}
