import Foundation
import GraphIR
import HardwareProfiles
import IntegerRuntime
import Lowering
import ONNXFormat
import Tensors

/// `tapq quantize`: float file to verified quantized file.
public enum Quantize {
  /// Quantizes; `progress` hears of what is being done, the steps done and their number.
  public static func run(
    _ options: QuantizeOptions,
    progress: @escaping (_ what: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }
  ) throws -> QuantizeReport {
    try OutputFile.checkWritable(options.output, overwrite: options.overwrite)
    let model = try ONNXFile.load(path: options.model)
    let source = try SampleSource(
      options.calibration, model: model, preprocessing: options.preprocessing)
    let result = try ModelError.naming(options.model) {
      try QuantizeStage.run(model, source: source, options: options, progress: progress)
    }
    let (reloaded, bytes) = try write(result, options: options)
    let device = options.device
    let footprint = try IntegerEngine(model: reloaded).footprint(
      inputShapes: try source.feed(0).mapValues(\.shape))
    let times = device.profile.map {
      LatencyModel($0, threads: device.threads).prediction(of: footprint.steps.map(\.workloads))
    }
    let layerTimes = Dictionary(
      zip(footprint.steps.map(\.name), times?.steps ?? []), uniquingKeysWith: { first, _ in first })
    let weightsInRAM = device.weightsAreInRAM ? result.weightBytes : 0
    return QuantizeReport(
      output: options.output, calibrationSamples: result.calibrationSamples,
      weightBytes: result.weightBytes, fileBytes: bytes,
      peakRAMBytes: footprint.arenaBytes + weightsInRAM,
      ramLowerBoundBytes: footprint.arenaLowerBound + weightsInRAM,
      predictedLatencyMilliseconds: times.map { $0.seconds * 1000 },
      averageWeightBits: result.averageWeightBits,
      bindingConstraint: result.bindingConstraint, proxy: result.proxy,
      audit: result.audit,
      preprocessing: options.preprocessing,
      layers: result.layers.map { layer in
        var layer = layer
        layer.predictedMicroseconds = layerTimes[layer.name].flatMap { $0 }.map { $0 * 1e6 }
        return layer
      }, tables: result.tables)
  }

  /// Writes under a temporary name, reads that back, compares it with the plan and only then gives
  /// it the name that was asked for.
  private static func write(
    _ result: QuantizeStage.Result, options: QuantizeOptions
  ) throws -> (reloaded: Model, bytes: Int) {
    let temporary = "\(options.output).\(getpid()).unverified"
    defer { unlink(temporary) }
    try ONNXFile.save(result.model, to: temporary, overwrite: true)
    let reloaded = try ONNXFile.load(path: temporary)
    _ = try LoweringVerification.verify(reloaded, against: result.plan)
    try OutputFile.checkWritable(options.output, overwrite: options.overwrite)
    let bytes = try FileManager.default.attributesOfItem(atPath: temporary)[.size] as? Int
    guard rename(temporary, options.output) == 0 else {
      throw TensorFileError.cannotWrite(
        path: options.output, reason: String(cString: strerror(errno)))
    }
    return (reloaded, bytes ?? 0)
  }
}
