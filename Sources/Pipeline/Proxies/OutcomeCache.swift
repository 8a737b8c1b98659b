import Foundation
import GraphIR
import Tensors

/// Outcomes of plans on disk, a line of JSON for each, so that measuring goes on where it stopped. A
/// line that was cut off counts as not there.
struct OutcomeCache {
  private struct Line: Codable {
    var bits: [Int]
    var outcome: PlanOutcome
  }

  let path: String
  private var known: [[Int]: PlanOutcome] = [:]

  /// Opens the file of `key` in `folder`, which is made where it is missing.
  init(folder: String, key: String) throws(ProxyScoreError) {
    path = URL(fileURLWithPath: folder).appendingPathComponent("plans-\(key).jsonl").path
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cache(path: folder, problem: "the folder cannot be made")
    }
    guard let data = FileManager.default.contents(atPath: path) else { return }
    let decoder = JSONDecoder()
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard let line = try? decoder.decode(Line.self, from: Data(line)) else { continue }
      known[line.bits] = line.outcome
    }
  }

  subscript(bits: [Int]) -> PlanOutcome? { known[bits] }

  /// Appends; the line before may have been cut off, so that this one begins with a line break.
  mutating func add(_ outcome: PlanOutcome, for bits: [Int]) throws(ProxyScoreError) {
    known[bits] = outcome
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let json = try? encoder.encode(Line(bits: bits, outcome: outcome)) else {
      throw .cache(path: path, problem: "an outcome is not a finite number")
    }
    let line = Data("\n".utf8) + json + Data("\n".utf8)
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .cache(path: path, problem: "it cannot be written") }
    defer { close(file) }
    let written = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    guard written == line.count else { throw .cache(path: path, problem: "it cannot be written") }
  }

  /// `$XDG_CACHE_HOME/tapq`, or `~/.cache/tapq`.
  static var standardFolder: String {
    let environment = ProcessInfo.processInfo.environment
    let base =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(fileURLWithPath: $0) }
      ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache")
    return base.appendingPathComponent("tapq").path
  }
}

/// FNV-1a over everything that outcomes depend on.
struct Fingerprint {
  private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
  }

  mutating func add(_ text: String) {
    var text = text + "\n"
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  mutating func add(_ feed: [String: Tensor]) {
    for (name, tensor) in feed.sorted(by: { $0.key < $1.key }) {
      add("\(name) \(tensor.elementType) \(tensor.shape)")
      add(tensor.storage.bytes)
    }
  }

  mutating func add(_ model: Model) {
    for node in model.graph.nodes {
      add("\(node.op) \(node.inputs) \(node.outputs) \(node.attributes)")
    }
    for (name, tensor) in model.graph.initializers.sorted(by: { $0.key < $1.key }) {
      add("\(name) \(tensor.elementType) \(tensor.shape)")
      add(tensor.storage.bytes)
    }
  }

  var text: String {
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
