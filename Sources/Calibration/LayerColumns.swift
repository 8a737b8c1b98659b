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

  /// The outputs of the layer, of `shape`: one column for each position, an entry for each channel.
  public init(outputsOf layer: ObservedLayer, of shape: [Int]) {
    guard layer.readsWindows, shape.count >= 3 else {
      length = shape.last ?? 0
      count = length == 0 ? 0 : Tensor.count(of: shape) / length
      window = nil
      return
    }
    length = shape[1]
    count = shape[0] * Tensor.count(of: Array(shape[2...]))
    let ones = Array(repeating: 1, count: shape.count - 2)
    let zeros = Array(repeating: 0, count: shape.count - 2)
    window = WindowReader(
      window: .init(
        kernel: ones, strides: ones, dilations: ones, padding: .explicit(begin: zeros, end: zeros)),
      output: shape[2...].map { (size: $0, begin: 0) }, shape: shape)
  }

  /// At most `wanted` positions, evenly spread, the first one `offset` of a stride in.
  public func positions(wanted: Int, offset: Double) -> [Int] {
    let taken = min(count, wanted)
    return (0..<taken).map { index in
      min(count - 1, Int((Double(index) + offset) * Double(count) / Double(taken)))
    }
  }

  /// Columns that a task reads: neighbours share cache lines of every channel.
  private static let block = 16

  /// Writes the columns at `positions` one after another.
  public func read(
    _ tensor: Tensor, at positions: [Int], into target: UnsafeMutablePointer<Float>,
    pool: WorkerPool
  ) {
    tensor.withElements(of: Float.self) { source in
      nonisolated(unsafe) let (source, target) = (source, target)
      pool.forEach((positions.count + Self.block - 1) / Self.block) { task in
        let first = task * Self.block
        let block = positions[first..<min(first + Self.block, positions.count)]
        let columns = target + first * length
        if let window {
          window.read(source, at: block, into: columns)
        } else {
          for (index, position) in block.enumerated() {
            let (from, to) = (position * length, columns + index * length)
            for entry in 0..<length { to[entry] = source[from + entry] }
          }
        }
      }
    }
  }
}

/// Copies the input under windows; zeros where they lie in the padding.
struct WindowReader: Sendable {
  private let window: ObservedLayer.Window
  private let output: [(size: Int, begin: Int)]
  private let channels: Int
  /// Sizes of a channel.
  private let sizes: [Int]
  private let plane: Int
  /// Offset of every tap within the kernel, by axis.
  private let taps: [[Int]]

  init(window: ObservedLayer.Window, output: [(size: Int, begin: Int)], shape: [Int]) {
    self.window = window
    self.output = output
    channels = shape[1]
    sizes = Array(shape[2...])
    plane = Tensor.count(of: sizes)
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
    _ source: UnsafeBufferPointer<Float>, at positions: ArraySlice<Int>,
    into columns: UnsafeMutablePointer<Float>
  ) {
    var origin = window.kernel
    var column = columns
    for position in positions {
      var rest = position
      for axis in window.kernel.indices.reversed() {
        origin[axis] = rest % output[axis].size * window.strides[axis] - output[axis].begin
        rest /= output[axis].size
      }
      let first = rest * channels * plane
      for (tap, offsets) in taps.enumerated() {
        let place = place(of: offsets, from: origin)
        var to = tap
        var from = first + (place ?? 0)
        for _ in 0..<channels {
          column[to] = place == nil ? 0 : source[from]
          from &+= plane
          to &+= taps.count
        }
      }
      column += channels * taps.count
    }
  }

  /// Where a tap's element of a channel lies; nil in the padding.
  private func place(of offsets: [Int], from origin: [Int]) -> Int? {
    var place = 0
    for axis in offsets.indices {
      let coordinate = origin[axis] + offsets[axis]
      guard coordinate >= 0, coordinate < sizes[axis] else { return nil }
      place = place * sizes[axis] + coordinate
    }
    return place
  }
}
