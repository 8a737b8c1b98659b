import Tensors

/// Mixtures of two samples, so that a few calibration samples of no known kind say more of a layer's
/// inputs: the network's own outputs for them are what counts, so that they need not mean anything.
struct MixtureVariation {
  /// The inputs that are mixed: floats that take more than one value over the samples, masks excepted.
  let inputs: Set<String>
  private let samples: [[String: Tensor]]

  init(_ samples: [[String: Tensor]]) {
    self.samples = samples
    let names = Set(samples.flatMap(\.keys)).filter { !$0.lowercased().contains("mask") }
    inputs = names.filter { name in
      let tensors = samples.map { $0[name] }
      return tensors.allSatisfy { $0?.elementType == .float32 }
        && tensors.contains { $0 != tensors.first }
    }
  }

  /// A share of sample `index` and the rest of another one, the share even between 0 and 1; samples of
  /// other shapes are not mixed.
  func variant(of index: Int, generator: inout SplitMix64) -> [String: Tensor] {
    guard samples.count > 1 else { return samples[index] }
    let other = samples[(index + 1 + generator.draw(samples.count - 1)) % samples.count]
    let share = Float(generator.unit())
    var variant = samples[index]
    for input in inputs {
      guard let first = samples[index][input], let second = other[input],
        first.shape == second.shape
      else { continue }
      let pairs = zip(first.elements(of: Float.self), second.elements(of: Float.self))
      variant[input] = Tensor(
        pairs.map { share * $0 + (1 - share) * $1 }, shape: first.shape)
    }
    return variant
  }
}
