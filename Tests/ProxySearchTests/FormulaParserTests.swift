import Testing

@testable import ProxySearch

@Suite struct FormulaParserTests {
  private func problem(_ text: String) -> FormulaError? {
    do throws(FormulaError) {
      _ = try FormulaParser.parse(text)
      return nil
    } catch {
      return error
    }
  }

  private func expect(
    _ text: String, at line: Int, _ column: Int, _ reason: FormulaError.Reason,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      problem(text)
        == FormulaError(position: SourcePosition(line: line, column: column), reason: reason),
      sourceLocation: sourceLocation)
  }

  @Test func errorsSayWhere() {
    expect("", at: 1, 1, .empty)
    expect("sum(dW) $ 2", at: 1, 9, .character("$"))
    expect("1 + 1e999", at: 1, 5, .number("1e999"))
    expect("2 * 3x", at: 1, 5, .number("3x"))
    expect(
      "sum(sq(dW)\n  / b", at: 2, 6,
      .unexpected(found: "the end of the formula", wanted: "',' or ')'"))
    expect("b +\n* b", at: 2, 1, .unexpected(found: "'*'", wanted: "a number, a name or '('"))
    expect("b b", at: 1, 3, .unexpected(found: "'b'", wanted: "an operator or the end"))
    expect("b + parms", at: 1, 5, .unknownStatistic("parms", nearest: "params"))
    expect("sum(dW) + summ(W)", at: 1, 11, .unknownFunction("summ", nearest: "sum"))
    expect("pow(b)", at: 1, 1, .argumentCount(function: "pow", wanted: 2, found: 1))
    expect("mean()", at: 1, 1, .argumentCount(function: "mean", wanted: 1, found: 0))
    expect("system(b)", at: 1, 1, .unknownFunction("system", nearest: nil))
  }

  @Test func typesAreCheckedBeforeAnythingIsComputed() {
    expect("sq(dW)", at: 1, 1, .resultType(.matrix))
    expect("X2 * 2", at: 1, 1, .resultType(.columns))
    expect(
      "1 + sum(b)", at: 1, 9,
      .argumentType(function: "sum", found: .scalar, wanted: "several numbers"))
    expect(
      "sum(row_sum(S))", at: 1, 13,
      .argumentType(function: "row_sum", found: .rows, wanted: "a number for each weight"))
    expect(
      "sum(matmul(W, S))", at: 1, 15,
      .argumentType(
        function: "matmul", found: .rows, wanted: "a number for each input second"))
    expect(
      "layers_mean(S)", at: 1, 13,
      .argumentType(
        function: "layers_mean", found: .rows,
        wanted: "one number of each layer: reduce it with sum or mean"))
  }

  @Test(arguments: [
    ("S * X2", ValueType.matrix), ("S + 1", .rows), ("X2 / b", .columns), ("W * S", .matrix),
    ("row_norm(dW)", .rows), ("column_mean(W)", .columns), ("matmul(dW, X1)", .rows),
  ])
  func smallerValuesAreRepeated(text: String, type: ValueType) {
    #expect(problem(text)?.reason == .resultType(type))
    #expect(problem("sum(\(text))") == nil)
  }

  @Test func operatorsBindAsInMathematics() throws {
    func value(_ text: String) throws -> Expression { try FormulaParser.parse(text).canonical }
    #expect(try value("1 + 2 * 3") == .number(7))
    #expect(try value("10 - 4 - 3") == .number(3))
    #expect(try value("12 / 3 / 2") == .number(2))
    #expect(try value("-2 ^ 2") == .number(-4))
    #expect(try value("2 ^ 3 ^ 2") == .number(512))
    #expect(try value("(1 + 2) * -3") == .number(-9))
  }

  @Test func limitsHold() throws {
    let deep = String(repeating: "(", count: 100) + "b" + String(repeating: ")", count: 100)
    #expect(problem(deep)?.reason == .nesting(limit: FormulaParser.deepestNesting))
    #expect(problem(String(repeating: "-", count: 3000) + "b")?.reason == .nesting(limit: 64))
    let wide = Array(repeating: "b", count: 300).joined(separator: " + ")
    #expect(problem(wide)?.reason == .size(limit: FormulaParser.mostParts))
    let costly = Array(repeating: "sum(sq(dW))", count: 30).joined(separator: " + ")
    #expect(problem(costly)?.reason == .cost(passes: 60, limit: FormulaParser.mostPasses))
    let long = String(repeating: " ", count: 9000)
    #expect(problem(long)?.reason == .tooLong(limit: Tokenizer.longestFormula))
  }
}
