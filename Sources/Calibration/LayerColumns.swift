public import Parallelism
public import Tensors

/// The columns that a layer's weight multiplies, read off its input at chosen positions: windows
/// for `Conv` (channels of all groups one after another), rows of the innermost axis otherwise.
public struct LayerColumns: Sendable {
  /// Length of a column over all groups.
  public let length: Int
  /// How many positions the input has: one for each vector of outputs.
  public let count: Int
  private let window: WindowReader?

  /// Throws where an input of `shape` does not fit the layer.
  public init(_ layer: ObservedLayer, of shape: [Int]) throws(CalibrationError) {
    switch layer.columns {
    case .innermost:
      guard let width = shape.last else {
        throw .layerInput(layer: layer.name, problem: "its input is a scalar")
      }
      length = width
      count = width == 0 ? 0 : Tensor.count(of: shape) / width
      window = nil
    case .window(let geometry):
      guard shape.count >= 3, let output = geometry.output(of: Array(shape[2...])) else {
        throw .layerInput(
          layer: layer.name, problem: "its window does not fit an input of shape \(shape)")
      }
      length = shape[1] * Tensor.count(of: geometry.kernel)
      count = shape[0] * Tensor.count(of: output.map(\.size))
      window = WindowReader(window: geometry, output: output, shape: shape)
    }
  }

  /// At most `wanted` positions, evenly spread, the first one `offset` of a stride in.
  public func positions(wanted: Int, offset: Double) -> [Int] {
    let taken = min(count, wanted)
    return (0..<taken).map { index in
      min(count - 1, Int((Double(index) + offset) * Double(count) / Double(taken)))
    }
  }

  /// Writes the columns at `positions` one after another into zeroed memory.
  public func read(
    _ tensor: Tensor, at positions: [Int], into target: UnsafeMutablePointer<Float>,
    pool: WorkerPool
  ) {
    tensor.withElements(of: Float.self) { source in
      nonisolated(unsafe) let (source, target) = (source, target)
      pool.forEach(positions.count) { index in
        let column = target + index * length
        guard let window else {
          let first = positions[index] * length
          for entry in 0..<length { column[entry] = source[first + entry] }
          return
        }
        window.read(source, position: positions[index], into: column)
      }
    }
  }
}

/// Copies the input under one window position; zeros where it lies in the padding.
struct WindowReader: Sendable {
  let window: ObservedLayer.Window
  let output: [(size: Int, begin: Int)]
  let shape: [Int]
  /// Offset of every tap within the kernel, by axis.
  private let taps: [[Int]]

  init(window: ObservedLayer.Window, output: [(size: Int, begin: Int)], shape: [Int]) {
    self.window = window
    self.output = output
    self.shape = shape
    taps = (0..<Tensor.count(of: window.kernel)).map { index in
      var index = index
      var coordinates = window.kernel
      for axis in window.kernel.indices.reversed() {
        coordinates[axis] = index % window.kernel[axis] * window.dilations[axis]
        index /= window.kernel[axis]
      }
      return coordinates
    }
  }

  func read(
    _ source: UnsafeBufferPointer<Float>, position: Int,
    into column: UnsafeMutablePointer<Float>
  ) {
    var rest = position
    var origin = window.kernel
    for axis in window.kernel.indices.reversed() {
      origin[axis] = rest % output[axis].size * window.strides[axis] - output[axis].begin
      rest /= output[axis].size
    }
    let plane = Tensor.count(of: Array(shape[2...]))
    let channels = shape[1]
    let first = rest * channels * plane
    for (tap, offsets) in taps.enumerated() {
      var address = 0
      var isInside = true
      for axis in offsets.indices {
        let coordinate = origin[axis] + offsets[axis]
        if coordinate < 0 || coordinate >= shape[axis + 2] { isInside = false }
        address = address * shape[axis + 2] + coordinate
      }
      guard isInside else { continue }
      var from = first + address
      var to = tap
      for _ in 0..<channels {
        column[to] = source[from]
        from += plane
        to += taps.count
      }
    }
  }
}
