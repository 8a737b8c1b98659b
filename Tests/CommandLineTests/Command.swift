import Foundation

/// Runs the built `tapq`.
struct Command {
  let code: Int32
  let output: String
  let errors: String

  /// `$TAPQ`, else the product beside the test bundle.
  static let executable: URL = {
    if let path = ProcessInfo.processInfo.environment["TAPQ"] { return URL(fileURLWithPath: path) }
    let runner = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return runner.deletingLastPathComponent().appendingPathComponent("tapq")
  }()

  init(_ arguments: [String], environment: [String: String] = [:]) throws {
    let process = Process()
    process.executableURL = Command.executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    ) { $1 }
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // What a command prints on standard error fits the pipe's buffer.
    self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    self.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    code =
      process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  /// The one sentence of a failed command, without its prefix.
  var sentence: String? {
    let lines = errors.split(separator: "\n")
    guard lines.count == 1, lines[0].hasPrefix("tapq: ") else { return nil }
    return String(lines[0].dropFirst("tapq: ".count))
  }

  /// The report that `--json` prints.
  func json() throws -> Any {
    try JSONSerialization.jsonObject(with: Data(output.utf8))
  }
}
