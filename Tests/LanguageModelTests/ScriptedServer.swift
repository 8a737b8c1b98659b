import Foundation

/// A server on the loopback interface that gives each connection the next of its answers: raw bytes,
/// after a pause. Keeps what it was sent.
final class ScriptedServer: @unchecked Sendable {
  struct Answer {
    var bytes: String
    var pause = 0.0
  }

  let port: UInt16
  private let lock = NSLock()
  private let listener: Int32
  private var answers: [Answer]
  private var seen: [String] = []

  /// The last answer is repeated.
  init(_ answers: [Answer]) throws {
    self.answers = answers
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && listen(socket, 16) == 0
          && getsockname(socket, $0, &length) == 0
      }
    }
    guard isBound else { throw CocoaError(.fileReadUnknown) }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in serve() }
  }

  deinit { close(listener) }

  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

  var address: String { "http://127.0.0.1:\(port)/v1" }

  /// The requests so far, head and body.
  var requests: [String] { lock.withLock { seen } }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      let request = ScriptedServer.read(connection)
      let answer = lock.withLock { () -> Answer in
        seen.append(request)
        return answers.count > 1 ? answers.removeFirst() : answers[0]
      }
      Thread.detachNewThread {
        Thread.sleep(forTimeInterval: answer.pause)
        let bytes = Array(answer.bytes.utf8)
        var sent = 0
        while sent < bytes.count {
          let count = send(
            connection, Array(bytes[sent...]), bytes.count - sent, Int32(MSG_NOSIGNAL))
          guard count > 0 else { break }
          sent += count
        }
        close(connection)
      }
    }
  }

  /// The head and as much of the body as it announces.
  private static func read(_ connection: Int32) -> String {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      if let head = text.firstRange(of: "\r\n\r\n") {
        let lengths = text.lowercased().matches(of: /content-length: (\d+)/)
        let wanted = lengths.first.flatMap { Int($0.1) } ?? 0
        if text[head.upperBound...].utf8.count >= wanted { return text }
      }
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return text }
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
  }
}

extension ScriptedServer.Answer {
  static func status(_ status: Int, _ body: String, headers: String = "") -> Self {
    Self(
      bytes: "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: "
        + "\(body.utf8.count)\r\nConnection: close\r\n\(headers)\r\n\(body)")
  }

  static func message(_ text: String) -> Self {
    let quoted = (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return status(
      200,
      "{\"choices\": [{\"message\": {\"role\": \"assistant\", \"content\": \(quoted)}}], "
        + "\"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 3}}")
  }
}
