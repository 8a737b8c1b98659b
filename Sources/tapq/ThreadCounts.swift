import ArgumentParser

/// Lists like `1,2` of numbers of threads.
enum ThreadCounts {
  static func parse(_ text: String) throws -> [Int] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let counts = parts.compactMap { Int($0) }.filter { (1...1024).contains($0) }
    guard counts.count == parts.count else {
      throw ValidationError("--threads '\(text)' is not a list like 1,2 of numbers up to 1024")
    }
    return Array(Set(counts)).sorted()
  }
}
