import GraphIR
import Tensors

/// AffineGrid and GridSample.
enum GridOperators {
  static let definitions: [OperatorDefinition] = [affineGrid, gridSample]

  private static let affineGrid = OperatorDefinition.tensors("AffineGrid") { node in
    let alignCorners = try node.flag("align_corners", default: false)
    return { inputs, _ in
      let theta = try inputs.tensor(0)
      guard let size = try inputs.integers(1), size.count == 4 || size.count == 5 else {
        throw inputs.failure("the size must name 4 or 5 dimensions")
      }
      let spatial = Array(size[2...])
      let rank = spatial.count
      guard theta.shape == [size[0], rank, rank + 1] else {
        throw inputs.failure("theta of shape \(theta.shape) does not fit size \(size)")
      }
      let shape = [size[0]] + spatial + [rank]
      let count = try inputs.checkedCount(shape, .float64)
      let matrix = try inputs.converted(inputs.widenedFloat(theta), to: .float64)
        .elements(of: Double.self)
      let steps = Tensor.steps(of: spatial)
      let points = Tensor.count(of: spatial)
      var result: [Double] = []
      result.reserveCapacity(count)
      for batch in 0..<size[0] {
        for point in 0..<points {
          // Coordinates from the innermost axis outwards: x, y, z, then 1.
          let position = spatial.indices.reversed().map { axis -> Double in
            let (length, index) = (spatial[axis], point / steps[axis] % spatial[axis])
            if alignCorners {
              return length == 1 ? 0 : 2 * Double(index) / Double(length - 1) - 1
            }
            return (2 * Double(index) + 1) / Double(length) - 1
          }
          for row in 0..<rank {
            let first = (batch * rank + row) * (rank + 1)
            result.append(
              position.indices.reduce(matrix[first + rank]) {
                $0 + matrix[first + $1] * position[$1]
              })
          }
        }
      }
      return [Tensor(result, shape: shape).narrowed(to: theta.elementType)]
    }
  }

  private enum Mode: String, CaseIterable { case linear, nearest, cubic, bilinear, bicubic }
  private enum Padding: String, CaseIterable { case zeros, border, reflection }

  /// How a coordinate reads one axis.
  private struct AxisSampler {
    let mode: Mode
    let padding: Padding
    let alignCorners: Bool

    /// Indices (nil for the zeros around the input) and weights.
    func taps(_ coordinate: Float, size: Int) -> [(index: Int?, weight: Float)] {
      var x =
        alignCorners
        ? (coordinate + 1) / 2 * Float(size - 1) : ((coordinate + 1) * Float(size) - 1) / 2
      // Beyond any axis; keeps the conversion to an integer defined.
      if !(x.magnitude < 0x1p30) { x = x > 0 ? 0x1p30 : -0x1p30 }
      if mode == .nearest { x.round(.toNearestOrEven) }
      let low: Float = alignCorners ? 0 : -0.5
      let high = Float(size) - (alignCorners ? 1 : 0.5)
      if x < low || x > high {
        switch padding {
        case .zeros: break
        // As in PyTorch, the cubic kernel is not moved: only its pixels are clamped.
        case .border where mode == .cubic || mode == .bicubic: break
        case .border: x = min(max(x, 0), Float(size - 1))
        case .reflection: x = reflect(x, low, high)
        }
      }
      let base = Int(x.rounded(.down))
      let part = x - Float(base)
      switch mode {
      case .nearest: return [(pixel(Int(x), size), 1)]
      case .linear, .bilinear:
        return [(pixel(base, size), 1 - part), (pixel(base + 1, size), part)]
      case .cubic, .bicubic:
        return (-1...2).map { offset in
          (pixel(base + offset, size), cubic((Float(offset) - part).magnitude))
        }
      }
    }

    private func cubic(_ x: Float) -> Float {
      let a: Float = -0.75
      return x <= 1
        ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    }

    private func pixel(_ index: Int, _ size: Int) -> Int? {
      if index >= 0, index < size { return index }
      switch padding {
      case .zeros: return nil
      case .border: return min(max(index, 0), size - 1)
      case .reflection:
        let low: Float = alignCorners ? 0 : -0.5
        let high = Float(size) - (alignCorners ? 1 : 0.5)
        return min(max(Int(reflect(Float(index), low, high)), 0), size - 1)
      }
    }

    private func reflect(_ x: Float, _ low: Float, _ high: Float) -> Float {
      let range = high - low
      guard range > 0 else { return low }
      let distance = x < low ? low - x : x - high
      guard distance > 0 else { return x }
      let turns = (distance / range).rounded(.towardZero)
      let rest = distance - turns * range
      let even = turns.truncatingRemainder(dividingBy: 2) == 0
      return (x < low) == even ? low + rest : high - rest
    }
  }

  private static let gridSample = OperatorDefinition.tensors("GridSample") { node in
    let sampler = AxisSampler(
      mode: try node.choice("mode", default: .linear),
      padding: try node.choice("padding_mode", default: .zeros),
      alignCorners: try node.flag("align_corners", default: false))
    return { inputs, context in
      let (x, grid) = (try inputs.tensor(0), try inputs.tensor(1))
      let rank = x.rank - 2
      guard rank > 0, grid.rank == x.rank, grid.shape[0] == x.shape[0],
        grid.shape[grid.rank - 1] == rank, !x.shape[2...].contains(0)
      else { throw inputs.failure("grid \(grid.shape) does not fit input \(x.shape)") }
      let shape = [x.shape[0], x.shape[1]] + Array(grid.shape[1..<grid.rank - 1])
      try inputs.checkedCount(shape, .float32)
      let spatial = Array(x.shape[2...])
      let steps = Tensor.steps(of: spatial)
      let (area, channels) = (Tensor.count(of: spatial), x.shape[1])
      let points = Tensor.count(of: Array(shape[2...]))
      let places = try inputs.converted(inputs.widenedFloat(grid), to: .float32)
        .elements(of: Float.self)
      let data = try inputs.converted(x, to: .float32)
      let result = data.withElements(of: Float.self) { source in
        Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
          nonisolated(unsafe) let (source, out) = (source, out)
          context.pool.forEach(shape[0] * points) { index in
            // The grid names the innermost axis first.
            var taps: [(offset: Int, weight: Float)] = [(0, 1)]
            for axis in 0..<rank {
              let coordinate = places[index * rank + rank - 1 - axis]
              let own = sampler.taps(coordinate, size: spatial[axis])
              taps = taps.flatMap { tap in
                own.compactMap { item in
                  item.index.map { (tap.offset + $0 * steps[axis], tap.weight * item.weight) }
                }
              }
            }
            let (batch, point) = (index / points, index % points)
            for channel in 0..<channels {
              let plane = (batch * channels + channel) * area
              out[(batch * channels + channel) * points + point] = taps.reduce(0) {
                $0 + source[plane + $1.offset] * $1.weight
              }
            }
          }
        }
      }
      return [result.narrowed(to: x.elementType)]
    }
  }
}
