import Parallelism

/// Running sums over the columns `x` that a layer multiplies and the outputs `y` that it should
/// have: `sum x x'` and `sum x` for each group, `sum y x'` and `sum y` for each output channel.
struct LayerMoments {
  let groups: Int
  /// Length of a column within its group.
  let length: Int
  let outputs: Int
  private(set) var count = 0
  /// `[length, length]` for each group; the upper triangle is filled.
  private let second: [Matrix]
  /// `[outputs, length]`.
  private let cross: Matrix
  private let inputSum: Matrix
  private let outputSum: Matrix

  init(groups: Int, length: Int, outputs: Int) {
    self.groups = groups
    self.length = length
    self.outputs = outputs
    second = (0..<groups).map { _ in Matrix(rows: length, columns: length) }
    cross = Matrix(rows: outputs, columns: length)
    inputSum = Matrix(rows: groups, columns: length)
    outputSum = Matrix(rows: 1, columns: outputs)
  }

  /// The sums of several sets of samples together.
  init(merging parts: [LayerMoments]) {
    let first = parts[0]
    self.init(groups: first.groups, length: first.length, outputs: first.outputs)
    for part in parts {
      count += part.count
      for (sum, term) in zip(second, part.second) { sum.add(term) }
      cross.add(part.cross)
      inputSum.add(part.inputSum)
      outputSum.add(part.outputSum)
    }
  }

  private static let tile = 192

  /// Adds `count` columns `[count, groups * length]` with their outputs `[count, outputs]`.
  mutating func add(
    columns: UnsafePointer<Float>, targets: UnsafePointer<Float>, count: Int, pool: WorkerPool
  ) {
    self.count += count
    let width = groups * length
    let starts = Array(stride(from: 0, to: length, by: Self.tile))
    let tiles = (0..<groups).flatMap { group in
      starts.indices.flatMap { row in starts[row...].map { (group, starts[row], $0) } }
    }
    let perGroup = max(outputs / groups, 1)
    let bands = (0..<groups).flatMap { group in
      stride(from: 0, to: perGroup, by: Self.tile).map {
        (group, group * perGroup + $0, min(Self.tile, perGroup - $0))
      }
    }
    nonisolated(unsafe) let (columns, targets) = (columns, targets)
    let (second, cross, length, outputs) = (second, cross, length, outputs)
    pool.forEach(tiles.count + bands.count) { task in
      if task < tiles.count {
        let (group, row, column) = tiles[task]
        let base = columns + group * length
        Products.multiply(
          base + row, width, transposedA: true, base + column, width,
          into: second[group].row(row) + column, length, m: min(Self.tile, length - row),
          n: min(Self.tile, length - column), k: count, beta: 1)
      } else {
        let (group, first, rows) = bands[task - tiles.count]
        Products.multiply(
          targets + first, outputs, transposedA: true, columns + group * length, width,
          into: cross.row(first), length, m: rows, n: length, k: count, beta: 1)
      }
    }
    for index in 0..<count {
      for entry in 0..<width { inputSum.values[entry] += columns[index * width + entry] }
      for entry in 0..<outputs { outputSum.values[entry] += targets[index * outputs + entry] }
    }
  }

  /// Mean of every entry of a column, group after group.
  var inputMeans: [Float] { inputSum.elements.map { $0 / Float(max(count, 1)) } }

  /// Mean of every output channel.
  var outputMeans: [Float] { outputSum.elements.map { $0 / Float(max(count, 1)) } }

  /// `E[x x']` of a group, both triangles; about the means where `centered`.
  func inputMoment(group: Int, centered: Bool) -> Matrix {
    let result = Matrix(rows: length, columns: length)
    let scale = 1 / Float(max(count, 1))
    let means = inputMeans[group * length..<(group + 1) * length].map { centered ? $0 : 0 }
    for row in 0..<length {
      let (source, target) = (second[group].row(row), result.row(row))
      for column in row..<length {
        target[column] = source[column] * scale - means[row] * means[column]
      }
      for column in 0..<row { target[column] = result[column, row] }
    }
    return result
  }

  /// `E[y x']` of the output channels of a group.
  func crossMoment(group: Int, centered: Bool) -> Matrix {
    let perGroup = outputs / groups
    let result = Matrix(rows: perGroup, columns: length)
    let scale = 1 / Float(max(count, 1))
    let means = inputMeans[group * length..<(group + 1) * length].map { centered ? $0 : 0 }
    let outputMeans = outputMeans
    for row in 0..<perGroup {
      let (source, target) = (cross.row(group * perGroup + row), result.row(row))
      for column in 0..<length {
        target[column] =
          source[column] * scale - outputMeans[group * perGroup + row] * means[column]
      }
    }
    return result
  }
}
