import Tensors
import Testing

@testable import Pipeline

@Suite struct MixtureVariationTests {
  private func sample(_ values: [Float], index: Int64 = 0) -> [String: Tensor] {
    [
      "x": Tensor(values, shape: [1, values.count]),
      "mask": Tensor(values.map { $0 > 0 ? 1 : 0 } as [Float], shape: [1, values.count]),
      "fill": Tensor([7, 7] as [Float], shape: [2]),
      "id": Tensor([index], shape: [1]),
    ]
  }

  @Test func aVariantLiesBetweenTwoSamples() throws {
    let samples = [sample([0, 10], index: 1), sample([4, 2], index: 2)]
    let mixtures = MixtureVariation(samples)
    #expect(mixtures.inputs == ["x"])
    var generator = SplitMix64(seed: 1)
    var shares: Set<Float> = []
    for _ in 0..<20 {
      let variant = mixtures.variant(of: 0, generator: &generator)
      let x = try #require(variant["x"]).elements(of: Float.self)
      let share = 1 - x[0] / 4
      #expect((0...1).contains(share))
      #expect(abs(x[1] - (10 * share + 2 * (1 - share))) < 1e-4)
      for name in ["mask", "fill", "id"] { #expect(variant[name] == samples[0][name]) }
      shares.insert(share)
    }
    #expect(shares.count > 10)
  }

  @Test func samplesOfOtherShapesAreNotMixed() {
    let samples = [sample([0, 10]), sample([1, 2, 3])]
    var generator = SplitMix64(seed: 1)
    #expect(MixtureVariation(samples).variant(of: 0, generator: &generator) == samples[0])
  }

  @Test func oneSampleHasNothingToBeMixedWith() {
    let mixtures = MixtureVariation([sample([0, 10])])
    #expect(mixtures.inputs.isEmpty)
    var generator = SplitMix64(seed: 1)
    #expect(mixtures.variant(of: 0, generator: &generator) == sample([0, 10]))
  }
}
