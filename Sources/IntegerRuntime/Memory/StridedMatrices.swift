import Tensors

/// The matrices of a tensor, its last two axes, as they lie in a value: element (row, column) of
/// matrix m at `starts[m] + row * rowStep + column * columnStep`.
struct StridedMatrices: Sendable {
  var value: ValueID
  private(set) var starts: [Int]
  let rowStep: Int
  let columnStep: Int

  /// Side by side, as in a tensor of this shape.
  init(value: ValueID, shape: [Int]) {
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    self.value = value
    starts = (0..<Tensor.count(of: Array(shape.dropLast(2)))).map { $0 * rows * columns }
    (rowStep, columnStep) = (columns, 1)
  }

  /// `elements`: for each element of a tensor of this shape that of the value which it is. Nil where
  /// they have no common steps.
  init?(value: ValueID, shape: [Int], _ elements: [Int32]) {
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let count = rows * columns
    guard count > 0, elements.count % count == 0, !elements.isEmpty else { return nil }
    self.value = value
    rowStep = rows > 1 ? Int(elements[columns] - elements[0]) : 0
    columnStep = columns > 1 ? Int(elements[1] - elements[0]) : 1
    starts = stride(from: 0, to: elements.count, by: count).map { Int(elements[$0]) }
    guard rowStep >= 0, columnStep >= 0 else { return nil }
    var index = 0
    for start in starts {
      for row in 0..<rows {
        for column in 0..<columns {
          guard Int(elements[index]) == start + row * rowStep + column * columnStep else {
            return nil
          }
          index += 1
        }
      }
    }
  }

  /// One matrix for each of the batch that the leading axes broadcast to; nil where they do not.
  func broadcast(_ leading: ArraySlice<Int>, to batch: [Int]) -> StridedMatrices? {
    guard leading.count <= batch.count else { return nil }
    let own = Array(repeating: 1, count: batch.count - leading.count) + leading
    var indices = [0]
    for (mine, all) in zip(own, batch) {
      guard mine == all || mine == 1 else { return nil }
      indices = indices.flatMap { base in (0..<all).map { base * mine + (mine == 1 ? 0 : $0) } }
    }
    var result = self
    result.starts = indices.map { starts[$0] }
    return result
  }
}
