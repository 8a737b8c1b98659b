import Foundation
import Testing

@Suite struct MatrixKernelTests {
  /// The cores that OpenBLAS says it chose, one for each time that it was loaded.
  private func cores(environment: [String: String]) throws -> [String] {
    let command = try Command(
      ["proxies", "list"], environment: environment.merging(["OPENBLAS_VERBOSE": "2"]) { $1 })
    try #require(command.code == 0, "\(command.errors)")
    return command.errors.split(separator: "\n").compactMap { line in
      line.hasPrefix("Core: ") ? String(line.dropFirst("Core: ".count)) : nil
    }
  }

  private static let hasAVX2 =
    (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.contains(" avx2 ") ?? false

  @Test(.enabled(if: hasAVX2))
  func kernelsAreNotOlderThanTheProcessor() throws {
    let cores = try cores(environment: [:])
    let last = try #require(cores.last)
    #expect(!["Prescott", "Core2", "Nehalem", "Barcelona"].contains(last))
    #expect(cores.count <= 2)
  }

  @Test(.enabled(if: hasAVX2))
  func kernelsOfOnesChoiceAreKept() throws {
    #expect(try cores(environment: ["OPENBLAS_CORETYPE": "Nehalem"]) == ["Nehalem"])
  }
}
