import Tensors
import WeightRounding

/// The samples that weights are rounded on.
enum CalibrationSamples {
  /// Evenly spread over the source.
  static func originals(
    _ source: SampleSource, options: QuantizeOptions
  ) throws -> [[String: Tensor]] {
    try source.spread(options.samples).map { try source.feed($0) }
  }

  /// With as many variants as there is time for: other looks of images, other words of texts, mixtures
  /// of what is neither. `macs` are the multiply-accumulates that one sample takes. Wide weights have
  /// errors too small to need them: there variants only stand for inputs that do not occur. `matching`
  /// moves images.
  static func varied(
    _ originals: [[String: Tensor]], source: SampleSource, words: WordVariation,
    options: QuantizeOptions, macs: Int, narrowest: Int,
    matching: (Set<String>) throws -> StatisticsMatching?,
    progress: (_ done: Int, _ count: Int) -> Void
  ) throws -> RoundingSamples {
    let known = Double(max(macs, 1)) * Double(originals.count)
    let images = source.imageInputs
    let areTexts = images.isEmpty && !words.inputs.isEmpty
    let mixtures = images.isEmpty && !areTexts ? MixtureVariation(originals) : nil
    let limit = options.effort.variantArithmetic * (areTexts ? textShare : 1)
    let affordable = min(Double(mostVariants), limit / known - 1)
    guard options.augments, narrowest <= 6, mixtures?.inputs.isEmpty != true, affordable >= 1
    else { return RoundingSamples(originals) }
    var generator = SplitMix64(seed: UInt64(bitPattern: Int64(options.seed)))
    let matching = images.isEmpty ? nil : try matching(images)
    let count = Int(affordable)
    return RoundingSamples(
      originals,
      variants: try (1...count).map { number in
        let looks = originals.indices.map { index in
          if let mixtures { return mixtures.variant(of: index, generator: &generator) }
          let look = source.variant(of: originals[index], number: number, generator: &generator)
          return words.variant(of: look, number: number, generator: &generator)
        }
        let variant = try matching?.matched(looks) ?? looks
        progress(number, count)
        return variant
      }, areLifelike: !images.isEmpty)
  }

  private static let mostVariants = 7
  /// What texts are padded with costs little but the pass through the network.
  private static let textShare = 2.0
}

extension RoundingEffort {
  /// Multiply-accumulates that running all samples and variants once may take.
  fileprivate var variantArithmetic: Double {
    switch self {
    case .fast: 0
    case .balanced: 24e9
    case .best: 400e9
    }
  }
}
