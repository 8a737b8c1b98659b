import Testing

@testable import ProxySearch

@Suite struct CanonicalFormTests {
  private func canonical(_ text: String) throws -> Expression {
    try FormulaParser.parse(text).canonical
  }

  @Test(arguments: [
    ("sum(dY2) / sum(Y2)", "sum(dY2)/(sum(Y2))"),
    ("b * params + macs", "macs + params * b"),
    ("b - (-macs)", "macs + b"),
    ("-(-b)", "b"),
    ("sum(dW * dW)", "sum(sq(dW))"),
    ("sum(dW ^ 2)", "sum(sq(dW))"),
    ("sum(abs(dW) * abs(dW))", "sum(sq(dW))"),
    ("1 * b + 0", "b"),
    ("b / 4", "0.25 * b"),
    ("2 * (3 * b)", "6 * b"),
    ("greatest(b, depth)", "greatest(depth, b)"),
    ("b - depth", "-depth + b"),
    ("b * b * b * b", "sq(sq(b))"),
    ("exp(log(1)) * b", "b"),
  ])
  func sameMeaningSameForm(first: String, second: String) throws {
    #expect(try canonical(first) == canonical(second))
  }

  @Test(arguments: [
    ("b / depth", "depth / b"), ("b - depth", "depth - b"), ("sum(dW)", "sum(dG)"),
    ("least(b, depth)", "greatest(b, depth)"), ("sum(W) / sum(dW)", "sum(W / dW)"),
  ])
  func otherMeaningOtherForm(first: String, second: String) throws {
    #expect(try canonical(first) != canonical(second))
  }

  @Test func textReadsAsTheSameForm() throws {
    let texts =
      try ProxyLibrary.all().map(\.source) + [
        "b - 2 * (depth - macs / (params * -3))", "(b + 1) * (b + 2) / (b / (depth + 1))",
        "-(b ^ 1.5) - 1e-9", "pow(-2 * b, 0.5) / 3", "b / (b / b)",
      ]
    for text in texts {
      let form = try canonical(text)
      #expect(try canonical("\(form)") == form, "\(text) -> \(form)")
      #expect(form.canonical == form, "\(text) -> \(form)")
    }
  }
}
