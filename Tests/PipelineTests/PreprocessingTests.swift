import GraphIR
import Tensors
import TestSupport
import Testing

@testable import Pipeline

/// A model that only has inputs.
func modelTaking(_ inputs: [(String, ElementType, [Dimension])]) -> Model {
  Model(
    operatorSets: [OperatorSet(version: 21)],
    graph: Graph(
      inputs: inputs.map { ValueInfo(name: $0.0, type: .tensor($0.1, shape: $0.2)) }))
}

let imageModel = modelTaking([
  ("input", .float32, [.symbolic("N"), .fixed(3), .fixed(2), .fixed(2)])
])

@Suite struct PreprocessingTests {
  let folder: TemporaryFolder
  /// One image of 2 x 2 pixels.
  let pixels: [UInt8] = [0, 51, 102, 153, 204, 255, 10, 20, 30, 40, 50, 60]

  init() throws { folder = try TemporaryFolder() }

  private func feed(
    _ tensor: Tensor, model: Model = imageModel, _ preprocessing: Preprocessing = Preprocessing()
  ) throws -> Tensor {
    let path = folder.path("data.npy")
    try NpyFile.write(tensor, to: path, overwrite: true)
    let source = try SampleSource([path], model: model, preprocessing: preprocessing)
    return try #require(try source.feed(0)["input"])
  }

  @Test func imagesBecomeChannelsFirst() throws {
    let result = try feed(Tensor(pixels, shape: [1, 2, 2, 3]))
    #expect(
      result
        == Tensor(
          [0, 153, 10, 40, 51, 204, 20, 50, 102, 255, 30, 60] as [Float], shape: [1, 3, 2, 2])
    )
  }

  @Test func imagesKeepChannelsLastWhereTheModelHasThem() throws {
    let model = modelTaking([
      ("input", .float32, [.fixed(1), .fixed(2), .fixed(2), .fixed(3)])
    ])
    let result = try feed(Tensor(pixels, shape: [1, 2, 2, 3]), model: model)
    #expect(result == Tensor(pixels.map(Float.init), shape: [1, 2, 2, 3]))
  }

  @Test func scalesThenSubtractsThenDividesByChannel() throws {
    let result = try feed(
      Tensor(pixels, shape: [1, 2, 2, 3]),
      Preprocessing(scale: 1.0 / 255, mean: [0.5, 0.25, 0], std: [0.5, 1, 2]))
    let expected = [0, 153, 10, 40].map { Float((Double($0) / 255 - 0.5) / 0.5) }
    #expect(Array(result.elements(of: Float.self).prefix(4)) == expected)
    #expect(result.elements(of: Float.self)[4] == Float(51.0 / 255 - 0.25))
    #expect(result.elements(of: Float.self)[9] == Float(255.0 / 255 / 2))
  }

  @Test func reversesChannels() throws {
    let result = try feed(
      Tensor(pixels, shape: [1, 2, 2, 3]), Preprocessing(mean: [102, 0, 0], channels: .bgr))
    #expect(
      result.elements(of: Float.self) == [0, 153, -72, -42, 51, 204, 20, 50, 0, 153, 10, 40])
  }

  @Test func turnsColourToGreyForOneChannel() throws {
    let model = modelTaking([
      ("input", .float32, [.fixed(1), .fixed(1), .fixed(2), .fixed(2)])
    ])
    let result = try feed(Tensor(pixels, shape: [1, 2, 2, 3]), model: model)
    #expect(result == Tensor([42, 195, 18, 48] as [Float], shape: [1, 1, 2, 2]))
  }

  @Test func cropsTheMiddle() throws {
    let image = Tensor((0..<5 * 4 * 3).map { UInt8($0) }, shape: [1, 5, 4, 3])
    let result = try feed(image, Preprocessing(crop: .shortSide(2)))
    // An odd rest of 3 rows splits into 2 above and 1 below.
    #expect(result.elements(of: Float.self).prefix(4) == [27, 30, 39, 42])
  }

  @Test func resizesTheShortSide() throws {
    let image = Tensor(
      (0..<4 * 8 * 3).map { UInt8($0 / 3 % 8 < 4 ? 0 : 100) }, shape: [1, 4, 8, 3])
    let model = modelTaking([
      ("input", .float32, [.fixed(1), .fixed(3), .fixed(2), .fixed(4)])
    ])
    let result = try feed(image, model: model, Preprocessing(resize: .shortSide(2)))
    // The triangle of half-width 2 puts 1/8 of its weight across the edge.
    #expect(result.elements(of: Float.self).prefix(4) == [0, 13, 88, 100])
  }

  @Test func normalizesArraysOfIntegers() throws {
    let model = modelTaking([("input", .float32, [.symbolic("N"), .fixed(3)])])
    let result = try feed(
      Tensor([-32768, 0, 16384] as [Int16], shape: [1, 3]), model: model,
      Preprocessing(scale: 1.0 / 32768))
    #expect(result == Tensor([-1, 0, 0.5] as [Float], shape: [1, 3]))
  }

  @Test func readsTextsAndFiles() throws {
    let yaml = try folder.write(
      """
      # as the network was trained
      scale: 1/255
      mean: [0.485, 0.456, 0.406]
      std: 0.5
      channels: bgr
      layout: nhwc
      resize: 320x240
      crop: 224
      """, as: "p.yaml")
    let expected = Preprocessing(
      scale: 1.0 / 255, mean: [0.485, 0.456, 0.406], std: [0.5], channels: .bgr, layout: .nhwc,
      resize: .exact(width: 320, height: 240), crop: .shortSide(224))
    #expect(try Preprocessing(yamlFile: yaml) == expected)
    let flags = try Preprocessing(texts: ["mean": "-1, 2,3", "resize": "64"], origin: "flags")
    #expect(expected.overridden(by: flags).mean == [-1, 2, 3])
    #expect(expected.overridden(by: flags).resize == .shortSide(64))
    #expect(expected.overridden(by: flags).std == [0.5])
  }

  @Test(arguments: [
    ("scale", "x"), ("scale", "1/0"), ("scale", "nan"), ("mean", "1,,2"), ("std", "0"),
    ("channels", "grey"), ("layout", "hwc"), ("resize", "0"), ("resize", "1x2x3"),
    ("crop", "-4"), ("crop", "99999999999999999999"), ("zoom", "1"),
  ])
  func wrongSettingsAreNamed(key: String, value: String) throws {
    let error = #expect(throws: SampleError.self) {
      try Preprocessing(texts: [key: value], origin: "p.yaml")
    }
    let sentence = try #require(error?.description)
    #expect(sentence.hasPrefix("p.yaml: ") && sentence.contains(key))
  }

  @Test(arguments: ["- 1", "scale: {a: 1}", "a: b: c", ""])
  func wrongFilesAreNamed(text: String) throws {
    let path = try folder.write(text, as: "p.yaml")
    let error = #expect(throws: SampleError.self) { try Preprocessing(yamlFile: path) }
    #expect(error?.description.hasPrefix(path) == true)
  }
}
