import BitAllocation
import Calibration
import GraphIR
import Lowering
import ONNXFormat
import Parallelism
import ProxySearch
import Quantization
import WeightRounding

/// What is known of a network before its bits are chosen: sites, ranges, what every width costs in
/// accuracy and on the device.
struct QuantizationStudy {
  /// Prepared for quantization, with each channel group as a layer.
  let model: Model
  /// Nil where layers are whole.
  let groups: ChannelGroups?
  let layers: [WeightLayer]
  let ranges: ActivationRanges
  let inputs: [String: LayerInputSample]
  let sampleCount: Int
  /// By weight name and bits.
  let forms: [String: [Int: QuantizedWeight]]
  /// What proxies are evaluated on: each weight once.
  let facts: NetworkFacts
  /// What every width costs, in one or several readings; the first is what reports show.
  let damages: [SensitivityTable]
  /// Embeddings, quantized already.
  let tables: [QuantizedTable]
  /// The proxy that gave the first; nil for the relative error of each layer's own output.
  let proxy: String?
  let choice: BitChoice
  /// All precisions that some layer may take.
  let precisions: [Precision]
  let roundingLayers: [RoundingLayer]
  /// Nil where weights are rounded without running the network again.
  let rounding: RoundingStage?
  let options: QuantizeOptions
  let pool: WorkerPool
  /// Nil where nothing is to be kept for other runs.
  private let cache: StatisticsCache?
  let seconds: StudySeconds

  /// Layers may take all of their widths where some limit asks for it or `everyWidth` is set, else
  /// only the widest.
  init(
    _ model: Model, source: SampleSource, options: QuantizeOptions, everyWidth: Bool = false,
    progress: @escaping (String, Int, Int) -> Void
  ) throws {
    self.options = options
    let pool = WorkerPool(threadCount: options.threads)
    self.pool = pool
    let embeddings = try EmbeddingStage(
      try QuantizePreparation.prepare(model, path: options.model, options: options),
      bits: options.embeddingBits, pool: pool)
    var prepared = embeddings.model
    let trained = (loaded: model, folded: prepared)
    tables = embeddings.tables
    let shapes = try source.feed(0).mapValues(\.shape)
    let quantizesAttention = try options.attention.quantizes(prepared, shapes: shapes)
    var (sites, layers) = try Self.quantizable(prepared, options, quantizesAttention)
    guard !layers.isEmpty else { throw QuantizeError.nothingToQuantize(path: options.model) }
    let limits = options.device
    var allowed = try DevicePrecisions.precisions(
      layers, sites: sites, weights: options.bits, activations: options.activationBits,
      block: options.scaleBlock, limits: limits)
    let isLimited =
      everyWidth || limits.flash != nil || limits.latency != nil || options.averageBits != nil
      || limits.ram != nil && limits.weightsAreInRAM
    if !isLimited { allowed = allowed.mapValues { widths in widths.max().map { [$0] } ?? [] } }
    if options.roundsOnNetwork {
      prepared = try RoundingStage.equalized(
        prepared, layers: layers, sites: sites, source: source, options: options, pool: pool)
      (sites, layers) = try Self.quantizable(prepared, options, quantizesAttention)
    }
    var device: DeviceCosts?
    if limits.profile != nil || limits.ram != nil {
      device = try DeviceCosts(
        limits, layers: Set(sites.layers.map(\.name)), allowed: &allowed
      ) { [prepared, sites, layers] in
        try PlannedFootprint.of(
          prepared, sites: sites, layers: layers, shapes: shapes, bits: $0)
      }
    }
    let wholeLayers = layers.count
    groups =
      try options.channelGroups < 2
      ? nil
      : ChannelGroups(prepared, layers: layers, sites: sites, count: options.channelGroups)
    if let groups {
      for (name, parts) in groups.parts {
        for part in parts { allowed[part] = allowed[name] }
        allowed[name] = nil
      }
      (prepared, sites) = (groups.split, groups.split(sites))
      layers = try WeightLayer.make(prepared, sites: sites, block: options.scaleBlock)
      device?.groups = groups
    }
    (self.model, self.layers) = (prepared, layers)
    choice = BitChoice(
      layers: layers, options: options, precisions: allowed,
      sharedInputs: DevicePrecisions.readers(layers, sites),
      channelGroups: groups.map { Array($0.parts.values) } ?? [],
      unquantizedBytes: QuantizePreparation.unquantizedBytes(
        prepared, layers: layers, tables: embeddings.tables),
      device: device)
    try choice.checkFeasible(choice.limits)
    let sums = options.range.regardsLimitedSums ? sites.limitedSums(in: prepared.graph) : []
    var seconds = StudySeconds()
    let found = try seconds.measure(\.calibration) {
      [prepared, sites, layers] in
      try CalibrationStage.run(
        model: prepared, sites: sites, sums: sums, layers: layers, source: source,
        options: options, pool: pool, progress: { progress("calibrating", $0, $1) })
    }
    let inputs = found.inputs
    self.inputs = inputs
    sampleCount = found.table.samples
    let ranges = ActivationRanges(
      sites: sites, found: found, method: options.range, layers: layers, allowed: allowed,
      sums: sums, pool: pool)
    self.ranges = ranges
    let quantized = seconds.measure(\.weights) {
      [layers, allowed] in
      LayerQuantization(
        layers: layers, bits: allowed.mapValues(\.weightBits), inputs: inputs,
        // Wide inputs have the smallest steps, and small steps the largest biases.
        inputScale: { ranges.parameters[ranges.source(of: $0.site.input)]?[8]?.scale ?? 0 },
        pool: pool)
    }
    forms = quantized.forms
    precisions = Set(allowed.values.joined()).sorted()
    let widths = precisions.weightBits
    roundingLayers = RoundingLayer.make(layers, model: prepared, floors: quantized.floors)
    let rounding =
      !options.roundsOnNetwork
      ? nil
      : try RoundingStage(
        model: prepared, layers: roundingLayers, wholeLayers: wholeLayers, source: source,
        options: options,
        narrowest: widths.first ?? 8, trained: trained, pool: pool, progress: progress)
    self.rounding = rounding
    let distinct = zip(layers, roundingLayers).filter { !$0.0.repeatsWeight }
    let facts = ProxyFacts(
      model: prepared, layers: distinct.map(\.0), roundingLayers: distinct.map(\.1),
      inputs: inputs, forms: forms, outputErrors: quantized.outputErrors,
      samples: {
        try rounding?.samples
          ?? RoundingSamples(CalibrationSamples.originals(source, options: options))
      },
      settings: RoundingSettings(effort: options.effort), seed: options.seed, pool: pool,
      progress: progress
    ).network()
    self.facts = facts
    cache = try options.cache.map { [allowed] folder in
      var key = Fingerprint(model, options: options, ranges: ranges, inputs: inputs)
      key.add("\(options.embeddingBits) \(options.storesHalfFloats)")
      for (layer, widths) in allowed.sorted(by: { $0.key < $1.key }) {
        key.add("\(layer) \(widths)")
      }
      return try StatisticsCache(folder: folder, key: key.text)
    }
    if let cache { facts.add(cache.load()) }
    let isChoice = isLimited && precisions.count > 1
    let inputDamage = InputDamage(
      layers: layers, sites: sites, ranges: ranges, inputs: inputs, pool: pool)
    let chosen = options.proxy.map { [$0] }
    let proxies = isChoice ? try chosen ?? rounding?.readings(bits: widths) ?? [] : []
    // The readings that are measured have a distance of their own for inputs.
    let distances =
      isChoice && chosen == nil
      ? try rounding?.inputDistances(inputDamage.quantizers, bits: widths) : nil
    if let first = proxies.first {
      damages = try proxies.map { [allowed, sites] proxy in
        let damage = try seconds.measure(\.proxies) {
          try ProxyEvaluation(facts).sensitivities(proxy.formula)
        }.completed(allowed, names: sites.layers.map(\.name))
        return distances.map { inputDamage.added(to: damage, distances: $0) }
          ?? inputDamage.added(to: damage, ownErrors: quantized.sensitivities)
      }
      proxy = first.name
    } else {
      damages = [
        inputDamage.added(to: quantized.sensitivities, ownErrors: quantized.sensitivities)
      ]
      proxy = nil
    }
    self.seconds = seconds
    try keepStatistics()
  }

