import Foundation
import Tensors
import TestSupport
import Testing

/// A network of models/, quantized, on the integer engine.
@Suite struct IntegerEngineVerbTests {
  let folder: TemporaryFolder
  let quantized: String
  static let models = SharedFiles.repository.appendingPathComponent("models")
  let data = models.appendingPathComponent("digits-evaluation.npy").path

  init() throws {
    folder = try TemporaryFolder()
    quantized = folder.path("small.onnx")
    let command = try Command([
      "quantize", Self.models.appendingPathComponent("digits.onnx").path, "-o", quantized,
      "--calibration", Self.models.appendingPathComponent("digits-calibration.npy").path,
      "--average-bits", "4.8",
    ])
    try #require(command.code == 0, "\(command.errors)")
  }

  private func logits(_ flags: [String], isa: String? = nil) throws -> Tensor {
    let out = folder.path(UUID().uuidString)
    let command = try Command(
      ["run", quantized, "--input", "image=\(data)", "--output-dir", out] + flags,
      environment: isa.map { ["TAPQ_ISA": $0] } ?? [:])
    try #require(command.code == 0, "\(command.errors)")
    return try NpyFile.read(path: out + "/logits.npy")
  }

  @Test func enginesAndInstructionSetsGiveTheSameBits() throws {
    let simulated = try logits(["--engine", "float"])
    #expect(try logits([]) == simulated)
    for isa in ["portable", "avx2", "avxvnni", "avx512vnni"] {
      #expect(
        try logits(["--engine", "integer", "--threads", "2"], isa: isa) == simulated, "\(isa)")
    }
  }

  @Test func benchmarkSaysWhatRan() throws {
    for (isa, found) in [("portable", "portable"), ("no such set", nil)] {
      let command = try Command(
        ["benchmark", quantized, "--runs", "3", "--json"], environment: ["TAPQ_ISA": isa])
      let reports = try #require(try command.json() as? [[String: Any]])
      #expect(reports.count == 1)
      #expect(reports[0]["engine"] as? String == "integer")
      #expect(reports[0]["integer_share"] as? Double == 1)
      let name = try #require(reports[0]["isa"] as? String)
      #expect(found == nil || name == found)
      let layers = try #require(reports[0]["layers"] as? [[String: Any]])
      #expect(layers.contains { ($0["kernel"] as? String)?.hasPrefix("product u8s4") == true })
      #expect(try #require(reports[0]["weight_bytes"] as? Int) < 30_000)
    }
  }

  @Test func inspectShowsTheIntegerPlan() throws {
    let command = try Command(["inspect", quantized, "--json"])
    let report = try #require(try command.json() as? [String: Any])
    let plan = try #require(report["integers"] as? [String: Any])
    #expect(plan["share"] as? Double == 1)
    let arena = try #require(plan["arena_bytes"] as? Int)
    #expect(try #require(plan["arena_lower_bound"] as? Int) <= arena)
    #expect(try #require(plan["steps"] as? [[String: Any]]).count >= 10)
    #expect(try Command(["inspect", quantized]).output.contains("integer engine: 100.0 %"))
  }
}
