import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct VerbTests {
  let folder: TemporaryFolder
  static let models = SharedFiles.repository.appendingPathComponent("models")
  let model = models.appendingPathComponent("digits.onnx").path
  let data = models.appendingPathComponent("digits-evaluation.npy").path
  let labels = models.appendingPathComponent("digits-evaluation-labels.npy").path

  init() throws { folder = try TemporaryFolder() }

  private func succeed(_ arguments: [String]) throws -> Command {
    let command = try Command(arguments)
    try #require(command.code == 0, "\(command.errors)")
    return command
  }

  @Test func runWritesEveryOutput() throws {
    let out = folder.path("out")
    let arguments = ["run", model, "--input", "image=\(data)", "--output-dir", out]
    let text = try succeed(arguments).output
    #expect(text.contains("logits") && text.contains("[640, 10]"))
    let file = out + "/logits.npy"
    let logits = try NpyFile.read(path: file)
    #expect(logits.shape == [640, 10] && logits.elementType == .float32)
    #expect(try Command(arguments).code == 2)
    let json = try succeed(arguments + ["--overwrite", "--json", "--threads", "1"]).json()
    let outputs = try #require((json as? [String: Any])?["outputs"] as? [[String: Any]])
    #expect(outputs.first?["name"] as? String == "logits")
    #expect(outputs.first?["shape"] as? [Int] == [640, 10])
    #expect(outputs.first?["file"] as? String == file)
    #expect(try NpyFile.read(path: file) == logits)
    #expect(folder.contents == ["out"])
  }

  @Test func evaluateCountsAgainstLabelsAndReference() throws {
    let json = try succeed([
      "evaluate", model, "--data", data, "--labels", labels, "--reference", model, "--json",
    ]).json()
    let report = try #require(json as? [String: Any])
    #expect(report["samples"] as? Int == 640)
    #expect(report["top1"] as? Double == 0.9875)
    #expect(report["reference_top1"] as? Double == 0.9875)
    #expect(report["agreement"] as? Double == 1)
    #expect(report["sqnr_db"] as? Double == 200)
    #expect(report["kl"] as? Double == 0)
  }

  @Test func evaluateHasNullsWhereThereIsNoFigure() throws {
    let json = try succeed(["evaluate", model, "--data", data, "--samples", "7", "--json"]).json()
    let report = try #require(json as? [String: Any])
    #expect(report["samples"] as? Int == 7)
    for key in ["top1", "reference_top1", "agreement", "sqnr_db", "kl"] {
      #expect(report[key] is NSNull, "\(key)")
    }
  }

  /// Halved pixels change the logits a little: the same network is its own reference on other data.
  @Test func preprocessingIsRecordedAndApplied() throws {
    let yaml = try folder.write("scale: 1/2\n", as: "p.yaml")
    let arguments = ["evaluate", model, "--data", data, "--labels", labels, "--json"]
    let plain = try #require(try succeed(arguments).json() as? [String: Any])
    let halved = try #require(
      try succeed(arguments + ["--preprocess", yaml]).json() as? [String: Any])
    #expect((halved["preprocessing"] as? [String: Any])?["scale"] as? Double == 0.5)
    #expect((plain["preprocessing"] as? [String: Any])?.isEmpty == true)
    let top1 = try #require(halved["top1"] as? Double)
    #expect(top1 < 0.98)
    let flag = try #require(
      try succeed(arguments + ["--preprocess", yaml, "--scale", "1"]).json() as? [String: Any])
    #expect(flag["top1"] as? Double == 0.9875)
  }

  @Test func benchmarkReportsEveryThreadCount() throws {
    let json = try succeed([
      "benchmark", model, "--threads", "1,2", "--runs", "4", "--shape", "image=3x1x8x8", "--json",
    ]).json()
    let reports = try #require(json as? [[String: Any]])
    #expect(reports.map { $0["threads"] as? Int } == [1, 2])
    for report in reports {
      let min = try #require(report["min_ms"] as? Double)
      let median = try #require(report["median_ms"] as? Double)
      let p95 = try #require(report["p95_ms"] as? Double)
      #expect(0 < min && min <= median && median <= p95)
      #expect(report["engine"] as? String == "float")
      #expect(report["isa"] is String)
      #expect(try #require(report["weight_bytes"] as? Int) > 10_000)
      #expect(try #require(report["arena_bytes"] as? Int) >= 3 * 64 * 4)
      let layers = try #require(report["layers"] as? [[String: Any]])
      #expect(layers.count >= 8)
      #expect(layers.allSatisfy { $0["name"] is String && $0["kernel"] is String })
      #expect(layers.allSatisfy { ($0["us"] as? Double ?? -1) >= 0 })
      #expect(layers.contains { ($0["gops"] as? Double ?? 0) > 0 })
    }
  }

  @Test func helpIsNoError() throws {
    for arguments in [["--help"], ["run", "--help"], ["evaluate", "--help"]] {
      let command = try succeed(arguments)
      #expect(command.output.contains("USAGE") && command.errors.isEmpty)
    }
  }
}
