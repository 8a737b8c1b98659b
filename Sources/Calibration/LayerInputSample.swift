import Parallelism
import Tensors

/// A bounded random sample of the columns that a layer's weight multiplies, taken evenly from the
/// positions of every calibration sample: enough for the layer's second moments, in memory that
/// does not grow with samples or image size.
public struct LayerInputSample: Sendable {
  public let layer: ObservedLayer
  /// Columns taken so far.
  public private(set) var count = 0
  /// Length of a column over all groups; 0 before the first.
  public private(set) var length = 0
  /// `[count, length]`, the columns of the groups one after another.
  private(set) var values: [Float] = []
  private let columnsPerSample: Int
  private let expectedSamples: Int
  private let seed: Int

  init(layer: ObservedLayer, columnsPerSample: Int, expectedSamples: Int, seed: Int = 0) {
    self.layer = layer
    self.columnsPerSample = max(1, columnsPerSample)
    self.expectedSamples = max(1, expectedSamples)
    self.seed = seed
  }

  /// Takes columns from the input of one calibration sample.
  mutating func take(
    from tensor: Tensor, sample: Int, pool: WorkerPool
  ) throws(CalibrationError) {
    // Low-discrepancy offsets: samples look at different positions.
    let offset = ((Double(sample) + Double(seed % 65_536)) * 0.618_033_988_749_895)
      .truncatingRemainder(dividingBy: 1)
    switch layer.columns {
    case .innermost:
      guard let width = tensor.shape.last else {
        throw .layerInput(layer: layer.name, problem: "its input is a scalar")
      }
      try begin(length: width)
      let total = width == 0 ? 0 : tensor.count / width
      let picks = positions(of: total, offset: offset)
      tensor.withElements(of: Float.self) { source in
        for pick in picks { values.append(contentsOf: source[pick * width..<(pick + 1) * width]) }
      }
      count += picks.count
    case .window(let window):
      guard tensor.rank >= 3, let output = window.output(of: Array(tensor.shape[2...])) else {
        throw .layerInput(
          layer: layer.name, problem: "its window does not fit an input of shape \(tensor.shape)")
      }
      let taps = Tensor.count(of: window.kernel)
      try begin(length: tensor.shape[1] * taps)
      let plane = Tensor.count(of: output.map(\.size))
      let picks = positions(of: tensor.shape[0] * plane, offset: offset)
      let reader = WindowReader(window: window, output: output, shape: tensor.shape)
      let start = values.count
      values.append(contentsOf: repeatElement(0, count: picks.count * length))
      let length = length
      tensor.withElements(of: Float.self) { source in
        values.withUnsafeMutableBufferPointer { target in
          nonisolated(unsafe) let (source, target) = (source, target)
          pool.forEach(picks.count) { index in
            reader.read(
              source, position: picks[index],
              into: UnsafeMutableBufferPointer(
                rebasing: target[start + index * length..<start + (index + 1) * length]))
          }
        }
      }
      count += picks.count
    }
  }

  private mutating func begin(length: Int) throws(CalibrationError) {
    guard count == 0 || self.length == length else {
      throw .layerInput(
        layer: layer.name, problem: "its input has \(length) values a column, before \(self.length)"
      )
    }
    self.length = length
    if count == 0 { values.reserveCapacity(length * columnsPerSample * expectedSamples) }
  }

  private func positions(of total: Int, offset: Double) -> [Int] {
    let wanted = min(total, columnsPerSample)
    return (0..<wanted).map { index in
      min(total - 1, Int((Double(index) + offset) * Double(total) / Double(wanted)))
    }
  }

  /// Mean square of every entry of a column, by group.
  public var meanSquares: [[Float]] { moments { $0 * $0 } }

  /// Mean of every entry of a column, by group.
  public var means: [[Float]] { moments { $0 } }

  private func moments(_ term: (Float) -> Float) -> [[Float]] {
    var sums = Array(repeating: Float(0), count: length)
    values.withUnsafeBufferPointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for column in 0..<count {
          for entry in 0..<length { sums[entry] += term(values[column * length + entry]) }
        }
      }
    }
    let scale = 1 / Float(max(count, 1))
    let size = length / layer.group
    return (0..<layer.group).map { group in
      sums[group * size..<(group + 1) * size].map { $0 * scale }
    }
  }
}

/// Copies the input under one window position; zeros where it lies in the padding.
private struct WindowReader: Sendable {
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
    into column: UnsafeMutableBufferPointer<Float>
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
