import TestSupport
import Testing

@testable import ProxySearch

@Suite struct ProxyFileTests {
  private static let good = """
    # A comment.
    name: two-lines
    thought: Errors count
      for what they do.
    formula: sum(dY2)
      / sum(Y2)
    provenance: a test
    correlation: resnet8 4 0.87

    """

  @Test func filesAreRead() throws {
    let proxy = try ProxyFile.parse(Self.good, path: "x.tap")
    #expect(proxy.name == "two-lines")
    #expect(proxy.thought == "Errors count for what they do.")
    #expect(proxy.source == "sum(dY2) / sum(Y2)")
    #expect(proxy.formula == (try FormulaParser.parse("sum(dY2) / sum(Y2)")))
    #expect(proxy.correlations == [.init(network: "resnet8", averageBits: 4, spearman: 0.87)])
    #expect(try ProxyFile.parse(ProxyFile.text(of: proxy), path: "y.tap") == proxy)
  }

  @Test func shippedFilesReadAsTheirText() throws {
    for proxy in try ProxyLibrary.all() {
      #expect(try ProxyFile.parse(ProxyFile.text(of: proxy), path: "z.tap") == proxy)
      #expect(try ProxyLibrary.proxy(proxy.name) == proxy)
    }
  }

  @Test(arguments: [
    ("/ sum(Y2)", "/ sum(Y9)", "line 6, column 9"), ("sum(dY2)", "sum(dY2", "line 6, column 12"),
    ("sum(dY2)", "sun(dY2)", "line 5, column 10"), ("name: two", "nome: two", "line 2, column 1"),
    ("two-lines", "Two Lines", "line 2, column 6"), ("0.87", "1.2", "line 8, column 13"),
    ("provenance: a test", "just words", "line 7, column 1"),
    ("provenance: a test", "name: again", "line 7, column 6"),
  ])
  func errorsHaveThePlaceInTheFile(what: String, by: String, place: String) {
    let text = Self.good.replacing(what, with: by, maxReplacements: 1)
    do throws(ProxyError) {
      _ = try ProxyFile.parse(text, path: "x.tap")
      Issue.record("\(text) was read")
    } catch {
      #expect(error.description.hasPrefix("x.tap, \(place): "), "\(error)")
    }
  }

  @Test func missingPartsAndFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    #expect(throws: ProxyError.file(path: "x.tap", problem: "it has no 'formula:'")) {
      try ProxyFile.parse("name: a\nthought: b\n", path: "x.tap")
    }
    let missing = folder.path("none.tap")
    #expect(throws: ProxyError.file(path: missing, problem: "there is no such file")) {
      try ProxyLibrary.proxy(missing)
    }
    let binary = try folder.write([0xFF, 0xFE, 0x00], as: "binary.tap")
    #expect(throws: ProxyError.file(path: binary, problem: "it is not UTF-8 text")) {
      try ProxyLibrary.proxy(binary)
    }
    #expect(throws: ProxyError.self) { try ProxyLibrary.proxy(folder.path("") + "/") }
    let large = try folder.write([UInt8](repeating: 35, count: 1 << 17), as: "large.tap")
    #expect(throws: ProxyError.self) { try ProxyLibrary.proxy(large) }
    #expect(throws: ProxyError.self) { try ProxyLibrary.proxy("mse ") }
  }
}