  /// For other runs, where there is a folder for that.
  func keepStatistics() throws { try cache?.store(facts.readings) }

  private static func quantizable(
    _ model: Model, _ options: QuantizeOptions, _ quantizesAttention: Bool
  ) throws -> (QuantizationSites, [WeightLayer]) {
    let sites = try QuantizationSites.analyze(
      model, products: { _, _ in quantizesAttention })
    return (
      options.isWeightOnly ? sites.ofWeights : sites,
      try WeightLayer.make(model, sites: sites, block: options.scaleBlock)
    )
  }

  /// Of the model and the calibration samples that the options name.
  static func ofEveryWidth(
    _ options: QuantizeOptions, progress: @escaping (String, Int, Int) -> Void
  ) throws -> QuantizationStudy {
    let model = try ONNXFile.load(path: options.model)
    let source = try SampleSource(
      options.calibration, model: model, preprocessing: options.preprocessing)
    return try ModelError.naming(options.model) {
      try QuantizationStudy(
        model, source: source, options: options, everyWidth: true, progress: progress)
    }
  }

  var sensitivities: SensitivityTable { damages[0] }

  /// What plans are predicted to do to the network's outputs. Nil where the only reading is one that was
  /// asked for or that there was time for, which no random plan corrects, and where inputs have widths
  /// to choose from, which none varies.
  var prediction: SensitivityTable? {
    damages.count > 1 && sensitivities.layers.allSatisfy(\.inputDamage.isEmpty)
      ? sensitivities : nil
  }

  func plan(_ choice: BitPlan) -> QuantizationPlan {
    QuantizationPlan(
      storage: options.storage,
      layers: layers.map { $0.planned(bits: choice.precisions[$0.name]?.weightBits ?? 8) },
      activations: ranges.chosen(choice.precisions, sites: layers.map(\.site)),
      tables: tables.map(\.plan))
  }
}

extension SensitivityTable {
  /// With all layers: one whose weight an earlier layer has already takes no further damage.
  func completed(_ allowed: [String: [Precision]], names: [String]) -> SensitivityTable {
    let known = Dictionary(layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return SensitivityTable(
      layers: names.map { name in
        known[name]
          ?? .init(
            name: name, damage: (allowed[name] ?? []).reduce(into: [:]) { $0[$1.weightBits] = 0 })
      })
  }
}
