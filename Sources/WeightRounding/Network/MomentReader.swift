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

  /// Columns that are gathered before they are added up.
  private static let floatsPerChunk = 8 << 20

  /// `inputs` and `outputs` hold a tensor for each sample.
  func moments(inputs: [Tensor], outputs: [Tensor]) throws -> LayerMoments {
    let readers = try inputs.map { try LayerColumns(layer.observed, of: $0.shape) }
    let channels = layer.rows.count
    let groups = layer.observed.group
    let length = layer.rows.length
    var moments = LayerMoments(groups: groups, length: length, outputs: channels)
    let perColumn = max(groups * length * length / 2 + channels * length, 1)
    let total = readers.reduce(0) { $0 + $1.count }
    // More columns than weights of a row, whatever they cost: else the moments have no meaning.
    let wanted = max(arithmetic / perColumn, 2 * length)
    let width = groups * length
    let chunk = max(1, min(4096, Self.floatsPerChunk / max(width, 1)))
    for (sample, reader) in readers.enumerated() {
      guard reader.length == width, outputs[sample].count == reader.count * channels else {
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
        let columns = Matrix(rows: picks.count, columns: width)
        reader.read(inputs[sample], at: picks, into: columns.values, pool: pool)
        let targets = Matrix(rows: picks.count, columns: channels)
        read(outputs[sample], at: picks, into: targets)
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

  private func read(_ output: Tensor, at positions: [Int], into targets: Matrix) {
    let channels = layer.rows.count
    output.withElements(of: Float.self) { values in
      let isConvolution = layer.observed.readsWindows
      let plane = isConvolution ? Tensor.count(of: Array(output.shape.dropFirst(2))) : 1
      for (row, position) in positions.enumerated() {
        let target = targets.row(row)
        let first = position / plane * channels * plane + position % plane
        for channel in 0..<channels { target[channel] = values[first + channel * plane] }
      }
    }
  }
}
