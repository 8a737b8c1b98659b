import ArgumentParser

/// Lists like `3,4.5` of bits on average.
enum BudgetList {
  static func parse(_ text: String) throws -> [Double] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let budgets = parts.compactMap { Double($0) }.filter { $0 > 0 && $0 <= 8 }
    guard !parts.isEmpty, budgets.count == parts.count else {
      throw ValidationError("--budgets '\(text)' is not a list like 3,4.5 of bits up to 8")
    }
    return budgets
  }
}
