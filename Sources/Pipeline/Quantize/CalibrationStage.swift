import Calibration
import FloatRuntime
import GraphIR
import Lowering
import Parallelism
import Tensors

/// Runs the calibration samples through the float network, once.
enum CalibrationStage {
  static func run(
    model: Model, sites: QuantizationSites, sums: [LimitedSum], layers: [WeightLayer],
    source: SampleSource, options: QuantizeOptions, pool: WorkerPool, progress: (Int, Int) -> Void
  ) throws -> CalibrationFindings {
    let chosen = source.spread(options.samples)
    let count = chosen.count
    let run = CalibrationRun(
      activations: sites.activations.map(\.value),
      elementsOf: Set(sums.flatMap(\.operands)),
      layers: layers.map(\.observed),
      columnsPerSample: columnsPerSample(layers, samples: count, widths: options.bits.count),
      expectedSamples: count, seed: options.seed, pool: pool)
    let engine = try FloatEngine(model: model, pool: pool, observing: run.observed)
    for (index, sample) in chosen.enumerated() {
      try run.add(try source.feed(sample), engine: engine)
      progress(index + 1, count)
    }
    return try run.finish()
  }

  /// As many columns as a fixed amount of arithmetic and memory allows, at most 256.
  private static func columnsPerSample(
    _ layers: [WeightLayer], samples: Int, widths: Int
  ) -> Int {
    let multiplications = layers.reduce(0) { $0 + $1.rows.count * $1.rows.length } * (widths + 1)
    let length = layers.reduce(0) { $0 + $1.rows.length * $1.observed.group }
    let byTime = arithmeticLimit / max(multiplications * samples, 1)
    let byMemory = memoryLimit / max(4 * length * samples, 1)
    return max(1, min(256, byTime, byMemory))
  }

  private static let arithmeticLimit = 12_000_000_000
  private static let memoryLimit = 48 << 20
}
