import Parallelism

/// Sums of values about a point near their mean, one for each place.
struct PointSums {
  var point: [Float]
  private(set) var sums: [Double]

  private static let band = 64

  init(count: Int) {
    point = [Float](repeating: 0, count: count)
    sums = [Double](repeating: 0, count: count)
  }

  /// Moves rows of values to the point and adds them up. The first ones give the point.
  mutating func take(_ values: Matrix, isFirst: Bool, pool: WorkerPool) {
    let (width, count) = (point.count, values.rows)
    point.withUnsafeMutableBufferPointer { point in
      sums.withUnsafeMutableBufferPointer { sums in
        nonisolated(unsafe) let (point, sums) = (point, sums)
        pool.forEach((width + Self.band - 1) / Self.band) { band in
          let places = band * Self.band..<min((band + 1) * Self.band, width)
          var partial = [Float](repeating: 0, count: places.count)
          func addUp() {
            for index in 0..<count {
              let row = values.row(index) + places.lowerBound
              for place in 0..<places.count { partial[place] += row[place] }
            }
          }
          if isFirst, count > 0 {
            addUp()
            for place in 0..<places.count {
              point[places.lowerBound + place] = partial[place] / Float(count)
              partial[place] = 0
            }
          }
          for index in 0..<count {
            let row = values.row(index) + places.lowerBound
            for place in 0..<places.count { row[place] -= point[places.lowerBound + place] }
          }
          addUp()
          for place in 0..<places.count {
            sums[places.lowerBound + place] += Double(partial[place])
          }
        }
      }
    }
  }

  /// Mean distance from the point.
  func shifts(of count: Int) -> [Float] { sums.map { Float($0 / Double(max(count, 1))) } }

  func means(of count: Int) -> [Float] {
    zip(point, sums).map { Float(Double($0) + $1 / Double(max(count, 1))) }
  }

  /// From the other's point to this one.
  func distance(to other: PointSums) -> [Double] {
    zip(point, other.point).map { Double($0) - Double($1) }
  }

  /// `moved` is the distance of its point from this one.
  mutating func add(_ other: PointSums, moved: [Double], count: Double) {
    for place in sums.indices { sums[place] += other.sums[place] + count * moved[place] }
  }
}
