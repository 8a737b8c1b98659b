import Parallelism

/// Running sums over the columns `x` that a layer multiplies and the outputs `y` that it should
/// have: `sum x x'` and `sum x` for each group, `sum y` and, where that is wanted, `sum y x'` for each
/// output channel.
///
/// All are taken about points near the means: sums of raw values would leave nothing of a variance
/// that is small beside the mean's square, after a million of them in single precision.
struct LayerMoments {
  /// What is gathered of the outputs.
  enum OutputUse {
    case means
    /// Means and `sum y x'`.
    case products
    /// Means, and all columns with their outputs: fewer than the weights of a row, they say the same
    /// as their products in less room.
    case columns
  }

  let groups: Int
  /// Length of a column within its group.
  let length: Int
  let outputs: Int
  let outputUse: OutputUse
  private(set) var count = 0
  /// `[length, length]` for each group; the upper triangle is filled.
  private let second: [Matrix]
  /// `[outputs, length]`, or nothing.
  private let cross: Matrix
  /// About the points: `[columns, groups * length]` with `[columns, outputs]`.
  private var kept: [(columns: Matrix, targets: Matrix)] = []
  private var inputs: PointSums
  private var targets: PointSums

  init(groups: Int, length: Int, outputs: Int, outputUse: OutputUse) {
    self.groups = groups
    self.length = length
    self.outputs = outputs
    self.outputUse = outputUse
    second = (0..<groups).map { _ in Matrix(rows: length, columns: length) }
    cross = Matrix(rows: outputUse == .products ? outputs : 0, columns: length)
    inputs = PointSums(count: groups * length)
    targets = PointSums(count: outputs)
  }

  /// The sums of several sets of samples together; of the outputs their means.
  init(merging parts: [LayerMoments]) {
    let first = parts[0]
    self.init(
      groups: first.groups, length: first.length, outputs: first.outputs, outputUse: .means)
    inputs.point = first.inputs.point
    targets.point = first.targets.point
    for part in parts where part.count > 0 { add(part) }
  }

  private mutating func add(_ part: LayerMoments) {
    let moved = part.inputs.distance(to: inputs)
    let sums = part.inputs.sums
    // With `u = x - p` for the part's point `p` and `d = p - q` for this one's,
    // `sum (u + d)(u + d)' = sum u u' + d (sum u)' + (sum u) d' + n d d'`.
    for group in 0..<groups {
      let base = group * length
      for row in 0..<length {
        let (source, target) = (part.second[group].row(row), second[group].row(row))
        let (d, sum) = (moved[base + row], sums[base + row])
        for column in row..<length {
          let (e, other) = (moved[base + column], sums[base + column])
          target[column] += source[column] + Float(d * other + sum * e + Double(part.count) * d * e)
        }
      }
    }
    inputs.add(part.inputs, moved: moved, count: Double(part.count))
    targets.add(
      part.targets, moved: part.targets.distance(to: targets), count: Double(part.count))
    count += part.count
  }

  /// Adds columns `[count, groups * length]` with their outputs `[count, outputs]`, and moves both to
  /// the points.
  mutating func add(columns: Matrix, targets: Matrix, pool: WorkerPool) {
    precondition(columns.rows == targets.rows)
    let (width, added) = (groups * length, columns.rows)
    inputs.take(columns, isFirst: count == 0, pool: pool)
    self.targets.take(targets, isFirst: count == 0, pool: pool)
    count += added
    if outputUse == .columns { kept.append((columns, targets)) }
    let triangle = Matrix.upperTiles(of: length)
    let tiles = (0..<groups).flatMap { group in triangle.map { (group, $0) } }
    let perGroup = cross.rows / groups
    let bands = (0..<groups).flatMap { group in
      Matrix.tiles(of: perGroup).map { (group, group * perGroup + $0.lowerBound, $0.count) }
    }
    let (second, cross, length, outputs) = (second, cross, length, outputs)
    pool.forEach(tiles.count + bands.count) { task in
      if task < tiles.count {
        let (group, (rows, others)) = tiles[task]
        let base = columns.values + group * length
        Products.multiply(
          base + rows.lowerBound, width, transposedA: true, base + others.lowerBound, width,
          into: second[group].row(rows.lowerBound) + others.lowerBound, length, m: rows.count,
          n: others.count, k: added, beta: 1)
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

  /// `E[y x']` of the output channels of a group; for `products`.
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

  /// The columns of a group, their entries in an order, `[count, length]`, and the outputs of its
  /// channels, `[outputs, count]`, about the means where `centered`; for `columns`.
  func columns(
    group: Int, order: [Int], centered: Bool
  ) -> (inputs: Matrix, targets: Matrix) {
    let perGroup = outputs / groups
    let columns = Matrix(unfilledRows: count, columns: length)
    let wanted = Matrix(unfilledRows: perGroup, columns: count)
    let channels = group * perGroup..<(group + 1) * perGroup
    let places = order.map { group * length + $0 }
    let (from, outputFrom) = (
      centered ? inputs.shifts(of: count) : inputs.point.map { -$0 },
      centered ? targets.shifts(of: count) : targets.point.map { -$0 }
    )
    var first = 0
    for part in kept {
      for row in 0..<part.columns.rows {
        let (source, target) = (part.columns.row(row), columns.row(first + row))
        for (index, place) in places.enumerated() { target[index] = source[place] - from[place] }
        let outputs = part.targets.row(row)
        for channel in channels {
          wanted[channel - channels.lowerBound, first + row] =
            outputs[channel] - outputFrom[channel]
        }
      }
      first += part.columns.rows
    }
    return (columns, wanted)
  }
}
