extension ProfileFields {
  private static let share: [Quantity.Unit] = [.init(symbol: "%", exponent: -2)]

  /// Each kind must say what makes it one: who could repeat it, and from what.
  mutating func provenance(_ field: ProfileField) -> HardwareProfile.Provenance? {
    guard let node = required(field) else { return nil }
    let keys = ["kind", "source", "figures", "tool", "date", "host", "fit_error"]
    guard let map = mapping(node, path: field.path, keys: keys) else { return nil }
    let kind = choice(
      map.field("kind", requirement: "measured, published or datasheet"),
      as: HardwareProfile.Provenance.Kind.self)
    let needed = kind?.requirements ?? [:]
    func wanted(_ key: String) -> ProfileField { map.field(key, requirement: needed[key]) }
    let source = text(wanted("source"))
    let figures = text(wanted("figures"))
    let tool = text(wanted("tool"))
    let date = text(wanted("date"))
    let host = text(wanted("host"))
    let fitError = quantity(wanted("fit_error")) { text throws(QuantityProblem) in
      try Quantity(text, units: Self.share).value
    }
    if let fitError, fitError > 1 {
      let place = map.field("fit_error")
      report(
        .contradiction(
          place.place, key: place.path, problem: "a fit that is off by more than 100 % is none"))
    }
    guard let kind else { return nil }
    return .init(
      kind: kind, source: source, figures: figures, tool: tool, date: date, host: host,
      fitError: fitError)
  }
}

extension HardwareProfile.Provenance.Kind {
  /// What must not be missing, with what is expected.
  fileprivate var requirements: [String: String] {
    switch self {
    case .measured:
      [
        "tool": "the tool that measured, with its version", "date": "when, like 2026-05-31",
        "host": "on which machine", "fit_error": "how well the costs fit, like 4%",
      ]
    case .published:
      ["source": "where the figures are published", "figures": "which figures they are"]
    case .datasheet: ["source": "which document of the maker"]
    }
  }
}
