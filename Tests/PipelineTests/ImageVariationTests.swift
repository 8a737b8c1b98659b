import Tensors
import Testing

@testable import Pipeline

@Suite struct ImageVariationTests {
  private static let ramp = Tensor((0..<2 * 8 * 16).map(Float.init), shape: [1, 2, 8, 16])

  @Test func theFirstVariantIsTheMirrorImage() {
    var generator = SplitMix64(seed: 1)
    let variant = ImageVariation(layout: .nchw).variant(
      Self.ramp, number: 1, generator: &generator)
    let expected = (0..<256).map { (index: Int) -> Float in
      let (row, column) = (index / 16, index % 16)
      return Float(row * 16 + 15 - column)
    }
    #expect(variant.elements(of: Float.self) == expected)
  }

  /// Columns of a ramp stay a ramp, steeper by what the contrast does and flatter where a part is enlarged.
  @Test func partsAreEnlarged() {
    var generator = SplitMix64(seed: 5)
    let ramp = Tensor((0..<64 * 64).map { Float($0 % 64) }, shape: [1, 1, 64, 64])
    for number in 2...9 {
      let values = ImageVariation(layout: .nchw)
        .variant(ramp, number: number, generator: &generator).elements(of: Float.self)
      // The middle lies within what no side is reflected into and nothing is cut off.
      let slope = abs(values[32 * 64 + 33] - values[32 * 64 + 32])
      #expect((0.5 * 0.84...1.16).contains(slope))
      #expect(values[10 * 64 + 32] == values[50 * 64 + 32])
    }
  }

  @Test(arguments: [Preprocessing.Layout.nchw, .nhwc]) func layoutsAgree(
    layout: Preprocessing.Layout
  ) {
    let planar = Self.ramp.elements(of: Float.self)
    let shape = layout == .nchw ? [1, 2, 8, 16] : [1, 8, 16, 2]
    let values = planar.indices.map { (index: Int) -> Float in
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
    var seen: Set<[Float]> = []
    for number in 1...7 {
      let values = ImageVariation(layout: .nchw)
        .variant(Self.ramp, number: number, generator: &generator).elements(of: Float.self)
      #expect(values.allSatisfy { (0...255).contains($0) })
      #expect(seen.insert(values).inserted)
    }
  }
}
