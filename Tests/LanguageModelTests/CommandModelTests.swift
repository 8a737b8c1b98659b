import Foundation
import TestSupport
import Testing

@testable import LanguageModel

@Suite struct CommandModelTests {
  private func ask(_ command: String, prompt: String = "hello", timeout: Double = 5) throws
    -> String
  {
    try CommandModel(command: command, timeout: timeout)
      .reply(to: ChatRequest(prompt: prompt, temperature: 0, identity: "1")).text
  }

  private func expectFailure(_ command: String, saying part: String, timeout: Double = 5) {
    do {
      let reply = try ask(command, timeout: timeout)
      Issue.record("\(command) gave \(reply)")
    } catch { #expect("\(error)".contains(part), "\(error)") }
  }

  @Test func thePromptGoesInAndTheReplyComesOut() throws {
    #expect(try ask("cat") == "hello")
    let long = String(repeating: "0123456789", count: 50_000)
    #expect(try ask("cat", prompt: long) == long)
    #expect(try ask("echo fixed", prompt: long) == "fixed\n")
  }

  @Test func whatFailsHasAReason() {
    expectFailure("exit 3", saying: "code 3")
    expectFailure("kill -9 $$", saying: "signal 9")
    expectFailure("no-such-command-at-all 2>/dev/null", saying: "code 127")
    expectFailure("yes", saying: "larger than")
    expectFailure("exec >&-; sleep 60", saying: "no end", timeout: 5)
  }

  @Test func timeEndsItWithAllItStarted() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("child")
    let start = Date()
    expectFailure("sleep 60 & echo $! > \(file); wait", saying: "no reply within", timeout: 0.5)
    #expect(Date().timeIntervalSince(start) < 10)
    let child = try #require(
      pid_t(try String(contentsOfFile: file, encoding: .utf8).dropLast()))
    // Gone, or a zombie that whoever adopted it has yet to see; the signal may take its time.
    func isGone() -> Bool {
      let state = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)
      return state?.contains(") Z ") ?? true
    }
    let deadline = Date().addingTimeInterval(10)
    while !isGone(), Date() < deadline { usleep(20_000) }
    #expect(isGone())
  }

  @Test func repliesAreKept() throws {
    let folder = try TemporaryFolder()
    func ask(_ command: String, identity: String) throws -> String {
      try ReplyCache(
        folder: folder.path("replies"), name: "m",
        model: CommandModel(command: command, timeout: 5)
      ).reply(to: ChatRequest(prompt: "p", temperature: 0, identity: identity)).text
    }
    #expect(try ask("echo one", identity: "1") == "one\n")
    #expect(try ask("exit 1", identity: "1") == "one\n")
    #expect(try ask("echo two", identity: "2") == "two\n")
    #expect(throws: LanguageModelError.self) { try ask("exit 1", identity: "3") }
    for file in folder.contents { #expect(file == "replies") }
  }
}
