import Foundation
import Testing

/// ONNX's own node suite: every case whose operators the engine claims must pass.
struct NodeSuiteTests {
  /// Newer cases than Debian's, written by a script.
  static let newerCases = ProcessInfo.processInfo.environment["TAPQ_NODE_CASES"].map {
    URL(fileURLWithPath: $0)
  }

  @Test(
    "Debian's libonnx-testdata",
    .enabled(if: !NodeCase.all(in: NodeCase.debian).isEmpty, "libonnx-testdata is not installed"))
  func debian() { check(NodeCase.all(in: NodeCase.debian), atLeast: 850) }

  @Test("Newer cases", .enabled(if: newerCases != nil, "TAPQ_NODE_CASES is not set"))
  func newer() throws { check(NodeCase.all(in: try #require(Self.newerCases)), atLeast: 1) }

  private func check(_ cases: [NodeCase], atLeast threshold: Int) {
    var (passed, claimed) = (0, 0)
    var missing: [String] = []
    for item in cases {
      switch item.run() {
      case .passed:
        passed += 1
        claimed += 1
      case .failed(let problem):
        claimed += 1
        Issue.record("\(item.name): \(problem)")
      case .unclaimed(let reason): missing.append("\(item.name) (\(reason))")
      }
    }
    print("node suite: \(passed) passed / \(claimed) claimed / \(cases.count) total")
    if ProcessInfo.processInfo.environment["TAPQ_NODE_VERBOSE"] != nil {
      print("not claimed: " + missing.joined(separator: ", "))
    }
    #expect(passed >= threshold)
  }
}
