/// The sliding window of a convolution or pooling, from the node's attributes.
struct Window {
  enum Padding {
    case explicit([Int])
    /// SAME_UPPER and SAME_LOWER, which give the same size.
    case same
    case valid
  }

  let kernel: [Dimension]
  let strides: [Int]
  let dilations: [Int]
  let padding: Padding
  let roundsUp: Bool

  /// `kernel` is the weight's where there is one; `kernel_shape` then only has to agree.
  init(
    _ node: InferenceNode, rank: Int, kernel weight: [Dimension]?, readsDilations: Bool
  ) throws(GraphError) {
    let declared = try node.sizes("kernel_shape")
    guard let sizes = weight ?? declared?.map({ .fixed($0) }) else {
      throw .attributeMissing(node: node.node.label, attribute: "kernel_shape")
    }
    let ones = Array(repeating: 1, count: rank)
    let strides = try node.sizes("strides") ?? ones
    let dilations = (readsDilations ? try node.sizes("dilations") : nil) ?? ones
    guard sizes.count == rank, (declared ?? ones).count == rank, strides.count == rank,
      dilations.count == rank
    else {
      throw node.mismatch(
        "kernel_shape, strides or dilations do not have \(rank) entries, one a spatial dimension")
    }
    guard strides.allSatisfy({ $0 > 0 }), dilations.allSatisfy({ $0 > 0 }),
      sizes.allSatisfy({ ($0.size ?? 1) > 0 })
    else { throw node.mismatch("kernel_shape, strides and dilations must be positive") }
    if let declared {
      for (size, other) in zip(sizes, declared) {
        _ = try node.unify(size, .fixed(other), "kernel_shape and the weight")
      }
    }
    kernel = sizes
    self.strides = strides
    self.dilations = dilations
    roundsUp = try node.node.int("ceil_mode") == 1
    switch try node.node.string("auto_pad") ?? "NOTSET" {
    case "SAME_UPPER", "SAME_LOWER": padding = .same
    case "VALID": padding = .valid
    case "NOTSET", "":
      let pads = try node.sizes("pads") ?? Array(repeating: 0, count: 2 * rank)
      guard pads.count == 2 * rank else {
        throw node.mismatch("pads must have \(2 * rank) entries, has \(pads.count)")
      }
      padding = .explicit(pads)
    case let other:
      throw .attributeValue(
        node: node.node.label, attribute: "auto_pad", problem: "has unknown value '\(other)'")
    }
  }

  /// `(kernel - 1) * dilation + 1`; nil where it is not known.
  func effectiveKernel(_ axis: Int) -> Int? {
    guard let size = kernel[axis].size else { return nil }
    let (product, overflow) = (size - 1).multipliedReportingOverflow(by: dilations[axis])
    return overflow || product > InferenceNode.largestSize ? nil : product + 1
  }

  func output(
    _ axis: Int, _ size: Dimension, _ node: InferenceNode
  ) throws(GraphError) -> Dimension {
    let stride = strides[axis]
    if case .same = padding {
      if stride == 1 { return size }
      return size.size.map { .fixed(($0 + stride - 1) / stride) } ?? .unknown
    }
    guard let effective = effectiveKernel(axis) else { return .unknown }
    var before = 0
    var total = 0
    if case .explicit(let pads) = padding {
      before = pads[axis]
      total = pads[axis] + pads[axis + kernel.count]
    }
    // A symbolic size that the window does not change keeps its name.
    if stride == 1, total == effective - 1 { return size }
    guard let size = size.size else { return .unknown }
    let room = size + total - effective
    guard room >= 0 else {
      throw node.mismatch(
        "a window of \(effective) does not fit \(size) with padding \(total)")
    }
    var steps = room / stride + 1
    if roundsUp, room % stride != 0, steps * stride < size + before { steps += 1 }
    return try node.checked(steps)
  }
}
