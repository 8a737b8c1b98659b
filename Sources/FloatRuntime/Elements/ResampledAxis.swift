import Tensors

/// How Resize maps one axis: for each output position the inputs it reads and their weights.
struct ResampledAxis: Sendable {
  enum Coordinates: String, CaseIterable, Sendable {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
    case asymmetric
    case cropAndResize = "tf_crop_and_resize"
  }
  enum Rounding: String, CaseIterable, Sendable {
    case preferFloor = "round_prefer_floor"
    case preferCeil = "round_prefer_ceil"
    case floor, ceil
  }
  enum Kernel: Sendable {
    case nearest(Rounding)
    case linear(antialias: Bool)
    case cubic(Double, antialias: Bool)
  }

  let size: Int
  let outputSize: Int
  let scale: Double
  let coordinates: Coordinates
  /// Start and end of the region of interest, as parts of the axis.
  let region: (start: Double, end: Double)

  /// Nothing to do along this axis.
  var isIdentity: Bool {
    size == outputSize && (scale - 1).magnitude < 1e-9
      && (coordinates != .cropAndResize || region == (0, 1))
  }

  /// The formulas of attribute `coordinate_transformation_mode` in the specification of Resize,
  /// in float32, as runtimes compute them: `nearest_mode` decides ties that depend on it.
  private func source(of position: Int) -> Double {
    let (x, scale, size) = (Float(position), Float(scale), Float(size))
    let length = scale * size
    switch coordinates {
    case .halfPixel: return Double((x + 0.5) / scale - 0.5)
    case .halfPixelSymmetric:
      let adjustment = Float(outputSize) / length
      return Double(size / 2 * (1 - adjustment) + ((x + 0.5) / scale - 0.5))
    case .pytorchHalfPixel: return length == 1 ? -0.5 : Double((x + 0.5) / scale - 0.5)
    case .alignCorners: return length == 1 ? 0 : Double(x * (size - 1) / (length - 1))
    case .asymmetric: return Double(x / scale)
    case .cropAndResize:
      let span = Float(region.end - region.start) * (size - 1)
      let offset = length == 1 ? span / 2 : x * span / (length - 1)
      return Double(Float(region.start) * (size - 1) + offset)
    }
  }

  struct Taps: Sendable {
    /// Inputs for each output.
    let width: Int
    /// Clamped into the axis.
    var indices: [Int] = []
    var weights: [Double] = []
    /// Outputs that lie outside the region and take the extrapolation value.
    var outside: [Bool] = []
  }

  /// An upper limit of the inputs for one output.
  var kernelBound: Int { Int(min(4 / min(scale, 1) + 4, 0x1p40)) }

  /// Nil where a coordinate is not finite.
  func taps(_ kernel: Kernel, excludeOutside: Bool) -> Taps? {
    let width = width(kernel)
    var taps = Taps(width: width)
    for position in 0..<outputSize {
      let x = source(of: position)
      guard x.magnitude < 0x1p52 else { return nil }
      taps.outside.append(coordinates == .cropAndResize && (x < 0 || x > Double(size - 1)))
      let low = Int(x.rounded(.down))
      if case .nearest(let rounding) = kernel {
        taps.indices.append(min(max(nearest(x, rounding), 0), size - 1))
        taps.weights.append(1)
        continue
      }
      // The pixel on the left of a whole coordinate counts as its lower neighbour.
      let whole = Double(low) == x
      let first = low - width / 2 + (whole ? 0 : 1)
      var weights = weights(kernel, whole ? 1 : x - Double(low), width)
      if excludeOutside {
        for index in weights.indices where first + index < 0 || first + index >= size {
          weights[index] = 0
        }
        let sum = weights.reduce(0, +)
        if sum != 0 { weights = weights.map { $0 / sum } }
      }
      taps.indices += (0..<width).map { min(max(first + $0, 0), size - 1) }
      taps.weights += weights
    }
    return taps
  }

  private func nearest(_ x: Double, _ rounding: Rounding) -> Int {
    switch rounding {
    case .preferFloor: Int((x - 0.5).rounded(.up))
    case .preferCeil: Int((x + 0.5).rounded(.down))
    case .floor: Int(x.rounded(.down))
    case .ceil: Int(x.rounded(.up))
    }
  }

  private func width(_ kernel: Kernel) -> Int {
    let shrink = min(scale, 1)
    switch kernel {
    case .nearest: return 1
    case .linear(let antialias): return antialias ? 2 * Int((1 / shrink).rounded(.up)) : 2
    case .cubic(_, let antialias): return antialias ? 2 * Int((2 / shrink).rounded(.up)) : 4
    }
  }

  private func weights(_ kernel: Kernel, _ ratio: Double, _ width: Int) -> [Double] {
    let antialias: Bool
    let function: (Double) -> Double
    switch kernel {
    case .nearest: return [1]
    case .linear(let smooth): (antialias, function) = (smooth, { max(0, 1 - $0) })
    case .cubic(let a, let smooth):
      (antialias, function) = (
        smooth,
        { x in
          if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
          return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
        }
      )
    }
    let shrink = antialias ? min(scale, 1) : 1
    let weights = (0..<width).map {
      function(((Double($0 + 1 - width / 2) - ratio) * shrink).magnitude)
    }
    guard antialias else { return weights }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }
}
