import Testing

/// Files stay small enough to read in one go, and never end the process on the user's input.
@Suite struct FileTests {
  private static let sourceSuffixes = [".swift", ".c", ".cpp", ".h", ".py"]

  private static let sources: [String] =
    (Repository.files(below: "Sources")
    + Repository.files(below: "Tests")).filter { path in
      sourceSuffixes.contains { path.hasSuffix($0) }
    }

  private func lines(_ path: String) throws -> Int {
    try Repository.text(path).count { $0 == "\n" }
  }

  @Test func sourceFilesAreShort() throws {
    var lengths: [Int] = []
    for file in Self.sources {
      let length = try lines(file)
      #expect(length <= 600, "\(file) has \(length) lines")
      lengths.append(length)
    }
    #expect(lengths.count > 50)
    #expect(lengths.sorted()[lengths.count / 2] <= 150)
  }

  @Test func filesAreSmall() {
    for file in Repository.files() where !file.hasPrefix("models/") {
      let size = Repository.size(of: file)
      #expect(size <= 1 << 20, "\(file) has \(size) bytes")
    }
  }

  @Test func nothingInSourcesTraps() throws {
    let traps = [/\btry!/, /\bfatalError\(/, /\bas!/, /\bunowned\(unsafe\)/]
    for file in Repository.files(below: "Sources") where file.hasSuffix(".swift") {
      for (index, line) in try Repository.text(file).split(
        separator: "\n", omittingEmptySubsequences: false
      ).enumerated() {
        let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
        for trap in traps {
          #expect(!code.contains(trap), "\(file):\(index + 1): \(line)")
        }
      }
    }
  }

  @Test func topLevelHoldsOnlyWhatTheDesignNames() {
    let expected: Set<String> = [
      "Package.swift", "Package.resolved", "Sources", "Tests", "hardware-profiles", "models",
      "scripts", "README.md", "LICENSE",
    ]
    let found = Set(
      Repository.files().compactMap { $0.split(separator: "/").first.map(String.init) })
    #expect(found.isSubset(of: expected), "\(found.subtracting(expected).sorted())")
  }
}
