import Foundation

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
  init(folder: String, key: String) throws(CacheError) {
    path = try CacheFolder(folder).file("plans-\(key).jsonl")
    guard let data = FileManager.default.contents(atPath: path) else { return }
    let decoder = JSONDecoder()
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard let line = try? decoder.decode(Line.self, from: Data(line)) else { continue }
      known[line.bits] = line.outcome
    }
  }

  subscript(bits: [Int]) -> PlanOutcome? { known[bits] }

  /// Appends; the line before may have been cut off, so that this one begins with a line break.
  mutating func add(_ outcome: PlanOutcome, for bits: [Int]) throws(CacheError) {
    known[bits] = outcome
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let json = try? encoder.encode(Line(bits: bits, outcome: outcome)) else {
      throw .notFinite(path: path)
    }
    let line = Data("\n".utf8) + json + Data("\n".utf8)
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .notWritten(path: path) }
    defer { close(file) }
    let written = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    guard written == line.count else { throw .notWritten(path: path) }
  }
}
