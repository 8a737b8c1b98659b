/// The product of one shape divided by that of another, symbols cancelled.
struct Quotient {
  /// Set where everything is fixed and the division leaves nothing.
  let exact: Int?
  let dimension: Dimension

  init(_ shape: [Dimension], by divisor: [Dimension]) {
    var symbols: [String: Int] = [:]
    var isKnown = true
    func collect(_ dimensions: [Dimension], sign: Int) -> Int? {
      var product: Int? = 1
      for dimension in dimensions {
        switch dimension {
        case .fixed(let size):
          let (result, overflow) = (product ?? 0).multipliedReportingOverflow(by: size)
          product = product == nil || overflow ? nil : result
        case .symbolic(let name): symbols[name, default: 0] += sign
        case .unknown: isKnown = false
        }
      }
      return product
    }
    let above = collect(shape, sign: 1)
    let below = collect(divisor, sign: -1)
    let left = symbols.filter { $0.value != 0 }
    guard isKnown, let above, let below, below != 0, above % below == 0 else {
      // A zero-sized tensor reshapes to a zero-sized one: the open dimension is 0 or not told.
      exact = above == 0 && below == 0 ? 1 : nil
      dimension = .unknown
      return
    }
    let ratio = above / below
    exact = left.isEmpty ? ratio : nil
    if left.isEmpty {
      dimension = .fixed(ratio)
    } else if left.count == 1, ratio == 1, let (name, power) = left.first, power == 1 {
      dimension = .symbolic(name)
    } else {
      dimension = .unknown
    }
  }
}
