import Foundation
import TestSupport
import Testing

@Suite struct QuantizeVerbTests {
  let folder: TemporaryFolder
  static let models = SharedFiles.repository.appendingPathComponent("models")

  init() throws { folder = try TemporaryFolder() }

  private func quantize(_ arguments: [String]) throws -> Command {
    try Command(
      [
        "quantize", Self.models.appendingPathComponent("digits.onnx").path, "--calibration",
        Self.models.appendingPathComponent("digits-calibration.npy").path, "-o",
        folder.path("out.onnx"),
      ] + arguments)
  }

  @Test func theReportHasItsKeys() throws {
    let command = try quantize(["--average-bits", "4.8", "--json"])
    try #require(command.code == 0, "\(command.errors)")
    let report = try #require(try command.json() as? [String: Any])
    let keys: Set = [
      "weight_bytes", "file_bytes", "peak_ram_bytes", "predicted_latency_ms",
      "average_weight_bits", "binding_constraint", "layers",
    ]
    #expect(keys.isSubset(of: report.keys))
    let layers = try #require(report["layers"] as? [[String: Any]])
    let layerKeys: Set = [
      "name", "op", "weight_bits", "groups", "activation_bits", "sensitivity", "bytes",
      "predicted_us",
    ]
    #expect(layers.allSatisfy { Set($0.keys) == layerKeys })
    #expect(folder.contents == ["out.onnx"])
  }

  @Test func budgetsThatCannotBeMetEndWithOne() throws {
    let command = try quantize(["--flash", "1KiB"])
    #expect(command.code == 1)
    let sentence = try #require(command.sentence)
    #expect(sentence.contains("flash") && sentence.contains("smallest that can be met"))
    #expect(folder.contents.isEmpty)
  }

  @Test(arguments: [
    ["--flash", "12 potatoes"], ["--average-bits", "0"], ["--bits", "1,4"], ["--bits", "4,,8"],
    ["--storage", "zip"], ["--range", "percentile:7"], ["--samples", "0"], ["--threads", "0"],
    ["--rounding", "up"], ["--embedding-bits", "5"], ["--float-bits", "8"],
    ["--channel-groups", "0"], ["--channel-groups", "9"],
    ["--channel-groups", "2", "--effort", "fast"],
    ["--channel-groups", "2", "--rounding", "nearest"],
    ["--activation-bits", "8,32"],
    ["--activation-bits", "16"],
    ["--activation-bits", "32", "--block-size", "20"], ["--attention-bits", "16"],
    ["--activation-bits", "32", "--attention-bits", "8"],
  ])
  func wrongFlagsAreUsageErrors(flags: [String]) throws {
    #expect(try quantize(flags).code == 64)
    #expect(folder.contents.isEmpty)
  }

  @Test(arguments: ["adaround", "block"], ["fast", "balanced"])
  func learnedRoundingWritesAFile(rounding: String, effort: String) throws {
    let command = try quantize(["--bits", "3", "--rounding", rounding, "--effort", effort])
    try #require(command.code == 0, "\(command.errors)")
    #expect(folder.contents == ["out.onnx"])
  }

  @Test func outputsThatCannotBeWrittenAreBadInput() throws {
    let missing = try Command([
      "quantize", Self.models.appendingPathComponent("digits.onnx").path, "--calibration",
      Self.models.appendingPathComponent("digits-calibration.npy").path, "-o",
      folder.path("nowhere/out.onnx"),
    ])
    #expect(missing.code == 2)
    #expect(try quantize([]).code == 0)
    #expect(try quantize([]).code == 2)
    #expect(try quantize(["--overwrite"]).code == 0)
  }
}
