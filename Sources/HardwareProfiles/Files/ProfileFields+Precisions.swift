extension ProfileFields {
  private static let bitsExpected = "a width: 2 to 8, 16 or 32 bits"

  private static func isWidth(_ bits: Int) -> Bool {
    (2...8).contains(bits) || bits == 16 || bits == 32
  }

  mutating func bits(_ field: ProfileField) -> [Int]? {
    integers(field, expected: Self.bitsExpected, where: Self.isWidth)
  }

  mutating func operators(_ field: ProfileField) -> [String]? {
    guard field.node != nil else { return [] }
    guard let items = list(field) else { return nil }
    var names: [String] = []
    for item in items {
      guard case .scalar(let name) = item.value else {
        report(
          .wrongValue(
            item.place, key: field.path, found: item.kind, expected: "an operator of ONNX"))
        continue
      }
      if !ONNXOperators.names.contains(name), !ONNXOperators.fused.contains(name) {
        report(
          .unknownOperator(
            item.place, key: field.path, name: name,
            nearest: Spelling.nearest(to: name, in: ONNXOperators.names.sorted())))
      }
      names.append(name)
    }
    return names
  }

  /// At least one; nil where there is an error that hides what they are.
  mutating func precisions(_ field: ProfileField) -> [Located<HardwareProfile.Precision>]? {
    guard let items = list(field) else { return nil }
    if items.isEmpty {
      report(.wrongValue(field.place, key: field.path, found: "empty", expected: "a precision"))
    }
    let precisions = items.map { item in
      precision(item).map { Located(place: item.place, value: $0) }
    }
    let known = precisions.compactMap { $0 }
    return known.count == items.count ? known : nil
  }

  private mutating func precision(_ node: ProfileNode) -> HardwareProfile.Precision? {
    let keys = ["operators", "weights", "activations", "granularity", "block_sizes", "symmetric"]
    guard let map = mapping(node, path: "precisions", keys: keys) else { return nil }
    let operators = operators(map.field("operators"))
    let weights = bits(map.field("weights", requirement: "a list of widths, like [8]"))
    let activations = bits(map.field("activations", requirement: "a list of widths, like [8]"))
    for (name, widths) in [("weights", weights), ("activations", activations)]
    where widths?.isEmpty ?? false {
      let field = map.field(name)
      report(.wrongValue(field.place, key: field.path, found: "empty", expected: "a width"))
    }
    let granularity = choice(
      map.field("granularity", requirement: "tensor, channel or block"),
      as: HardwareProfile.Precision.Granularity.self)
    let sizes =
      map.nodes["block_sizes"] == nil
      ? []
      : integers(map.field("block_sizes"), expected: "a size from 2 to 65536") {
        (2...65536).contains($0)
      }
    let isSymmetric = map.nodes["symmetric"] == nil ? true : truth(map.field("symmetric"))
    guard let operators, let weights, let activations, let granularity, let sizes, let isSymmetric
    else { return nil }
    let blocks = map.field("block_sizes")
    if granularity == .block, sizes.isEmpty {
      report(
        .missingKey(blocks.place, key: blocks.path, expected: "the sizes that blocks can have"))
    } else if granularity != .block, !sizes.isEmpty {
      report(
        .contradiction(
          blocks.place, key: blocks.path,
          problem: "blocks have sizes only where the granularity is block, "
            + "not \(granularity.rawValue)"))
    }
    return .init(
      operators: operators, weights: weights, activations: activations, granularity: granularity,
      blockSizes: sizes, isSymmetric: isSymmetric)
  }

  /// Every precision has a kernel for each of its operators.
  mutating func checkCoverage(
    _ precisions: [Located<HardwareProfile.Precision>], _ kernels: [KernelCost]
  ) {
    for precision in precisions {
      let value = precision.value
      let operators = value.operators.isEmpty ? ["Conv", "Gemm", "MatMul"] : value.operators
      for op in operators {
        for kind in ONNXOperators.kinds(of: op, granularity: value.granularity) {
          for weights in value.weights {
            for activations in value.activations
            where !isCovered(op, kind, weights, activations, kernels) {
              report(
                .uncoveredPrecision(
                  precision.place, op: op, kind: kind, weightBits: weights,
                  activationBits: activations))
            }
          }
        }
      }
    }
  }

  private func isCovered(
    _ op: String, _ kind: KernelWorkload.Kind, _ weights: Int, _ activations: Int,
    _ kernels: [KernelCost]
  ) -> Bool {
    kernels.contains { kernel in
      (kernel.kind == kind || (weights == 32 && kernel.kind == .float))
        && (kernel.operators.isEmpty || kernel.operators.contains(op))
        && (kernel.weightBits.isEmpty || kernel.weightBits.contains(weights))
        && (kernel.activationBits.isEmpty || kernel.activationBits.contains(activations))
    }
  }
}
