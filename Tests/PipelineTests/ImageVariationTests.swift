import Tensors
import Testing

@testable import Pipeline

@Suite struct ImageVariationTests {
  private static let ramp = Tensor((0..<2 * 8 * 16).map(Float.init), shape: [1, 2, 8, 16])

  @Test func theFirstVariantIsTheMirrorImage() {
    var generator = SplitMix64(seed: 1)
    let variant = ImageVariation(layout: .nchw).variant(
      Self.ramp, number: 1, generator: &generator)
    let expected = (0..<2 * 8 * 16).map { Float($0 / 16 * 16 + 15 - $0 % 16) }
    #expect(variant.elements(of: Float.self) == expected)
  }

  @Test(arguments: [Preprocessing.Layout.nchw, .nhwc]) func layoutsAgree(
    layout: Preprocessing.Layout
  ) {
    let planar = Self.ramp.elements(of: Float.self)
    let shape = layout == .nchw ? [1, 2, 8, 16] : [1, 8, 16, 2]
    let values = (0..<planar.count).map { index in
      layout == .nchw ? planar[index] : planar[index % 2 * 128 + index / 2]
    }
    for number in 1...4 {
      var (one, other) = (SplitMix64(seed: 7), SplitMix64(seed: 7))
      let expected = ImageVariation(layout: .nchw)
        .variant(Self.ramp, number: number, generator: &one).elements(of: Float.self)
      let found = ImageVariation(layout: layout)
        .variant(Tensor(values, shape: shape), number: number, generator: &other)
      #expect(found.shape == shape)
      let unpacked = found.elements(of: Float.self)
      for index in planar.indices {
        let position = layout == .nchw ? index : index % 128 * 2 + index / 128
        #expect(unpacked[position] == expected[index])
      }
    }
  }

  @Test func variantsStayWithinTheRangeAndDiffer() {
    var generator = SplitMix64(seed: 3)
    var seen: Set<[Float]> = [Self.ramp.elements(of: Float.self)]
    for number in 1...7 {
      let values = ImageVariation(layout: .nchw)
        .variant(Self.ramp, number: number, generator: &generator).elements(of: Float.self)
      #expect(values.allSatisfy { (0...255).contains($0) })
      #expect(seen.insert(values).inserted)
    }
  }
}
