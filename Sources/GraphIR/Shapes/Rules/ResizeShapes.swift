import Tensors

/// Operators that change the extent of axes: Pad, Resize, cropping, sampling grids, spectra.
enum ResizeShapes {
  static let rules: [String: ShapeRule] = [
    "Pad": { [InferredType($0.element(0), try pad($0))] },
    "Resize": { [InferredType($0.element(0), try resize($0))] },
    "CenterCropPad": { [InferredType($0.element(0), try crop($0))] },
    "GridSample": { node in
      guard let data = node.shape(0), let grid = try node.shape(1, rank: data.count) else {
        return [InferredType(node.element(0))]
      }
      return [InferredType(node.element(0), data.prefix(2) + grid.dropFirst().dropLast())]
    },
    "AffineGrid": { node in
      guard let size = node.value(1)?.scalars?.map(\.dimension), size.count >= 4 else {
        return [InferredType(node.element(0))]
      }
      return [
        InferredType(
          node.element(0), [size[0]] + size.dropFirst(2) + [.fixed(size.count - 2)])
      ]
    },
    "DFT": { [InferredType($0.element(0), try transformed($0))] },
  ]

  private static func pad(_ node: InferenceNode) throws -> [Dimension]? {
    guard var shape = node.shape(0) else { return nil }
    let axes: [Int]
    if node.has(3) {
      guard let list = node.integers(3) else { return shape.map { _ in .unknown } }
      axes = try node.axes(list, rank: shape.count)
    } else {
      axes = Array(shape.indices)
    }
    guard let pads = node.value(1)?.scalars else { return shape.map { _ in .unknown } }
    guard pads.count == 2 * axes.count else {
      throw node.mismatch("pads has \(pads.count) entries for \(axes.count) axes")
    }
    for (index, axis) in axes.enumerated() {
      guard let before = pads[index].int, let after = pads[index + axes.count].int else {
        shape[axis] = .unknown
        continue
      }
      let limit = InferenceNode.largestSize
      guard abs(before.clamped(to: limit)) + abs(after.clamped(to: limit)) < limit else {
        throw node.mismatch("pads of \(before) and \(after)")
      }
      if before + after == 0 { continue }
      shape[axis] = try shape[axis].size.map { try node.checked($0 + before + after) } ?? .unknown
    }
    return shape
  }

  private static func resize(_ node: InferenceNode) throws -> [Dimension]? {
    guard var shape = node.shape(0) else { return nil }
    let axes = try node.axes(
      try node.node.ints("axes") ?? Array(shape.indices), rank: shape.count)
    if node.has(3) {
      let keepsRatio =
        try node.node.string("keep_aspect_ratio_policy") ?? "stretch" != "stretch"
      let sizes = node.value(3)?.scalars
      guard (sizes?.count ?? axes.count) == axes.count else {
        throw node.mismatch("sizes has \(sizes?.count ?? 0) entries for \(axes.count) axes")
      }
      for (index, axis) in axes.enumerated() {
        shape[axis] = keepsRatio ? .unknown : sizes?[index].dimension ?? .unknown
      }
      return shape
    }
    let usesRegion = try node.node.string("coordinate_transformation_mode") == "tf_crop_and_resize"
    let scales = node.value(2)?.scalars
    guard (scales?.count ?? axes.count) == axes.count else {
      throw node.mismatch("scales has \(scales?.count ?? 0) entries for \(axes.count) axes")
    }
    for (index, axis) in axes.enumerated() {
      guard !usesRegion, case .float(let scale) = scales?[index] else {
        shape[axis] = .unknown
        continue
      }
      if scale == 1 { continue }
      guard let size = shape[axis].size else {
        shape[axis] = .unknown
        continue
      }
      // floor(size * scale) in float32, as ONNX Runtime computes it.
      guard let result = Int(exactly: (Float(size) * scale).rounded(.down)) else {
        throw node.mismatch("scale \(scale) gives no size")
      }
      shape[axis] = try node.checked(result)
    }
    return shape
  }

  private static func crop(_ node: InferenceNode) throws -> [Dimension]? {
    guard var shape = node.shape(0) else { return nil }
    let axes = try node.axes(
      try node.node.ints("axes") ?? Array(shape.indices), rank: shape.count)
    let sizes = node.value(1)?.scalars
    for (index, axis) in axes.enumerated() {
      shape[axis] = sizes.flatMap { index < $0.count ? $0[index].dimension : nil } ?? .unknown
    }
    return shape
  }

  private static func transformed(_ node: InferenceNode) throws -> [Dimension]? {
    guard var shape = node.shape(0), shape.count >= 2 else { return nil }
    let listed = node.has(2) ? node.integers(2)?.first : -2
    guard let listed else { return shape.map { _ in .unknown } }
    let axis = try node.axis(listed, rank: shape.count)
    if node.has(1) { shape[axis] = node.value(1)?.scalars?.first?.dimension ?? .unknown }
    if try node.node.int("onesided") ?? 0 != 0 {
      shape[axis] = shape[axis].size.map { .fixed($0 / 2 + 1) } ?? .unknown
    }
    shape[shape.count - 1] = .fixed(2)
    return shape
  }
}

extension Int {
  /// The number, no further from zero than `limit`.
  fileprivate func clamped(to limit: Int) -> Int { Swift.max(-limit, Swift.min(limit, self)) }
}
