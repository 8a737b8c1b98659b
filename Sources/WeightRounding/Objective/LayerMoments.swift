import Parallelism

/// Running sums over the columns `x` that a layer multiplies and the outputs `y` that it should
/// have: `sum x x'` and `sum x` for each group, `sum y x'` and `sum y` for each output channel.
///
/// All are taken about points near the means: sums of raw values would leave nothing of a variance
/// that is small beside the mean's square, after a million of them in single precision.
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
  private var inputs: PointSums
  private var targets: PointSums

  init(groups: Int, length: Int, outputs: Int) {
    self.groups = groups
    self.length = length
    self.outputs = outputs
    second = (0..<groups).map { _ in Matrix(rows: length, columns: length) }
    cross = Matrix(rows: outputs, columns: length)
    inputs = PointSums(count: groups * length)
    targets = PointSums(count: outputs)
  }

  /// The sums of several sets of samples together.
  init(merging parts: [LayerMoments]) {
    let first = parts[0]
    self.init(groups: first.groups, length: first.length, outputs: first.outputs)
    inputs.point = first.inputs.point
    targets.point = first.targets.point
    for part in parts where part.count > 0 { add(part) }
  }

  private mutating func add(_ part: LayerMoments) {
    let moved = part.inputs.distance(to: inputs)
    let movedTargets = part.targets.distance(to: targets)
    let perGroup = max(outputs / groups, 1)
    // Adds one row of a sum of products. With `u = x - p` for the part's point `p` and `d = p - q` for
    // this one's, `sum (u + d)(v + e)' = sum u v' + d (sum v)' + (sum u) e' + n d e'`.
    func addRow(
      _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, moved d: Double,
      sum: Double, group: Int, from first: Int = 0
    ) {
      for column in first..<length {
        let (e, other) = (moved[group * length + column], part.inputs.sums[group * length + column])
        let change = d * other + sum * e + Double(part.count) * d * e
        target[column] += source[column] + Float(change)
      }
    }
    for group in 0..<groups {
      for row in 0..<length {
        let place = group * length + row
        addRow(
          part.second[group].row(row), to: second[group].row(row), moved: moved[place],
          sum: part.inputs.sums[place], group: group, from: row)
      }
    }
    for row in 0..<outputs {
      addRow(
        part.cross.row(row), to: cross.row(row), moved: movedTargets[row],
        sum: part.targets.sums[row], group: row / perGroup)
    }
    inputs.add(part.inputs, moved: moved, count: Double(part.count))
    targets.add(part.targets, moved: movedTargets, count: Double(part.count))
    count += part.count
  }

  private static let tile = 384

  /// Adds columns `[count, groups * length]` with their outputs `[count, outputs]`, and moves both to
  /// the points.
  mutating func add(columns: Matrix, targets: Matrix, pool: WorkerPool) {
    precondition(columns.rows == targets.rows)
    let (width, added) = (groups * length, columns.rows)
    inputs.take(columns, isFirst: count == 0, pool: pool)
    self.targets.take(targets, isFirst: count == 0, pool: pool)
    count += added
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
    let (second, cross, length, outputs) = (second, cross, length, outputs)
    pool.forEach(tiles.count + bands.count) { task in
      if task < tiles.count {
        let (group, row, column) = tiles[task]
        let base = columns.values + group * length
        Products.multiply(
          base + row, width, transposedA: true, base + column, width,
          into: second[group].row(row) + column, length, m: min(Self.tile, length - row),
          n: min(Self.tile, length - column), k: added, beta: 1)
      } else {
        let (group, first, rows) = bands[task - tiles.count]
        Products.multiply(
          targets.values + first, outputs, transposedA: true, columns.values + group * length,
          width, into: cross.row(first), length, m: rows, n: length, k: added, beta: 1)
      }
    }
  }

  /// Mean of every entry of a column, group after group.
  var inputMeans: [Float] { inputs.means(of: count) }

  /// Mean of every output channel.
  var outputMeans: [Float] { targets.means(of: count) }

  /// `E[x x']` of a group, both triangles; about the means where `centered`.
  func inputMoment(group: Int, centered: Bool, pool: WorkerPool) -> Matrix {
    let result = Matrix(rows: length, columns: length)
    let scale = 1 / Float(max(count, 1))
    let part = group * length..<(group + 1) * length
    let (shifts, means) = (Array(inputs.shifts(of: count)[part]), Array(inputMeans[part]))
    let (second, length) = (second[group], length)
    pool.forEach(length) { row in
      let (source, target) = (second.row(row), result.row(row))
      let (shift, mean) = (shifts[row], centered ? 0 : means[row])
      for column in row..<length {
        target[column] = source[column] * scale - shift * shifts[column] + mean * means[column]
      }
    }
    result.mirrorUpperTriangle(pool: pool)
    return result
  }

  /// `E[y x']` of the output channels of a group.
  func crossMoment(group: Int, centered: Bool) -> Matrix {
    let perGroup = outputs / groups
    let result = Matrix(rows: perGroup, columns: length)
    let scale = 1 / Float(max(count, 1))
    let (shifts, means) = (inputs.shifts(of: count), inputMeans)
    let (outputShifts, outputMeans) = (targets.shifts(of: count), outputMeans)
    for row in 0..<perGroup {
      let output = group * perGroup + row
      let (source, target) = (cross.row(output), result.row(row))
      for column in 0..<length {
        let index = group * length + column
        target[column] =
          source[column] * scale - outputShifts[output] * shifts[index]
          + (centered ? 0 : outputMeans[output] * means[index])
      }
    }
    return result
  }
}
