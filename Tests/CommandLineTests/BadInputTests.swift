import Foundation
import Tensors
import TestSupport
import Testing

/// Every wrong input gives one sentence, the right code, and no file.
@Suite struct BadInputTests {
  let folder: TemporaryFolder
  static let model = SharedFiles.repository.appendingPathComponent("models/digits.onnx").path
  static let data = SharedFiles.repository.appendingPathComponent(
    "models/digits-evaluation.npy"
  ).path

  init() throws { folder = try TemporaryFolder() }

  private func npy(_ tensor: Tensor, as name: String) throws -> String {
    try NpyFile.write(tensor, to: folder.path(name), overwrite: true)
    return folder.path(name)
  }

  /// Expects exit code `code` and a sentence with all of `parts`, and nothing on standard output.
  private func expectFailure(
    _ arguments: [String], code: Int32 = 2, saying parts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = folder.contents
    let command = try Command(arguments)
    #expect(command.code == code, "\(command.errors)", sourceLocation: sourceLocation)
    let sentence = try #require(
      command.sentence, "\(command.errors)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(sentence.contains(part), "\(sentence)", sourceLocation: sourceLocation)
    }
    #expect(command.output.isEmpty, sourceLocation: sourceLocation)
    #expect(folder.contents == before, sourceLocation: sourceLocation)
  }

  @Test(arguments: ["inspect", "run", "evaluate", "benchmark", "quantize"])
  func modelsThatAreNoModels(verb: String) throws {
    let bytes = try folder.write("not a model", as: "text.onnx")
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: Self.model)))
    let cut = try folder.write(Array(whole.prefix(whole.count / 2)), as: "cut.onnx")
    let empty = try folder.write([], as: "empty.onnx")
    let rest =
      switch verb {
      case "run": ["--input", Self.data, "--output-dir", folder.path("out")]
      case "evaluate": ["--data", Self.data]
      case "quantize": ["--calibration", Self.data, "-o", folder.path("out.onnx")]
      default: [String]()
      }
    for path in [bytes, cut, empty, folder.path("missing.onnx"), folder.url.path] {
      try expectFailure([verb, path] + rest, saying: path)
    }
  }

  @Test func dataThatDoesNotFit() throws {
    let wide = try npy(Tensor([Float](repeating: 0, count: 81), shape: [1, 1, 9, 9]), as: "w.npy")
    try expectFailure(
      ["evaluate", Self.model, "--data", wide], saying: wide, "[1, 1, 9, 9]", "'image'",
      "[N, 1, 8, 8]")
    try expectFailure(
      ["run", Self.model, "--input", wide, "--output-dir", folder.path("out")], saying: wide,
      "[1, 1, 9, 9]", "'image'", "[N, 1, 8, 8]")
    let integers = try npy(
      Tensor([Int32](repeating: 0, count: 64), shape: [1, 1, 8, 8]), as: "i.npy")
    try expectFailure(
      ["evaluate", Self.model, "--data", integers], saying: integers, "int32", "float")
  }

  @Test func samplesThatAreNone() throws {
    var values = [Float](repeating: 0, count: 128)
    values[100] = .nan
    let nan = try npy(Tensor(values, shape: [2, 1, 8, 8]), as: "nan.npy")
    try expectFailure(["evaluate", Self.model, "--data", nan], saying: "sample 1 of \(nan)", "NaN")
    let none = try npy(Tensor([] as [Float], shape: [0, 1, 8, 8]), as: "none.npy")
    try expectFailure(["evaluate", Self.model, "--data", none], saying: "\(none) holds no samples")
    let images = folder.path("images")
    try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
    try expectFailure(["evaluate", Self.model, "--data", images], saying: images, "no .jpg")
    let list = try folder.write("nowhere.png\n", as: "list.txt")
    try expectFailure(["evaluate", Self.model, "--data", list], saying: "nowhere.png")
    try expectFailure(
      ["evaluate", Self.model, "--data", folder.path("missing.npy")], saying: "missing.npy")
    let damaged = try folder.write("\u{93}NUMPY", as: "damaged.npy")
    try expectFailure(["evaluate", Self.model, "--data", damaged], saying: damaged)
  }

  @Test func calibrationThatDoesNotFit() throws {
    let out = folder.path("out.onnx")
    func quantize(_ data: String, _ rest: String...) -> [String] {
      ["quantize", Self.model, "-o", out, "--calibration", data] + rest
    }
    let wide = try npy(Tensor([Float](repeating: 0, count: 81), shape: [1, 1, 9, 9]), as: "w.npy")
    try expectFailure(quantize(wide), saying: wide, "[1, 1, 9, 9]", "'image'", "[N, 1, 8, 8]")
    let nan = try npy(
      Tensor([Float](repeating: .nan, count: 64), shape: [1, 1, 8, 8]), as: "n.npy")
    try expectFailure(quantize(nan), saying: "sample 0 of \(nan)", "NaN")
    let none = try npy(Tensor([] as [Float], shape: [0, 1, 8, 8]), as: "none.npy")
    try expectFailure(quantize(none), saying: "\(none) holds no samples")
    try expectFailure(quantize(folder.path("missing.npy")), saying: "missing.npy")
    try expectFailure(
      ["quantize", folder.path("missing.onnx"), "-o", out, "--calibration", Self.data],
      saying: "missing.onnx")
  }

  @Test func quantizedFilesThatCannotBeWritten() throws {
    let taken = try folder.write("keep me", as: "taken.onnx")
    func quantize(to path: String) -> [String] {
      ["quantize", Self.model, "-o", path, "--calibration", Self.data]
    }
    try expectFailure(quantize(to: taken), saying: taken, "--overwrite")
    #expect(try String(contentsOfFile: taken, encoding: .utf8) == "keep me")
    try expectFailure(quantize(to: folder.url.path), saying: folder.url.path)
    let below = folder.path("no/such/folder.onnx")
    try expectFailure(quantize(to: below), saying: below)
    try expectFailure(quantize(to: taken + "/below.onnx"), saying: taken + "/below.onnx")
  }

  @Test func budgetsThatAreTooSmall() throws {
    let out = folder.path("out.onnx")
    for limit in [["--flash", "1KiB"], ["--average-bits", "1.5"]] {
      try expectFailure(
        ["quantize", Self.model, "-o", out, "--calibration", Self.data] + limit, code: 1,
        saying: limit[0].dropFirst(2) == "flash" ? "flash" : "average")
    }
  }

  @Test func labelsThatDoNotFit() throws {
    let few = try npy(Tensor([1, 2] as [Int64], shape: [2]), as: "few.npy")
    try expectFailure(
      ["evaluate", Self.model, "--data", Self.data, "--labels", few], saying: few, "2 labels")
    let words = try folder.write("zero\none\n", as: "words.txt")
    try expectFailure(
      ["evaluate", Self.model, "--data", Self.data, "--labels", words], saying: words, "line 1")
  }

  @Test func preprocessingThatIsWrong() throws {
    let yaml = try folder.write("scale: twice\n", as: "p.yaml")
    try expectFailure(
      ["evaluate", Self.model, "--data", Self.data, "--preprocess", yaml], saying: yaml, "scale")
    try expectFailure(
      ["evaluate", Self.model, "--data", Self.data, "--mean", "1,2,3"], saying: "mean has 3 values")
  }

  @Test func outputsThatCannotBeWritten() throws {
    let file = try folder.write("x", as: "file")
    try expectFailure(
      ["run", Self.model, "--input", Self.data, "--output-dir", file], saying: file,
      "not a folder")
    try expectFailure(
      ["run", Self.model, "--input", Self.data, "--output-dir", file + "/below"],
      saying: file + "/below", "is not a folder")
    let taken = try folder.write("keep me", as: "logits.npy")
    try expectFailure(
      ["run", Self.model, "--input", Self.data, "--output-dir", folder.url.path], saying: taken,
      "--overwrite")
    #expect(try String(contentsOfFile: taken, encoding: .utf8) == "keep me")
  }

  @Test func inputsThatTheModelLacks() throws {
    try expectFailure(
      ["run", Self.model, "--input", "picture=\(Self.data)", "--output-dir", folder.path("out")],
      saying: "'picture'", "'image'")
    try expectFailure(
      ["run", Self.model, "--output-dir", folder.path("out")], saying: "no data is given")
    try expectFailure(
      ["benchmark", Self.model, "--shape", "image=1x1x9x9"], saying: "[1, 1, 9, 9]", "[N, 1, 8, 8]")
  }

  @Test(arguments: [
    [], ["nonsense"], ["run"], ["evaluate", "m.onnx"], ["benchmark", "m.onnx", "--runs", "0"],
    ["quantize", "m.onnx", "-o", "o", "--calibration", "d", "--flash", "lots"],
    ["quantize", "m.onnx", "-o", "o", "--calibration", "d", "--bits", "1"],
    ["quantize", "m.onnx", "-o", "o"], ["benchmark", "m.onnx", "--threads", "1,x"],
    ["benchmark", "m.onnx", "--shape", "x"],
    ["evaluate", "m.onnx", "--data", "d", "--engine", "vulkan"],
    ["evaluate", "m.onnx", "--data", "d", "--scale", "x"],
    ["evaluate", "m.onnx", "--data", "d", "--resize", "0"],
    ["evaluate", "m.onnx", "--data", "d", "--threads", "0"],
    ["evaluate", "m.onnx", "--data", "d", "--samples", "0"], ["inspect", "m.onnx", "--what"],
  ])
  func wrongUsage(arguments: [String]) throws {
    let command = try Command(arguments)
    #expect(command.code == (arguments.isEmpty ? 0 : 64), "\(command.errors)")
    if !arguments.isEmpty { #expect(command.errors.hasPrefix("tapq: ")) }
  }
}
