import Foundation
import TestSupport
import Testing

@Suite struct ProxyVerbTests {
  let folder: TemporaryFolder
  static let models = SharedFiles.repository.appendingPathComponent("models")
  static let digits = models.appendingPathComponent("digits.onnx").path
  static let calibration = [
    "--calibration", models.appendingPathComponent("digits-calibration.npy").path,
  ]

  init() throws { folder = try TemporaryFolder() }

  private func file(_ formula: String) throws -> String {
    try folder.write(
      "name: mine\nthought: A test.\nformula: \(formula)\nprovenance: tests\n", as: "mine.tap")
  }

  @Test func proxiesAreListedShownAndExplained() throws {
    let list = try Command(["proxies", "list", "--json"])
    let names = try #require(try list.json() as? [[String: Any]]).compactMap {
      $0["name"] as? String
    }
    #expect(names.contains("measured") && names.contains("relative-output-mse"))
    #expect(names == names.sorted())
    let shown = try Command(["proxies", "show", "relative-mse"])
    #expect(shown.output.contains("formula: sum(sq(dW)) / sum(sq(W))\n"))
    let copy = try folder.write(shown.output, as: "copy.tap")
    #expect(try Command(["proxies", "show", copy]).output == shown.output)
    let explained = try Command(["proxies", "explain", "relative-mse", "--json"])
    let keys: Set = [
      "name", "thought", "formula", "canonical_form", "provenance", "reads", "correlations",
    ]
    #expect(Set(try #require(try explained.json() as? [String: Any]).keys) == keys)
    #expect(try Command(["proxies", "explain", "kl"]).output.contains("in nats"))
  }

  @Test func aFileDecidesTheBits() throws {
    let out = folder.path("out.onnx")
    let command = try Command(
      ["quantize", Self.digits, "-o", out, "--average-bits", "4.4", "--proxy"]
        + [try file("sum(dY2) / sum(Y2) * params"), "--effort", "fast", "--json"]
        + Self.calibration)
    try #require(command.code == 0, "\(command.errors)")
    let report = try #require(try command.json() as? [String: Any])
    #expect(report["proxy"] as? String == "mine")
    #expect(try #require(report["average_weight_bits"] as? Double) <= 4.4)
    let layers = try #require(report["layers"] as? [[String: Any]])
    #expect(Set(layers.compactMap { $0["weight_bits"] as? Int }).count > 1)
    let evaluated = try Command([
      "evaluate", out, "--reference", Self.digits, "--json", "--data",
      Self.models.appendingPathComponent("digits-evaluation.npy").path,
    ])
    let agreement = try #require(try evaluated.json() as? [String: Any])["agreement"] as? Double
    #expect(try #require(agreement) > 0.8)
  }

  @Test func predictionsSayWhatTheyTake() throws {
    let mine = try file("sum(dY2) / sum(Y2)")
    func sensitivity(_ flags: String...) throws -> Command {
      try Command(
        ["sensitivity", Self.digits, "--effort", "fast", "--bits", "2,4"] + Self.calibration + flags
      )
    }
    let cache = folder.path("cache")
    let command = try sensitivity("--proxy", mine, "--cache", cache, "--json")
    try #require(command.code == 0, "\(command.errors)")
    let report = try #require(try command.json() as? [String: Any])
    #expect(Set(report.keys) == ["model", "proxy", "layers", "seconds"])
    let layers = try #require(report["layers"] as? [[String: Any]])
    for layer in layers {
      let damage = try #require(layer["damage"] as? [[String: Any]])
      let predicted = damage.compactMap { $0["predicted"] as? Double }
      #expect(damage.compactMap { $0["bits"] as? Int } == [2, 4])
      #expect(predicted.count == 2 && predicted[0] > predicted[1])
    }
    let seconds = try #require(report["seconds"] as? [String: Double])
    let stages: Set = [
      "forward", "calibration", "weights", "statistics", "scoring", "allocation",
    ]
    #expect(Set(seconds.keys) == stages && seconds.values.allSatisfy { $0 >= 0 })
    let table = try sensitivity("--proxy", mine, "--cache", cache)
    #expect(table.code == 0 && table.output.contains("mine"))
    let blocked = try sensitivity("--proxy", mine, "--cache", mine)
    #expect(blocked.code == 2 && blocked.errors.contains("give another --cache"))
  }

  @Test func theProxyThatDecidesIsAudited() throws {
    func audit(_ flags: [String]) throws -> [String: Any]? {
      let command = try Command(
        [
          "quantize", Self.digits, "-o", folder.path("out.onnx"), "--overwrite", "--average-bits",
          "4", "--json",
        ] + flags + Self.calibration)
      try #require(command.code == 0, "\(command.errors)")
      let report = try #require(try command.json() as? [String: Any])
      #expect(report.keys.contains("audit"))
      return report["audit"] as? [String: Any]
    }
    let found = try #require(try audit(["--proxy", file("sum(dYG2) / sum(Y2)")]))
    #expect((found["layers"] as? [String])?.count == 6)
    #expect((-1...1).contains(try #require(found["spearman"] as? Double)))
    #expect(try audit(["--proxy", "measured"]) == nil)
    #expect(try audit(["--proxy", "relative-mse", "--effort", "fast"]) == nil)
  }

  @Test func scoresArePrinted() throws {
    let command = try Command(
      [
        "proxies", "score", Self.digits, "--budgets", "4", "--plans", "8", "--json", "--cache",
        folder.path("cache"), "--proxy", try file("sum(dYG2) / (sum(Y2) + 1)"),
      ] + Self.calibration)
    try #require(command.code == 0, "\(command.errors)")
    let report = try #require(try command.json() as? [String: Any])
    let network = try #require((report["networks"] as? [[String: Any]])?.first)
    #expect((network["plans"] as? [Any])?.count == 8)
    let rows = try #require(network["proxies"] as? [[String: Any]])
    #expect(rows.contains { $0["proxy"] as? String == "mine" })
    #expect(rows.contains { $0["proxy"] as? String == "ompq" })
  }

  @Test func wrongProxiesAreBadInput() throws {
    func expectFailure(_ arguments: [String], saying parts: String...) throws {
      let command = try Command(arguments)
      #expect(command.code == 2, "\(command.errors)")
      let sentence = try #require(command.sentence, "\(command.errors)")
      for part in parts { #expect(sentence.contains(part), "\(sentence)") }
      #expect(command.output.isEmpty)
    }
    let quantize =
      ["quantize", Self.digits, "-o", folder.path("out.onnx"), "--average-bits", "4"]
      + Self.calibration + ["--proxy"]
    try expectFailure(quantize + ["best"], saying: "no proxy 'best'", "measured")
    try expectFailure(quantize + [folder.path("no.tap")], saying: "no.tap", "no such file")
    let broken = try file("sum(dW) +")
    try expectFailure(quantize + [broken], saying: "mine.tap, line 3, column 19")
    try expectFailure(["proxies", "explain", broken], saying: "line 3")
    try expectFailure(
      quantize + [try file("exp(1000 * b)")], saying: "layer 'stem' at 2 bits", "not a finite")
    try expectFailure(
      ["proxies", "score", Self.digits, "--cache", Self.digits] + Self.calibration,
      saying: "--cache")
    #expect(!folder.contents.contains("out.onnx"))
  }

  @Test(arguments: [
    ["--plans", "2"], ["--budgets", "3,,4"], ["--budgets", "9"], ["--held-out", "0"],
    ["--effort", "none"], ["--bits", "1"],
  ])
  func wrongFlagsAreUsageErrors(flags: [String]) throws {
    let command = try Command(["proxies", "score", Self.digits] + Self.calibration + flags)
    #expect(command.code == 64)
  }
}
