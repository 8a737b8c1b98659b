import Foundation
import Tensors

/// The true class of every sample.
enum Labels {
  /// Reads `FILE.npy` with an integer for each row, or a text file: a class index on each line, or
  /// `FILE CLASS ...` for the images that `names` lists, in any order.
  static func read(path: String, count: Int, names: [String]?) throws -> [Int] {
    let labels =
      SourceKind(path: path) == .npy
      ? try array(path: path) : try text(path: path, names: names)
    guard labels.count >= count else {
      throw SampleError.labels(
        path: path, problem: "it has \(labels.count) labels for \(count) samples")
    }
    return Array(labels.prefix(count))
  }

  private static func array(path: String) throws -> [Int] {
    let tensor = try NpyFile.read(path: path)
    guard tensor.shape.dropFirst().allSatisfy({ $0 == 1 }), let labels = tensor.integers() else {
      throw SampleError.labels(
        path: path,
        problem: "it holds \(tensor.elementType) \(tensor.shape) instead of one integer a sample")
    }
    return labels
  }

  private static func text(path: String, names: [String]?) throws -> [Int] {
    let lines = try TextLines.read(path: path)
    if lines.allSatisfy({ $0.words.count == 1 }) {
      return try lines.map { try label($0.words[0], line: $0.number, path: path) }
    }
    guard let names else {
      throw SampleError.labels(
        path: path, problem: "it names files, but the samples are not image files")
    }
    var classes: [String: Int] = [:]
    for (number, words) in lines where words.count > 1 {
      let file = URL(fileURLWithPath: words[0]).lastPathComponent
      classes[file] = try label(words[1], line: number, path: path)
    }
    return try names.map { name in
      guard let label = classes[URL(fileURLWithPath: name).lastPathComponent] else {
        throw SampleError.labels(path: path, problem: "it has no line for \(name)")
      }
      return label
    }
  }

  private static func label(_ word: String, line: Int, path: String) throws(SampleError) -> Int {
    guard let label = Int(word), label >= 0 else {
      throw .list(path: path, line: line, problem: "'\(word)' is not a class index")
    }
    return label
  }
}
