import Foundation
import TestSupport
import Testing

/// `tapq search` on the network of `models/`.
@Suite struct SearchVerbTests {
  let folder: TemporaryFolder
  private let base: [String]

  init() throws {
    folder = try TemporaryFolder()
    base =
      ["search", ProxyVerbTests.digits] + ProxyVerbTests.calibration + [
        "--budgets", "3,4", "--plans", "8", "--held-out", "32", "--generations", "2",
        "--population", "4", "--cache", folder.path("cache"),
      ]
  }

  private func report(_ command: Command) throws -> [String: Any] {
    try #require(command.code == 0, "\(command.errors)")
    return try #require(try command.json() as? [String: Any])
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: folder.path(name), encoding: .utf8)
  }

  @Test func aProxyIsFoundThatQuantizes() throws {
    let out = folder.path("found.tap")
    let found = try report(Command(base + ["-o", out, "--json"]))
    #expect((found["generations"] as? [Any])?.count == 3)
    #expect((found["population"] as? [Any])?.count == 4)
    let shown = try Command(["proxies", "explain", out])
    #expect(shown.output.hasPrefix("found\n"))
    #expect(shown.output.contains("tapq search, seed 0, 2 generations of 4 by grammar"))
    #expect(shown.output.contains("on digits at 3 bits"))
    let quantized = try Command(
      [
        "quantize", ProxyVerbTests.digits, "-o", folder.path("out.onnx"), "--proxy", out,
        "--average-bits", "4", "--effort", "fast",
      ] + ProxyVerbTests.calibration)
    #expect(quantized.code == 0, "\(quantized.errors)")
    let again = try Command(base + ["-o", folder.path("again.tap"), "--threads", "1"])
    #expect(again.code == 0)
    #expect(again.errors.contains("generation 2"))
    #expect(
      try text("again.tap").dropFirst("name: again".count)
        == text("found.tap").dropFirst("name: found".count))
  }

  /// Killed whenever, the search ends as if it had not been.
  @Test func aKilledSearchGoesOn() throws {
    let whole = try Command(base + ["-o", folder.path("proxy.tap")])
    try #require(whole.code == 0, "\(whole.errors)")
    let expected = try text("proxy.tap")
    let log = folder.path("state") + "/search.jsonl"
    var kills = 0
    for round in 0..<40 {
      let process = Process()
      process.executableURL = Command.executable
      process.arguments =
        base + ["-o", folder.path("proxy.tap"), "--overwrite", "--state", folder.path("state")]
      (process.standardError, process.standardOutput) = (
        FileHandle.nullDevice, FileHandle.nullDevice
      )
      let before = FileManager.default.contents(atPath: log)?.count ?? 0
      try process.run()
      // Some candidates further on, at another moment each time.
      while process.isRunning,
        (FileManager.default.contents(atPath: log)?.count ?? 0) <= before + 500 * (round + 1)
      {
        usleep(500)
      }
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      process.waitUntilExit()
      if process.terminationReason == .exit, process.terminationStatus == 0 { break }
      if round == 1, let handle = FileHandle(forWritingAtPath: log) {
        handle.seekToEndOfFile()
        handle.write(Data("{\"generation\": 1, \"slo".utf8))
      }
    }
    #expect(kills > 0)
    let last = try report(
      Command(
        base + [
          "-o", folder.path("proxy.tap"), "--overwrite", "--state", folder.path("state"), "--json",
        ]))
    #expect(last["resumed"] as? Int == last["replies"] as? Int)
    #expect(try text("proxy.tap") == expected)
  }

  @Test func aCommandProposes() throws {
    let command =
      #"grep -c . > /dev/null; echo '{"thought": "t", "formula": "sum(dYG2) / sum(Y2)"}'"#
    let out = folder.path("out.tap")
    let found = try report(
      Command(
        base + ["-o", out, "--llm-command", command, "--state", folder.path("state"), "--json"]))
    #expect(found["generator"] as? String == "command")
    #expect((found["population"] as? [Any])?.count == 1)
    #expect(try text("out.tap").contains("formula: sum(dYG2) / sum(Y2)\n"))
    let failing = try Command(base + ["-o", folder.path("no.tap"), "--llm-command", "exit 7"])
    #expect(failing.code == 1)
    #expect(failing.errors.contains("code 7"))
    #expect(!folder.contents.contains("no.tap"))
  }

  @Test func templatesArePrinted() throws {
    let printed = try Command(["search", "--print-templates", folder.path("templates")])
    #expect(printed.code == 0)
    #expect(try text("templates/mutate.txt").contains("{{parents}}"))
    let again = try Command(["search", "--print-templates", folder.path("templates")])
    #expect(again.code == 2)
  }

  @Test func wrongRequestsHaveReasons() throws {
    func expectFailure(_ flags: [String], code: Int32, saying part: String) throws {
      let command = try Command(base + ["-o", folder.path("out.tap")] + flags)
      #expect(command.code == code, "\(command.errors)")
      #expect(command.errors.contains(part), "\(command.errors)")
      #expect(!folder.contents.contains("out.tap"))
    }
    try expectFailure(["--controller", "best"], code: 64, saying: "--controller")
    try expectFailure(["--fitness", "best"], code: 64, saying: "--fitness")
    try expectFailure(["--alpha", "2"], code: 64, saying: "--alpha")
    try expectFailure(["--effort", "slow"], code: 64, saying: "--effort")
    try expectFailure(["--llm", "http://localhost"], code: 64, saying: "--llm-model")
    try expectFailure(["--llm-price", "1"], code: 64, saying: "--llm-price")
    try expectFailure(
      ["--llm", "nowhere", "--llm-model", "m"], code: 1, saying: "no address of a chat")
    try expectFailure(["--templates", folder.path("none")], code: 2, saying: "no such folder")
    try expectFailure(["--flash", "1KiB"], code: 1, saying: "flash")
    try expectFailure(["--state", ProxyVerbTests.digits], code: 2, saying: "--state")
  }
}
