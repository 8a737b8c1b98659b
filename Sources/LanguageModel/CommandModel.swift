import Foundation

/// A command that reads a prompt from standard input and prints a reply. It and all that it starts
/// are killed when time is up.
public final class CommandModel: LanguageModel {
  static let largestReply = 4 << 20
  private let command: String
  private let timeout: Double

  public init(command: String, timeout: Double) {
    self.command = command
    self.timeout = timeout
  }

  public func reply(to request: ChatRequest) throws(LanguageModelError) -> ChatReply {
    signal(SIGPIPE, SIG_IGN)
    guard let input = Self.pipe() else { throw failed("no pipe can be made") }
    guard let output = Self.pipe() else {
      input.forEach { close($0) }
      throw failed("no pipe can be made")
    }
    let process = start(input: input[0], output: output[1])
    close(input[0])
    close(output[1])
    let (writing, reading) = (input[1], output[0])
    defer { close(reading) }
    guard let process else {
      close(writing)
      throw failed("it cannot be started")
    }
    let (data, problem) = exchange(
      Array(request.prompt.utf8), writing: writing, reading: reading,
      deadline: Date().addingTimeInterval(timeout))
    if problem != nil { kill(-process, SIGKILL) }
    var status: Int32 = 0
    let ended = wait(for: process, status: &status)
    // What it left running in the background goes as well.
    kill(-process, SIGKILL)
    if let problem { throw failed(problem) }
    guard ended else { throw failed("no end within \(timeout) s") }
    guard status == 0 else {
      throw failed(
        status & 0x7F == 0
          ? "it ended with code \((status >> 8) & 0xFF)" : "signal \(status & 0x7F) ended it")
    }
    return ChatReply(text: String(decoding: data, as: UTF8.self))
  }

  /// Reading and writing end, neither of which other processes inherit.
  private static func pipe() -> [Int32]? {
    var ends: [Int32] = [-1, -1]
    guard Foundation.pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return ends
  }

  private func failed(_ problem: String) -> LanguageModelError {
    .command(command, problem: problem)
  }

  /// `sh -c`, in a process group of its own.
  private func start(input: Int32, output: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF))
    posix_spawnattr_setpgroup(&attributes, 0)
    var arguments: [UnsafeMutablePointer<CChar>?] = []
    for argument in ["sh", "-c", command] { arguments.append(strdup(argument)) }
    arguments.append(nil)
    defer { arguments.forEach { free($0) } }
    var process = pid_t()
    let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, environ)
    return code == 0 ? process : nil
  }

  /// Writes and reads at once, so that neither side waits for the other.
  private func exchange(
    _ prompt: [UInt8], writing: Int32, reading: Int32, deadline: Date
  ) -> (Data, problem: String?) {
    var writing: Int32? = writing
    defer { if let writing { close(writing) } }
    _ = fcntl(writing ?? -1, F_SETFL, O_NONBLOCK)
    var sent = 0
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let left = deadline.timeIntervalSinceNow
      guard left > 0 else { return (data, "no reply within \(timeout) s") }
      var polls = [pollfd(fd: reading, events: Int16(POLLIN), revents: 0)]
      if let writing { polls.append(pollfd(fd: writing, events: Int16(POLLOUT), revents: 0)) }
      let ready = poll(&polls, nfds_t(polls.count), Int32(min(left, 1000) * 1000) + 1)
      if ready < 0, errno != EINTR { return (data, "it cannot be read") }
      guard ready > 0 else { continue }
      if let open = writing, polls.count > 1, polls[1].revents != 0 {
        let count = prompt.withUnsafeBytes { bytes in
          write(open, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
        }
        if count > 0 { sent += count }
        if sent == prompt.count || count < 0 && errno != EAGAIN && errno != EINTR {
          close(open)
          writing = nil
        }
      }
      if polls[0].revents != 0 {
        let count = read(reading, &buffer, buffer.count)
        if count == 0 { return (data, nil) }
        if count < 0, errno != EINTR { return (data, "it cannot be read") }
        if count > 0 { data.append(contentsOf: buffer[..<count]) }
        guard data.count <= Self.largestReply else {
          return (data, "its reply is larger than \(Self.largestReply) bytes")
        }
      }
    }
  }

  /// A process that closed its output has a second to end.
  private func wait(for process: pid_t, status: inout Int32) -> Bool {
    for _ in 0..<100 {
      if waitpid(process, &status, WNOHANG) != 0 { return true }
      usleep(10_000)
    }
    kill(-process, SIGKILL)
    waitpid(process, &status, 0)
    return false
  }
}
