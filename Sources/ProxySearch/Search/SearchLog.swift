import Foundation

/// What a search has tried, one JSON object a line, each on disk before the next begins. A line that
/// was cut off is dropped.
public final class SearchLog {
  private struct Header: Codable, Equatable {
    var search: Int
    var settings: String
  }

  private struct Place: Hashable {
    var generation: Int
    var slot: Int
    var attempt: Int
  }

  public let path: String
  private let file: Int32
  private var known: [Place: Candidate] = [:]
  /// Candidates that were on disk.
  public var count: Int { known.count }

  /// Opens `search.jsonl` in a folder that is made where it is missing. `settings` is all that results
  /// depend on: a log of another search is refused.
  public init(folder: String, settings: String) throws(SearchError) {
    let path = folder + "/search.jsonl"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch { throw .state(path: folder, problem: "the folder cannot be made") }
    let file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .state(path: path, problem: "it cannot be written") }
    (self.path, self.file) = (path, file)
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      throw .state(path: path, problem: "another search is using it")
    }
    try load(Header(search: 1, settings: settings))
  }

  deinit { close(file) }

  public func candidate(generation: Int, slot: Int, attempt: Int) -> Candidate? {
    known[Place(generation: generation, slot: slot, attempt: attempt)]
  }

  func add(_ candidate: Candidate) throws(SearchError) { try append(candidate) }

  private func load(_ header: Header) throws(SearchError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .state(path: path, problem: "it cannot be read")
    }
    let decoder = JSONDecoder()
    var kept = 0
    var start = data.startIndex
    while let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = Data(data[start..<end])
      if kept == 0 {
        guard let found = try? decoder.decode(Header.self, from: line) else {
          throw .state(path: path, problem: "it is no log of a search")
        }
        guard found == header else {
          throw .state(
            path: path, problem: "it belongs to a search with other settings (\(found.settings))")
        }
      } else {
        guard let candidate = try? decoder.decode(Candidate.self, from: line) else {
          throw .state(path: path, problem: "a line in its middle is damaged")
        }
        known[
          Place(
            generation: candidate.generation, slot: candidate.slot, attempt: candidate.attempt)] =
          candidate
      }
      start = data.index(after: end)
      kept = start - data.startIndex
    }
    if kept < data.count, ftruncate(file, off_t(kept)) != 0 {
      throw .state(path: path, problem: "its torn last line cannot be dropped")
    }
    if kept == 0 { try append(header) }
  }

  private func append(_ value: some Encodable) throws(SearchError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard var line = try? encoder.encode(value) else {
      throw .state(path: path, problem: "a number to write is not finite")
    }
    line.append(UInt8(ascii: "\n"))
    var offset = 0
    while offset < line.count {
      let written = line.withUnsafeBytes { bytes in
        write(file, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
      }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .state(path: path, problem: "it cannot be written") }
      offset += written
    }
    guard fsync(file) == 0 else { throw .state(path: path, problem: "it cannot be written") }
  }
}
