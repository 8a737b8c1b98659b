import Foundation
import Tensors

/// A text file of images: a line holds a path, relative to the list's folder, and optionally the
/// class index; further words, blank lines and lines that start with `#` are ignored.
struct ImageList {
  let paths: [String]
  /// Present where every line has a class.
  let labels: [Int]?

  init(path: String) throws {
    let lines = try TextLines.read(path: path)
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    var paths: [String] = []
    var labels: [Int] = []
    for (number, words) in lines {
      guard let file = words.first else { continue }
      if words.count > 1 {
        guard let label = Int(words[1]), label >= 0 else {
          throw SampleError.list(
            path: path, line: number, problem: "'\(words[1])' is not a class index")
        }
        labels.append(label)
      }
      paths.append(
        file.hasPrefix("/") ? file : folder.appendingPathComponent(file).path)
    }
    guard labels.isEmpty || labels.count == paths.count else {
      throw SampleError.labels(path: path, problem: "only some of its lines have a class index")
    }
    self.paths = paths
    self.labels = labels.isEmpty ? nil : labels
  }
}

/// The words of a text file, line by line.
enum TextLines {
  static func read(path: String) throws -> [(number: Int, words: [String])] {
    let file = try MappedFile(path: path)
    let text = String(decoding: file.bytes, as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .compactMap { index, line in
        let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let first = words.first, !first.hasPrefix("#") else { return nil }
        return (index + 1, words)
      }
  }
}
