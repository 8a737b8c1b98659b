import Calibration
import Parallelism
import Tensors

/// Gathers a layer's moments from its inputs and the outputs that it should have.
struct MomentReader {
  let layer: RoundingLayer
  /// Multiply-adds that may be spent.
  let arithmetic: Int
  /// Which tokens of each sample count; nil where all do.
  var masks: [TokenMask]?
  let pool: WorkerPool

  /// What is gathered before it is added up: as much as stays in a core's cache.
  private static let floatsPerChunk = 256 << 10
  /// Fewer columns at once make the products slow, more do not make them faster.
  private static let columnsPerChunk = 384...4096

  /// What reading an element costs, in multiply-adds.
  private static let readingCost = 64
  /// Columns for each weight of a row: fewer than the least, and the moments have no meaning, whatever
  /// they cost; more than the most, and they hardly say more.
  private static let columnsPerWeight = 2...1024

  /// Of all samples.
  private var wantedColumns: Int {
    let (groups, length, channels) = (layer.observed.group, layer.rows.length, layer.rows.count)
    let products = groups * length * length / 2 + channels * length
    let perColumn = products + Self.readingCost * (groups * length + channels)
    return min(
      max(arithmetic / max(perColumn, 1), Self.columnsPerWeight.lowerBound * length),
      Self.columnsPerWeight.upperBound * length)
  }

  /// `inputs` and `outputs` hold a tensor for each sample.
  func moments(inputs: [Tensor], outputs: [Tensor]) throws -> LayerMoments {
    let readers = try inputs.map { try LayerColumns(layer.observed, of: $0.shape) }
    let channels = layer.rows.count
    let groups = layer.observed.group
    let length = layer.rows.length
    var moments = LayerMoments(groups: groups, length: length, outputs: channels)
    let total = readers.reduce(0) { $0 + $1.count }
    let wanted = wantedColumns
    let width = groups * length
    let chunk = min(
      max(Self.floatsPerChunk / max(width, 1), Self.columnsPerChunk.lowerBound),
      Self.columnsPerChunk.upperBound)
    for (sample, reader) in readers.enumerated() {
      let output = LayerColumns(outputsOf: layer.observed, of: outputs[sample].shape)
      guard reader.length == width, output.length == channels, output.count == reader.count else {
        throw WeightRoundingError.outputCount(
          layer: layer.name, expected: reader.count * channels, found: outputs[sample].count)
      }
      let share = total <= wanted ? reader.count : max(1, reader.count * wanted / total)
      let spread = reader.positions(
        wanted: share,
        offset: (Double(sample) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1))
      let positions =
        layer.observed.readsWindows
        ? spread : masks?[sample].kept(spread, of: reader.count) ?? spread
      for first in stride(from: 0, to: positions.count, by: chunk) {
        let picks = Array(positions[first..<min(first + chunk, positions.count)])
        let columns = Matrix(unfilledRows: picks.count, columns: width)
        reader.read(inputs[sample], at: picks, into: columns.values, pool: pool)
        let targets = Matrix(unfilledRows: picks.count, columns: channels)
        output.read(outputs[sample], at: picks, into: targets.values, pool: pool)
        moments.add(columns: columns, targets: targets, pool: pool)
      }
    }
    return moments
  }

  /// `E[x x']` of a layer of one group.
  func inputMoment(_ inputs: [Tensor]) throws -> Matrix {
    let outputs = try inputs.map { input in
      let count = try LayerColumns(layer.observed, of: input.shape).count * layer.rows.count
      return Tensor(shape: [1, 1, count]) { (buffer: UnsafeMutableBufferPointer<Float>) in
        buffer.initialize(repeating: 0)
      }.reshaped(to: shapeOfOutputs(input, count: count))
    }
    return try moments(inputs: inputs, outputs: outputs).inputMoment(
      group: 0, centered: false, pool: pool)
  }

  private func shapeOfOutputs(_ input: Tensor, count: Int) -> [Int] {
    layer.observed.readsWindows
      ? [input.shape[0], layer.rows.count, count / max(input.shape[0] * layer.rows.count, 1)]
      : [count / max(layer.rows.count, 1), layer.rows.count]
  }
}
