import Calibration
import Parallelism
import Tensors

/// Gathers a layer's moments from its inputs and the outputs that it should have.
struct MomentReader {
  let layer: RoundingLayer
  /// Multiply-adds that may be spent.
  let arithmetic: Int
  /// The outputs are to say how the weights should change.
  let corrects: Bool
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
  private func wantedColumns(outputs: Int) -> Int {
    let (groups, length) = (layer.observed.group, layer.rows.length)
    let products = groups * length * length / 2 + outputs * length
    let perColumn = products + Self.readingCost * (groups * length + outputs)
    return min(
      max(arithmetic / max(perColumn, 1), Self.columnsPerWeight.lowerBound * length),
      Self.columnsPerWeight.upperBound * length)
  }

  /// `inputs` and `outputs` hold a tensor for each sample; without outputs, nothing is said of them.
  func moments(inputs: [Tensor], outputs: [Tensor]?) throws -> LayerMoments {
    let channels = outputs == nil ? 0 : layer.rows.count
    let groups = layer.observed.group
    let length = layer.rows.length
    let width = groups * length
    let readers = try inputs.map { try LayerColumns(layer.observed, of: $0.shape) }
    let positions = positions(readers, wanted: wantedColumns(outputs: channels))
    let count = positions.reduce(0) { $0 + $1.count }
    var moments = LayerMoments(
      groups: groups, length: length, outputs: channels,
      outputUse: !corrects ? .means : count <= length / 2 ? .columns : .products)
    let chunk = min(
      max(Self.floatsPerChunk / max(width, 1), Self.columnsPerChunk.lowerBound),
      Self.columnsPerChunk.upperBound)
    for (sample, reader) in readers.enumerated() {
      let output = outputs.map { LayerColumns(outputsOf: layer.observed, of: $0[sample].shape) }
      guard reader.length == width,
        output.map({ $0.length == channels && $0.count == reader.count }) ?? true
      else {
        throw WeightRoundingError.outputCount(
          layer: layer.name, expected: reader.count * channels,
          found: outputs?[sample].count ?? 0)
      }
      for first in stride(from: 0, to: positions[sample].count, by: chunk) {
        let picks = Array(
          positions[sample][first..<min(first + chunk, positions[sample].count)])
        let columns = Matrix(unfilledRows: picks.count, columns: width)
        reader.read(inputs[sample], at: picks, into: columns.values, pool: pool)
        let targets = Matrix(unfilledRows: picks.count, columns: channels)
        if let output, let outputs {
          output.read(outputs[sample], at: picks, into: targets.values, pool: pool)
        }
        moments.add(columns: columns, targets: targets, pool: pool)
      }
    }
    return moments
  }

  /// Spread over each sample that counts.
  private func positions(_ readers: [LayerColumns], wanted: Int) -> [[Int]] {
    let total = readers.reduce(0) { $0 + $1.count }
    return readers.enumerated().map { sample, reader in
      let share = total <= wanted ? reader.count : max(1, reader.count * wanted / total)
      let spread = reader.positions(
        wanted: share,
        offset: (Double(sample) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1))
      return layer.observed.readsWindows
        ? spread : masks?[sample].kept(spread, of: reader.count) ?? spread
    }
  }
}
