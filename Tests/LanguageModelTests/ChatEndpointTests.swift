import Foundation
import TestSupport
import Testing

@testable import LanguageModel

/// What an endpoint makes of servers of all sorts.
@Suite struct ChatEndpointTests {
  static let key = "sk-very-secret"
  static let request = ChatRequest(prompt: "A proxy, please.", temperature: 0.5, identity: "1")

  /// The reply, or the error; the pauses that were made; and what the server saw.
  private func ask(
    _ answers: [ScriptedServer.Answer], timeout: Double = 2, attempts: Int = 3
  ) throws -> (Result<ChatReply, LanguageModelError>, pauses: [Double], requests: [String]) {
    let server = try ScriptedServer(answers)
    defer { server.stop() }
    let endpoint = try ChatEndpoint(
      address: server.address, model: "m", key: Self.key, timeout: timeout,
      schedule: RetrySchedule(attempts: attempts, seed: 1))
    var pauses: [Double] = []
    endpoint.sleep = { pauses.append($0) }
    let result: Result<ChatReply, LanguageModelError>
    do throws(LanguageModelError) {
      result = .success(try endpoint.reply(to: Self.request))
    } catch { result = .failure(error) }
    return (result, pauses, server.requests)
  }

  private func expectGivenUp(
    _ answers: [ScriptedServer.Answer], saying part: String, timeout: Double = 2
  ) throws {
    let (result, pauses, _) = try ask(answers, timeout: timeout)
    guard case .failure(let error) = result, case .gaveUp(_, 3, let reason) = error else {
      Issue.record("\(result)")
      return
    }
    #expect(reason.contains(part), "\(reason)")
    #expect(pauses.count == 2)
    #expect(!"\(error)".contains(Self.key))
  }

  @Test func aReplyIsRead() throws {
    let (result, pauses, requests) = try ask([.message("{\"formula\": \"b\"}")])
    #expect(
      try result.get()
        == ChatReply(text: "{\"formula\": \"b\"}", promptTokens: 7, completionTokens: 3))
    #expect(pauses.isEmpty)
    let sent = try #require(requests.first)
    #expect(sent.hasPrefix("POST /v1/chat/completions "))
    #expect(sent.contains("Authorization: Bearer \(Self.key)"))
    let body = try #require(sent.components(separatedBy: "\r\n\r\n").last)
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
    #expect(json["model"] as? String == "m")
    #expect((json["response_format"] as? [String: String])?["type"] == "json_object")
  }

  @Test func aWrongKeyEndsItAtOnceWithoutShowingIt() throws {
    let (result, pauses, requests) = try ask([
      .status(401, "{\"error\": \"Incorrect key \(Self.key) given\"}")
    ])
    guard case .failure(let error) = result, case .status(_, 401, let message) = error else {
      Issue.record("\(result)")
      return
    }
    #expect(message.contains("Incorrect key *** given"))
    #expect("\(error)".contains("TAPQ_LLM_KEY") && !"\(error)".contains(Self.key))
    #expect(pauses.isEmpty && requests.count == 1)
  }

  @Test func itWaitsAsLongAsItIsTold() throws {
    let (result, pauses, requests) = try ask([
      .status(429, "slow down", headers: "Retry-After: 17\r\n"), .status(500, "oops"),
      .message("b"),
    ])
    #expect(try result.get().text == "b")
    #expect(requests.count == 3)
    #expect(pauses.first == 17)
    #expect((1...3).contains(pauses.last ?? 0))
  }

  @Test func aServerWithoutJSONModeIsAskedWithout() throws {
    let (result, pauses, requests) = try ask([
      .status(400, "response_format is not supported"), .message("formula: b"),
    ])
    #expect(try result.get().text == "formula: b")
    #expect(pauses.isEmpty)
    #expect(requests.map { $0.contains("response_format") } == [true, false])
  }

  @Test func serversThatAnswerNonsenseAreGivenUp() throws {
    try expectGivenUp([.status(500, "down")], saying: "status 500: down")
    try expectGivenUp([.status(200, "<html>Bad gateway</html>")], saying: "no message")
    try expectGivenUp([.status(200, "{\"choices\": []}")], saying: "no message")
    try expectGivenUp([.status(200, "{\"choices\": [{\"message\": {\"con")], saying: "no message")
    try expectGivenUp(
      [.status(200, String(repeating: "[", count: 200_000))], saying: "no message")
    try expectGivenUp([.init(bytes: "not HTTP at all\r\n\r\n")], saying: "connection")
    try expectGivenUp(
      [.init(bytes: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"choices\"")],
      saying: "connection")
    try expectGivenUp([.init(bytes: "", pause: 30)], saying: "no reply", timeout: 0.4)
    try expectGivenUp(
      [.status(200, String(repeating: " ", count: 5 << 20))], saying: "larger than")
  }

  @Test func redirectionsAreNotFollowed() throws {
    let other = try ScriptedServer([.message("stolen")])
    defer { other.stop() }
    let (result, _, _) = try ask([
      .status(302, "", headers: "Location: http://127.0.0.1:\(other.port)/\r\n")
    ])
    #expect(throws: LanguageModelError.self) { try result.get() }
    #expect(other.requests.isEmpty)
  }

  @Test(arguments: ["", "ftp://host/v1", "localhost:80", "http://", "http://user:pw@host/v1"])
  func addressesThatAreNone(address: String) {
    #expect(throws: LanguageModelError.address(address)) {
      try ChatEndpoint(
        address: address, model: "m", key: nil, timeout: 1, schedule: RetrySchedule(seed: 0))
    }
  }

  @Test func pausesGrowAndAreTheSameForASeed() {
    var one = RetrySchedule(seed: 5)
    var other = RetrySchedule(seed: 5)
    let pauses = (0..<12).map { one.delay(after: $0, retryAfter: nil) }
    #expect(pauses == (0..<12).map { other.delay(after: $0, retryAfter: nil) })
    for (attempt, pause) in pauses.enumerated() {
      let mean = Double(1 << attempt)
      #expect(pause >= min(mean / 2, 60) && pause <= min(mean * 1.5, 60))
    }
    let now = Date(timeIntervalSince1970: 0)
    #expect(RetrySchedule.seconds("Thu, 01 Jan 1970 00:00:20 GMT", now: now) == 20)
    #expect(RetrySchedule.seconds(" 3 ", now: now) == 3)
    #expect(RetrySchedule.seconds("soon", now: now) == nil)
  }
}
