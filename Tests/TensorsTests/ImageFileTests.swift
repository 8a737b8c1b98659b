import TestSupport
import Testing

@testable import Tensors

@Suite struct ImageFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ bytes: [UInt8]) throws -> Tensor {
    try ImageFile.read(path: folder.write(bytes, as: "image"))
  }

  @Test func readsColourPNG() throws {
    let expected: [UInt8] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30]
    #expect(try read(Fixtures.colourPNG) == Tensor(expected, shape: [2, 2, 3]))
  }

  @Test func dropsTransparency() throws {
    let expected: [UInt8] = [255, 0, 0, 0, 255, 0]
    #expect(try read(Fixtures.transparentPNG) == Tensor(expected, shape: [1, 2, 3]))
  }

  @Test func repeatsGrey() throws {
    let expected: [UInt8] = [0, 0, 0, 128, 128, 128, 200, 200, 200, 255, 255, 255]
    #expect(try read(Fixtures.greyPNG) == Tensor(expected, shape: [2, 2, 3]))
    let jpeg = try read(Fixtures.greyJPEG)
    #expect(jpeg.shape == [16, 16, 3])
    #expect(Array(jpeg.elements(of: UInt8.self)[153..<156]) == [50, 50, 50])
  }

  /// The values are Pillow's; decoders may differ by one step in upsampled colour.
  @Test func readsColourJPEG() throws {
    let image = try read(Fixtures.colourJPEG)
    #expect(image.shape == [16, 16, 3])
    let found = image.elements(of: UInt8.self).prefix(12).map(Int.init)
    for (value, expected) in zip(found, [10, 41, 62, 16, 47, 76, 22, 54, 103, 27, 62, 116]) {
      #expect(abs(value - expected) <= 2)
    }
  }

  @Test func truncationsAreErrors() throws {
    for image in [Fixtures.colourPNG, Fixtures.colourJPEG, Fixtures.greyJPEG] {
      // The last bytes are the end marker, which decoders do without.
      for length in 0..<image.count - 16 {
        #expect(throws: TensorFileError.self) { try read(Array(image.prefix(length))) }
      }
    }
  }

  @Test func damagedBytesNeverTrap() throws {
    for image in [Fixtures.colourPNG, Fixtures.transparentPNG, Fixtures.colourJPEG] {
      for position in image.indices {
        var damaged = image
        damaged[position] ^= 0xFF
        _ = try? read(damaged)
      }
    }
  }

  @Test func foldersListImagesInOrderOfTheirNames() throws {
    for name in ["b.JPG", "a.png", "B.jpeg", ".hidden.png", "notes.txt"] {
      _ = try folder.write([], as: name)
    }
    let root = folder.url.path
    #expect(
      try ImageFolder.list(path: root) == ["B.jpeg", "a.png", "b.JPG"].map { root + "/" + $0 })
    #expect(throws: TensorFileError.self) { try ImageFolder.list(path: root + "/no") }
  }
}

@Suite struct ImageResizeTests {
  /// `(i * 37 + j * 53 + c * 91 + i * j * 7) % 256` for row i, column j, channel c.
  let image = Tensor(
    (0..<7 * 9 * 3).map { index in
      let (i, j, c) = (index / 27, index / 3 % 9, index % 3)
      return UInt8((i * 37 + j * 53 + c * 91 + i * j * 7) % 256)
    }, shape: [7, 9, 3])

  /// Expected values are those of Pillow 12, `resize(..., BILINEAR)`.
  @Test func reducesLikePillow() {
    let expected: [UInt8] = [
      81, 161, 121, 135, 146, 117, 100, 146, 118, 114, 113, 122, 130, 132, 101, 105, 140, 110,
      134, 142, 127, 117, 121, 124, 127, 119, 150, 142, 131, 123, 115, 118, 120, 117, 128, 128,
    ]
    #expect(
      ImageResize.bilinear(image, height: 3, width: 4) == Tensor(expected, shape: [3, 4, 3]))
  }

  @Test func enlargesLikePillow() {
    let result = ImageResize.bilinear(image, height: 8, width: 12).elements(of: UInt8.self)
    let firstRow: [UInt8] = [
      0, 91, 182, 33, 124, 215, 73, 164, 159, 113, 204, 39, 152, 243, 78, 192, 123, 118, 136, 67,
      158, 16, 107, 198, 55, 146, 237, 95, 186, 117, 135, 130, 61, 168, 3, 94,
    ]
    #expect(Array(result.prefix(36)) == firstRow)
    #expect(result.reduce(0) { $0 + Int($1) } == 35800)
  }

  @Test func keepsTheSizeUntouched() {
    #expect(ImageResize.bilinear(image, height: 7, width: 9) == image)
  }
}
