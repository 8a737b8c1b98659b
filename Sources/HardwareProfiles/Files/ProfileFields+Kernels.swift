extension ProfileFields {
  static let kernelKeys = [
    "kind", "operators", "weights", "activations", "threads", "from", "tile", "cost",
  ]

  /// At least one; nil where there is an error that hides what they are. Costs are times `scale`.
  mutating func kernels(
    _ field: ProfileField, clock: Double, scale: Double, cores: Int
  ) -> [Located<KernelCost>]? {
    guard let items = list(field) else { return nil }
    if items.isEmpty {
      report(.wrongValue(field.place, key: field.path, found: "empty", expected: "a kernel"))
    }
    var kernels: [Located<KernelCost>] = []
    for item in items {
      guard let kernel = kernel(item, clock: clock, scale: scale, cores: cores) else { continue }
      if let earlier = kernels.first(where: { $0.value.hides(kernel) }) {
        report(
          .contradiction(
            item.place, key: field.path,
            problem: "this kernel never counts: the one of line \(earlier.place.line) comes first "
              + "and covers all that it covers"))
      }
      kernels.append(Located(place: item.place, value: kernel))
    }
    return kernels.count == items.count ? kernels : nil
  }

  private mutating func kernel(
    _ node: ProfileNode, clock: Double, scale: Double, cores: Int
  ) -> KernelCost? {
    guard let map = mapping(node, path: "kernels", keys: Self.kernelKeys) else { return nil }
    let kinds = KernelWorkload.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    let kind = choice(
      map.field("kind", requirement: "one of \(kinds)"), as: KernelWorkload.Kind.self)
    let operators = operators(map.field("operators"))
    let weights = map.nodes["weights"] == nil ? [] : bits(map.field("weights"))
    let activations = map.nodes["activations"] == nil ? [] : bits(map.field("activations"))
    let threads = map.nodes["threads"] == nil ? [] : threads(map.field("threads"), cores: cores)
    let least = map.nodes["from"] == nil ? 0 : integer(map.field("from"), in: 0...(1 << 50))
    let tile = map.nodes["tile"].map { tileSizes($0) } ?? KernelCost.Tile()
    let seconds = cost(
      map.field("cost", requirement: "a mapping like {call: 2us, mac: 1.3cycles}"), clock: clock,
      scale: scale)
    guard let kind, let operators, let weights, let activations, let threads, let least, let tile,
      let seconds
    else { return nil }
    return KernelCost(
      kind: kind, operators: operators, weightBits: weights, activationBits: activations,
      threads: threads, leastWork: Double(least), tile: tile, seconds: seconds)
  }

  private mutating func threads(_ field: ProfileField, cores: Int) -> [Int]? {
    let counts = integers(field, expected: "a number of threads from 1 to 4096") {
      (1...4096).contains($0)
    }
    if let most = counts?.max(), most > cores {
      report(
        .contradiction(field.place, key: field.path, problem: "\(most) threads on \(cores) cores"))
    }
    return counts
  }

  private mutating func tileSizes(_ node: ProfileNode) -> KernelCost.Tile? {
    let keys = ["rows", "columns", "lanes", "depth", "run"]
    guard let map = mapping(node, path: "kernels.tile", keys: keys) else { return nil }
    let sizes = keys.map { map.nodes[$0] == nil ? 1 : integer(map.field($0), in: 1...65536) }
    guard let rows = sizes[0], let columns = sizes[1], let lanes = sizes[2], let depth = sizes[3],
      let run = sizes[4]
    else { return nil }
    if !columns.isMultiple(of: lanes) {
      let field = map.field("lanes")
      report(
        .contradiction(
          field.place, key: field.path,
          problem: "\(lanes) lanes do not divide \(columns) columns"))
    }
    return KernelCost.Tile(rows: rows, columns: columns, lanes: lanes, depth: depth, run: run)
  }

  private mutating func cost(
    _ field: ProfileField, clock: Double, scale: Double
  ) -> [KernelCost.Count: Double]? {
    guard let node = required(field) else { return nil }
    let names = KernelCost.Count.allCases.map(\.rawValue)
    guard let map = mapping(node, path: field.path, keys: names) else { return nil }
    if map.nodes.isEmpty {
      report(.wrongValue(node.place, key: field.path, found: "empty", expected: "a cost"))
    }
    var seconds: [KernelCost.Count: Double] = [:]
    for count in KernelCost.Count.allCases where map.nodes[count.rawValue] != nil {
      let value = quantity(map.field(count.rawValue)) { text throws(QuantityProblem) in
        try TimeSpan.read(text, clock: clock)
      }
      guard let value else { continue }
      guard (value * scale).isFinite else {
        let place = map.field(count.rawValue)
        report(
          .quantity(place.place, key: place.path, text: "\(value)s", problem: .outOfRange))
        continue
      }
      seconds[count] = value * scale
    }
    return seconds.count == map.nodes.count ? seconds : nil
  }
}

extension KernelCost {
  /// Whether it covers all that the other covers.
  fileprivate func hides(_ other: KernelCost) -> Bool {
    func isWider<Value: Hashable>(_ own: [Value], _ others: [Value]) -> Bool {
      own.isEmpty || (!others.isEmpty && Set(others).isSubset(of: own))
    }
    return kind == other.kind && isWider(operators, other.operators)
      && isWider(weightBits, other.weightBits) && isWider(activationBits, other.activationBits)
      && isWider(threads, other.threads) && leastWork <= other.leastWork
  }
}
