import TestSupport
import Testing

@testable import ProxySearch

/// Broken and hostile programs: each is refused with a reason, or gives finite numbers.
@Suite struct HostileProgramTests {
  private static let pieces =
    Statistic.allCases.map(\.rawValue) + Primitive.callable.keys.sorted().map { $0 + "(" }
    + [
      "+", "-", "*", "/", "^", "(", ")", ")", ",", " ", "\n", "1e308", "1e-320", "0", "9", ".5",
      "import os; ", "__import__('os').system('rm -rf /')", "while True: pass", "\u{0}", "\u{202E}",
      "é", "💣", "\"", "`id`", "${HOME}", "../../etc/passwd", "lambda x: x", "exp(exp(exp(99",
      "[i for i in range(10**9)]", "nan", "inf", "-", "9999999999999999999999999",
    ]

  private static let whole = [
    String(repeating: "(", count: 5000), String(repeating: "exp(", count: 2000) + "b",
    String(repeating: "b^", count: 2000) + "2", String(repeating: "-", count: 8000),
    String(repeating: "sum(W)+", count: 1000) + "1", String(repeating: "9", count: 8000),
    String(repeating: "a", count: 8000),
    String(repeating: "sq(", count: 60) + "1e300"
      + String(repeating: ")", count: 60), "1 / 0", "0 / 0", "b / (b - b)", "log(0) / 0",
    "pow(-1, 0.5)", "exp(1e9)", "invert(-1e-9)", "sum(W / 0)", "min(dW) ^ 0.5 / max(X2 - X2)",
  ]

  @Test func eachOfAThousandGetsAReason() throws {
    var generator = SeededGenerator(seed: 6)
    let facts = try TinyLayer.network()
    var refused = 0
    var computed = 0
    for index in 0..<1000 {
      let text =
        index < Self.whole.count
        ? Self.whole[index]
        : (0..<Int(generator.next() % 40) + 1).map { _ in
          Self.pieces[Int(generator.next() % UInt64(Self.pieces.count))]
        }.joined()
      do {
        let table = try ProxyEvaluation(facts).sensitivities(try FormulaParser.parse(text))
        #expect(table.layers.allSatisfy { $0.damage.values.allSatisfy(\.isFinite) }, "\(text)")
        computed += 1
      } catch {
        #expect(error is FormulaError || error is ProxyError)
        #expect(!"\(error)".isEmpty)
        refused += 1
      }
    }
    #expect(refused + computed == 1000)
    #expect(refused > 900)
  }

  /// Programs that parse, from the grammar itself: evaluation ends, finite or refused.
  @Test func programsFromTheGrammarEnd() throws {
    var generator = SeededGenerator(seed: 16)
    let facts = try TinyLayer.network()
    var computed = 0
    for _ in 0..<1000 {
      let text = Self.program(depth: 5, &generator)
      do {
        let formula = try FormulaParser.parse(text)
        #expect(try FormulaParser.parse("\(formula)") == formula, "\(text)")
        #expect(formula.canonical.canonical == formula.canonical, "\(text)")
        _ = try ProxyEvaluation(facts).sensitivities(formula)
        computed += 1
      } catch {
        #expect(error is FormulaError || error is ProxyError)
      }
    }
    #expect(computed > 100)
  }

  private static func program(depth: Int, _ generator: inout SeededGenerator) -> String {
    func draw(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }
    guard depth > 0, draw(6) > 0 else {
      return draw(4) == 0
        ? "\(draw(9)).5" : Statistic.allCases[draw(Statistic.allCases.count)].rawValue
    }
    if draw(3) == 0 {
      let sign = ["+", "-", "*", "/"][draw(4)]
      return "(\(program(depth: depth - 1, &generator)) \(sign) "
        + "\(program(depth: depth - 1, &generator)))"
    }
    let names = Primitive.callable.keys.sorted()
    let name = names[draw(names.count)]
    let count = Primitive.callable[name]?.argumentCount ?? 1
    let arguments = (0..<count).map { _ in program(depth: depth - 1, &generator) }
    return "\(name)(\(arguments.joined(separator: ", ")))"
  }
}
