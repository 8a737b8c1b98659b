import Parallelism
import Tensors

/// A bounded random sample of the columns that a layer's weight multiplies, taken evenly from the
/// positions of every calibration sample: enough for the layer's second moments, in memory that
/// does not grow with samples or image size.
public struct LayerInputSample: Sendable {
  public let layer: ObservedLayer
  /// Columns taken so far.
  public private(set) var count = 0
  /// Length of a column over all groups; 0 before the first.
  public private(set) var length = 0
  /// Positions that the inputs have had, and samples.
  private var positions = 0
  private var samples = 0
  /// `[count, length]`, the columns of the groups one after another.
  private(set) var values: [Float] = []
  private let columnsPerSample: Int
  private let expectedSamples: Int
  private let seed: Int

  package init(layer: ObservedLayer, columnsPerSample: Int, expectedSamples: Int, seed: Int = 0) {
    self.layer = layer
    self.columnsPerSample = max(1, columnsPerSample)
    self.expectedSamples = max(1, expectedSamples)
    self.seed = seed
  }

  /// Takes columns from the input of one calibration sample.
  package mutating func take(
    from tensor: Tensor, sample: Int, pool: WorkerPool
  ) throws(CalibrationError) {
    // Low-discrepancy offsets: samples look at different positions.
    let offset = ((Double(sample) + Double(seed % 65_536)) * 0.618_033_988_749_895)
      .truncatingRemainder(dividingBy: 1)
    let columns = try LayerColumns(layer, of: tensor.shape)
    try begin(length: columns.length)
    let picks = columns.positions(wanted: columnsPerSample, offset: offset)
    let start = values.count
    values.append(contentsOf: repeatElement(0, count: picks.count * length))
    values.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      columns.read(tensor, at: picks, into: base + start, pool: pool)
    }
    count += picks.count
    positions += columns.count
    samples += 1
  }

  /// Columns that the layer multiplies for one calibration sample.
  public var positionsPerSample: Double { Double(positions) / Double(max(samples, 1)) }

  private mutating func begin(length: Int) throws(CalibrationError) {
    guard count == 0 || self.length == length else {
      throw .layerInput(
        layer: layer.name, problem: "its input has \(length) values a column, before \(self.length)"
      )
    }
    self.length = length
    if count == 0 { values.reserveCapacity(length * columnsPerSample * expectedSamples) }
  }

  /// The columns, `[count, length]`.
  public func withColumns<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows
    -> Result
  { try values.withUnsafeBufferPointer(body) }

  /// The same columns after a function of each value.
  func mapped(_ transform: (Float) -> Float) -> LayerInputSample {
    var result = self
    result.values = values.map(transform)
    return result
  }

  /// Fewer of the columns, evenly spread, so that about `entries` values are left.
  func thinned(to entries: Int) -> LayerInputSample {
    let step = max(1, values.count / max(entries, 1))
    guard step > 1, length > 0 else { return self }
    let kept = Array(stride(from: 0, to: count, by: step))
    var result = self
    result.values = kept.flatMap { values[$0 * length..<($0 + 1) * length] }
    result.count = kept.count
    return result
  }

  /// The same columns less their mean.
  func centered() -> LayerInputSample {
    let means = self.means.joined().map { $0 }
    guard means.count == length else { return self }
    var result = self
    for column in 0..<count {
      for entry in 0..<length { result.values[column * length + entry] -= means[entry] }
    }
    return result
  }

  /// Sum of the squares of all values.
  var power: Double { values.reduce(0) { $0 + Double($1) * Double($1) } }

  /// Mean square of every entry of a column, by group.
  public var meanSquares: [[Float]] { moments { $0 * $0 } }

  /// Mean of every entry of a column, by group.
  public var means: [[Float]] { moments { $0 } }

  private func moments(_ term: (Float) -> Float) -> [[Float]] {
    var sums = Array(repeating: Float(0), count: length)
    values.withUnsafeBufferPointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for column in 0..<count {
          for entry in 0..<length { sums[entry] += term(values[column * length + entry]) }
        }
      }
    }
    let scale = 1 / Float(max(count, 1))
    let size = length / layer.group
    return (0..<layer.group).map { group in
      sums[group * size..<(group + 1) * size].map { $0 * scale }
    }
  }
}
