import Foundation
import TestSupport
import Testing

/// `tapq profiles` on the profiles that ship, and on bad ones.
@Suite struct ProfileVerbTests {
  private let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test func listShowsWhatShips() throws {
    let text = try Command(["profiles", "list"])
    #expect(text.code == 0)
    #expect(text.errors.isEmpty)
    #expect(text.output.contains("stm32l4r5 "))
    let report = try #require(try Command(["profiles", "list", "--json"]).json() as? [String: Any])
    let rows = try #require(report["profiles"] as? [[String: Any]])
    let board = try #require(rows.first { $0["name"] as? String == "stm32l4r5" })
    #expect(board["flash"] as? Int == 2 << 20)
    #expect(board["weight_bits"] as? [Int] == [8])
    #expect(board["provenance"] as? String == "published")
  }

  @Test func foldersOfTheUserAreListedToo() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("mine.yaml")
    try "schema: 1\nname: mine\ntitle: Mine\ninherits: stm32l4r5\nmemory: {ram: 64KiB}\n"
      .write(to: file, atomically: true, encoding: .utf8)
    let environment = ["TAPQ_PROFILES": folder.path]
    let list = try Command(["profiles", "list"], environment: environment)
    #expect(list.output.contains("mine "))
    #expect(list.output.contains("cortex-m4 "))
    let byName = try Command(["profiles", "show", "mine", "--json"], environment: environment)
    let byPath = try Command(["profiles", "show", file.path, "--json"])
    #expect(byName.code == 0)
    #expect(byName.output == byPath.output)
    let profile = try #require(try byName.json() as? [String: Any])
    let memory = try #require(profile["memory"] as? [String: Any])
    #expect(memory["ram"] as? Int == 65536)
    #expect(memory["flash"] as? Int == 2 << 20)
    let kernels = try #require(profile["kernels"] as? [[String: Any]])
    #expect((kernels[0]["seconds"] as? [String: Double])?["mac"] ?? 0 > 0)
  }

  @Test func calibrateWritesAValidProfileAndNeverOverAnother() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("here.yaml")
    let arguments = ["profiles", "calibrate", "-o", file, "--seconds", "0.1", "--threads", "1"]
    let first = try Command(arguments + ["--samples", folder.path("steps.json"), "--json"])
    try #require(first.code == 0, "\(first.errors)")
    #expect(folder.contents == ["here.yaml", "steps.json"])
    let report = try #require(try first.json() as? [String: Any])
    let errors = try #require(report["errors"] as? [[String: Any]])
    #expect(
      Set(errors.compactMap { $0["kind"] as? String }).isSuperset(of: ["product", "depthwise"]))
    #expect(try Command(["profiles", "validate", file]).code == 0)
    let model = SharedFiles.repository.appendingPathComponent("models/digits.onnx").path
    let fit = try Command(["inspect", model, "--profile", file, "--json"])
    let device = try #require(try fit.json() as? [String: Any])
    #expect(device["predicted_latency_ms"] as? Double ?? 0 > 0 && device["fits"] as? Bool == true)
    let second = try Command(arguments)
    #expect(second.code == 2 && second.sentence?.contains(file) == true)
  }

  @Test func limitsThatAreNotWellFormedAreUsageErrors() throws {
    let model = SharedFiles.repository.appendingPathComponent("models/digits.onnx").path
    for (flags, part) in [
      (["--ram", "96K"], "96KiB"), (["--flash", "12"], "unit"), (["--latency", "4"], "unit"),
      (["--latency", "4ms"], "--profile"),
      (["--device-threads", "0"], "--device-threads"),
    ] {
      let command = try Command(["inspect", model] + flags)
      #expect(command.code == 64 && command.errors.contains(part), "\(flags): \(command.errors)")
    }
  }

  @Test func showIsForPeople() throws {
    let shown = try Command(["profiles", "show", "nvidia-t4"])
    #expect(shown.code == 0)
    #expect(shown.output.contains("NVIDIA T4"))
    #expect(shown.output.contains("figures are       datasheet"))
    let unknown = try Command(["profiles", "show", "stm32l4r6"])
    #expect(unknown.code == 2)
    #expect(
      unknown.sentence?.hasPrefix("there is no profile 'stm32l4r6' (is it 'stm32l4r5'?)") == true)
  }

  @Test func everyShippedFileIsValid() throws {
    let folder = root.appendingPathComponent("hardware-profiles").path
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".yaml") }.map { "\(folder)/\($0)" }
    let check = try Command(["profiles", "validate"] + files)
    #expect(check.code == 0)
    #expect(check.output == "\(files.count) profiles are valid\n")
    #expect(check.errors.isEmpty)
  }

  @Test func mistakesAreToldWithTheirLines() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    try "schema: 1\nname: x\ntitle: X\ninherits: cortex-m4\nmemory: {ram: 96K}\nclok: 1GHz\n"
      .write(to: file, atomically: true, encoding: .utf8)
    let check = try Command(["profiles", "validate", file.path])
    #expect(check.code == 2)
    let lines = check.errors.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.first?.hasPrefix("\(file.path):5: memory.ram '96K' has half a unit") == true)
    #expect(
      lines.last?.hasPrefix("\(file.path):6: there is no key 'clok' (is it 'clock'?)") == true)
    let report = try #require(
      try Command(["profiles", "validate", file.path, "--json"]).json() as? [String: Any])
    #expect(report["valid"] as? Bool == false)
    let errors = try #require(report["errors"] as? [[String: Any]])
    #expect(errors.map { $0["line"] as? Int } == [5, 6])
    #expect(errors.map { $0["key"] as? String } == ["memory.ram", "clok"])
    let shown = try Command(["profiles", "show", file.path])
    #expect(shown.code == 2)
    #expect(shown.sentence?.hasPrefix("\(file.path):5: ") == true)
  }
}
