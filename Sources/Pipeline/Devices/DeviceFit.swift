import FloatRuntime
import GraphIR
import HardwareProfiles
import IntegerRuntime
import Lowering
import Parallelism

/// Whether a network fits a device.
public struct DeviceFit: Sendable, Codable, Equatable {
  /// What the network takes in one form, beside what there is.
  public struct Form: Sendable, Codable, Equatable {
    public var fits: Bool
    /// Weights, scales, biases and other constants.
    public var flashBytes: Int
    public var ramBytes: Int
    /// No placement needs less RAM than that.
    public var ramLowerBound: Int
    /// Where most RAM is in use; nil where it is not known.
    public var ramPeakAt: String?
    /// Nil where the profile has no cost for some of the work.
    public var predictedLatencyMilliseconds: Double?
    /// Steps without a kernel cost.
    public var unpriced: [String]

    private enum CodingKeys: String, CodingKey {
      case fits, unpriced
      case flashBytes = "flash_bytes"
      case ramBytes = "ram_bytes"
      case ramLowerBound = "ram_lower_bound"
      case ramPeakAt = "ram_peak_at"
      case predictedLatencyMilliseconds = "predicted_latency_ms"
    }
  }

  public var profile: String
  public var flashLimit: Int?
  public var ramLimit: Int?
  public var asItIs: Form
  /// With 8-bit weights and activations; nil for models that are quantized or cannot be.
  public var at8Bits: Form?

  private enum CodingKeys: String, CodingKey {
    case profile
    case flashLimit = "flash_limit"
    case ramLimit = "ram_limit"
    case asItIs = "as_it_is"
    case at8Bits = "at_8_bits"
  }

  /// `shapes` are those of all inputs; `outline` is that of a quantized model.
  init(
    _ model: Model, path: String, limits: DeviceLimits, profile: HardwareProfile,
    statistics: GraphStatistics, shapes: [String: [Int]], outline: IntegerProfile?
  ) throws {
    self.profile = profile.name
    flashLimit = limits.flash
    ramLimit = limits.ram
    if let outline {
      asItIs = DeviceFit.form(outline.footprint, flash: outline.weightBytes, limits, profile)
      return
    }
    let inRAM = limits.weightsAreInRAM ? statistics.weightBytes : 0
    let ram = statistics.peakRAMBytes + inRAM
    asItIs = Form(
      fits: statistics.weightBytes <= limits.flash ?? .max && ram <= limits.ram ?? .max,
      flashBytes: statistics.weightBytes, ramBytes: ram, ramLowerBound: ram, ramPeakAt: nil,
      predictedLatencyMilliseconds: nil, unpriced: [])
    guard let float = try? QuantizePreparation.prepare(model, path: path) else { return }
    let embeddings = try EmbeddingStage(
      float, bits: .eight, pool: WorkerPool(threadCount: limits.threads))
    let prepared = embeddings.model
    let quantizesAttention = try AttentionChoice.whereItPays.quantizes(prepared, shapes: shapes)
    let sites = try QuantizationSites.analyze(prepared, products: { _, _ in quantizesAttention })
    let layers = try WeightLayer.make(prepared, sites: sites)
    guard !layers.isEmpty else { return }
    let bytes =
      layers.reduce(0) { $0 + $1.bytes(bits: 8) }
      + QuantizePreparation.unquantizedBytes(
        prepared, layers: layers, tables: embeddings.tables)
    at8Bits = DeviceFit.form(
      try PlannedFootprint.of(prepared, sites: sites, layers: layers, shapes: shapes, bits: 8),
      flash: bytes,
      limits, profile)
  }

  private static func form(
    _ footprint: IntegerFootprint, flash: Int, _ limits: DeviceLimits, _ profile: HardwareProfile
  ) -> Form {
    let prediction = LatencyModel(profile, threads: limits.threads)
      .prediction(of: footprint.steps.map(\.workloads))
    let unpriced = zip(footprint.steps, prediction.steps).filter { $1 == nil }.map(\.0.name)
    let inRAM = limits.weightsAreInRAM ? flash : 0
    let ram = footprint.arenaBytes + inRAM
    let isFast = limits.latency.map { prediction.seconds <= $0 } ?? true
    return Form(
      fits: flash <= limits.flash ?? .max && ram <= limits.ram ?? .max && isFast,
      flashBytes: flash, ramBytes: ram, ramLowerBound: footprint.arenaLowerBound + inRAM,
      ramPeakAt: footprint.peakStep,
      predictedLatencyMilliseconds: unpriced.isEmpty && !profile.kernels.isEmpty
        ? prediction.seconds * 1000 : nil, unpriced: profile.kernels.isEmpty ? [] : unpriced)
  }
}
