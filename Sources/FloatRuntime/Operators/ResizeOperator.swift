import GraphIR
import Parallelism
import Tensors

/// Resize: separable interpolation, one axis after the other.
enum ResizeOperator {
  static let definitions: [OperatorDefinition] = [resize]

  private enum Mode: String, CaseIterable { case nearest, linear, cubic }
  private enum Policy: String, CaseIterable {
    case stretch
    case notLarger = "not_larger"
    case notSmaller = "not_smaller"
  }

  private struct Options {
    let coordinates: ResampledAxis.Coordinates
    let policy: Policy
    let axes: [Int]?
  }

  private static let resize = OperatorDefinition.tensors("Resize") { node in
    let antialias = try node.flag("antialias", default: false)
    let kernel: ResampledAxis.Kernel =
      switch try node.choice("mode", default: Mode.nearest) {
      case .nearest: .nearest(try node.choice("nearest_mode", default: .preferFloor))
      case .linear: .linear(antialias: antialias)
      case .cubic: .cubic(Double(try node.float("cubic_coeff_a") ?? -0.75), antialias: antialias)
      }
    let options = Options(
      coordinates: try node.choice("coordinate_transformation_mode", default: .halfPixel),
      policy: try node.choice("keep_aspect_ratio_policy", default: .stretch),
      axes: try node.ints("axes"))
    let exclude = try node.flag("exclude_outside", default: false)
    let extrapolation = Double(try node.float("extrapolation_value") ?? 0)
    return { inputs, context in
      let x = try inputs.tensor(0)
      let plan = try plan(x.shape, options, inputs)
      var shape = x.shape
      for (axis, resampled) in plan { shape[axis] = resampled.outputSize }
      try inputs.checkedCount(shape, x.elementType)
      if shape.contains(0) || x.count == 0 {
        guard shape.contains(0) else { throw inputs.failure("cannot enlarge an empty tensor") }
        return [
          try inputs.moving(Tensor.zero(x.elementType)) { try inputs.filled(shape, with: $0) }
        ]
      }
      let work = try plan.filter { !$0.resampled.isIdentity }.map { axis, resampled in
        try inputs.checkedCount([resampled.outputSize, resampled.kernelBound], .float64)
        guard let taps = resampled.taps(kernel, excludeOutside: exclude) else {
          throw inputs.failure("the scale or region of axis \(axis) is out of range")
        }
        return (axis: axis, taps: taps)
      }
      if case .nearest = kernel, options.coordinates != .cropAndResize {
        return [
          try inputs.moving(x) { cells in
            try work.reduce(cells) { cells, item in
              var partial = cells.shape
              partial[item.axis] = item.taps.indices.count
              return try inputs.taken(cells, item.taps.indices, axis: item.axis, shape: partial)
            }
          }
        ]
      }
      let float = x.elementType.isFloatingPoint
      var result = float ? try inputs.widened(x) : try inputs.converted(x, to: .float64)
      for (axis, taps) in work {
        result =
          result.elementType == .float64
          ? resampled(result, axis, taps, extrapolation, context.pool, as: Double.self)
          : resampled(result, axis, taps, Float(extrapolation), context.pool, as: Float.self)
      }
      return [float ? result.narrowed(to: x.elementType) : rounded(result, x.elementType)]
    }
  }

  /// The axes that change, in order.
  private static func plan(
    _ shape: [Int], _ options: Options, _ inputs: OperatorInputs
  ) throws -> [(axis: Int, resampled: ResampledAxis)] {
    let axes =
      try options.axes?.map { try inputs.axis($0, rank: shape.count) }
      ?? Array(shape.indices)
    func list(_ index: Int, _ count: Int) throws -> [Double]? {
      guard let tensor = try inputs.optionalTensor(index), tensor.count > 0 else { return nil }
      let values = try inputs.converted(tensor, to: .float64).elements(of: Double.self)
      guard values.count == count, values.allSatisfy(\.isFinite) else {
        throw inputs.failure("input \(index) must hold \(count) finite numbers")
      }
      return values
    }
    guard Set(axes).count == axes.count else { throw inputs.failure("axes \(axes) repeat") }
    let crops = options.coordinates == .cropAndResize
    let regions = crops ? try list(1, 2 * axes.count) : nil
    let sizes = axes.map { shape[$0] }
    var (scales, outputs): ([Double], [Double])
    if let given = try list(2, axes.count) {
      scales = given
      outputs = zip(given, sizes).map { ($0 * Double($1)).rounded(.down) }
    } else if let given = try list(3, axes.count) {
      outputs = given
      scales = zip(given, sizes).map { $0 / Double(max($1, 1)) }
      if options.policy != .stretch, !scales.isEmpty {
        let scale = scales.reduce(scales[0]) {
          options.policy == .notLarger ? min($0, $1) : max($0, $1)
        }
        scales = scales.map { _ in scale }
        outputs = sizes.map { (scale * Double($0) + 0.5).rounded(.down) }
      }
    } else {
      throw inputs.failure("needs scales or sizes")
    }
    return try axes.enumerated().map { index, axis in
      guard let output = Int(exactly: outputs[index]), output >= 0,
        scales[index] > 0 || output == 0 || sizes[index] == 0
      else { throw inputs.failure("cannot resize axis \(axis) by \(scales[index])") }
      let region = regions.map { ($0[index], $0[axes.count + index]) } ?? (0, 1)
      return (
        axis,
        ResampledAxis(
          size: sizes[index], outputSize: output, scale: scales[index],
          coordinates: options.coordinates, region: region)
      )
    }
  }

  private static func resampled<T: FloatElement>(
    _ x: Tensor, _ axis: Int, _ taps: ResampledAxis.Taps, _ extrapolation: T, _ pool: WorkerPool,
    as type: T.Type
  ) -> Tensor {
    var shape = x.shape
    let outputs = taps.outside.count
    shape[axis] = outputs
    let size = x.shape[axis]
    let inner = Tensor.count(of: Array(x.shape[(axis + 1)...]))
    let rows = Tensor.count(of: Array(x.shape[..<axis])) * outputs
    let weights = taps.weights.map { T($0) }
    return x.withElements(of: T.self) { source in
      Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<T>) in
        guard let source = source.baseAddress, let out = out.baseAddress else { return }
        nonisolated(unsafe) let (from, to) = (source, out)
        let group = max(1, Elementwise.chunk / (inner * taps.width))
        pool.forEach((rows - 1) / group + 1) { chunk in
          for row in chunk * group..<min((chunk + 1) * group, rows) {
            let (outer, position) = (row / outputs, row % outputs)
            let y = to + row * inner
            for index in 0..<inner { y[index] = taps.outside[position] ? extrapolation : 0 }
            if taps.outside[position] { continue }
            for tap in position * taps.width..<(position + 1) * taps.width {
              let line = from + (outer * size + taps.indices[tap]) * inner
              let weight = weights[tap]
              if weight == 0 { continue }
              for index in 0..<inner { y[index] += weight * line[index] }
            }
          }
        }
      }
    }
  }

  /// Integers: half to even, then clamped.
  private static func rounded(_ x: Tensor, _ type: ElementType) -> Tensor {
    let range = type.integerRange ?? Int.min...Int.max
    let (low, high) = (Double(range.lowerBound), Double(range.upperBound))
    let values = x.elements(of: Double.self).map {
      min(max($0.rounded(.toNearestOrEven), low), high)
    }
    return Tensor(values, shape: x.shape).narrowed(to: type)
  }
}
