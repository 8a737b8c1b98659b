import ArgumentParser

/// Sizes of the axes that a model leaves free.
struct ShapeFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Size of an input whose axes are free; they are 1 otherwise.", valueName: "NAME=1x128"))
  var shape: [String] = []

  func validate() throws { _ = try parsed() }

  /// Shapes by input name.
  func parsed() throws -> [String: [Int]] {
    var shapes: [String: [Int]] = [:]
    for text in shape {
      guard let separator = text.lastIndex(of: "=") else {
        throw ValidationError("--shape '\(text)' is not like NAME=1x128")
      }
      let parts = text[text.index(after: separator)...]
        .split(separator: "x", omittingEmptySubsequences: false)
      let sizes = parts.compactMap { Int($0) }.filter { $0 > 0 }
      guard sizes.count == parts.count else {
        throw ValidationError("--shape '\(text)' is not like NAME=1x128")
      }
      shapes[String(text[..<separator])] = sizes
    }
    return shapes
  }
}
