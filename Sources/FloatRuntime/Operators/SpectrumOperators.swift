import GraphIR
import Parallelism
import Tensors

/// DFT, STFT and MelWeightMatrix. Signals are [..., length, 1 or 2]: real, or real and imaginary.
enum SpectrumOperators {
  static let definitions: [OperatorDefinition] = [dft, stft, mel]

  /// Bounds what a file can make us allocate.
  private static let longest = 1 << 28

  private static let dft = OperatorDefinition.tensors("DFT") { node in
    let inverse = try node.flag("inverse", default: false)
    let oneSided = try node.flag("onesided", default: false)
    return { inputs, context in
      let x = try inputs.tensor(0)
      let wide = try inputs.converted(inputs.widenedFloat(x), to: .float64)
      guard x.rank >= 2, let parts = x.shape.last, parts == 1 || parts == 2 else {
        throw inputs.failure("takes [..., length, 1 or 2], not \(x.shape)")
      }
      let axis = try inputs.axis(inputs.integer(2) ?? -2, rank: x.rank)
      guard axis < x.rank - 1 else { throw inputs.failure("axis \(axis) holds complex parts") }
      let halved = inverse && oneSided
      let size = x.shape[axis]
      let length = try inputs.integer(1) ?? (halved ? 2 * (size - 1) : size)
      guard length > 0, length <= longest else {
        throw inputs.failure("the length \(length) is not in 1...\(longest)")
      }
      let transform = FourierTransform(length: length, inverse: inverse)
      let bins = oneSided && !inverse ? length / 2 + 1 : length
      // Axis to transform and complex parts last.
      let others = x.shape.indices.dropLast().filter { $0 != axis }
      let order = others + [axis, x.rank - 1]
      var back = order
      for (position, from) in order.enumerated() { back[from] = position }
      let rows = Tensor.count(of: others.map { x.shape[$0] })
      let source = wide.permuted(order).elements(of: Double.self)
      let width = halved ? 1 : 2
      try inputs.checkedCount([rows, bins, width], .float64)
      var result: [Double] = []
      result.reserveCapacity(rows * bins * width)
      for row in 0..<rows {
        var signal = Signal(
          source[row * size * parts..<(row + 1) * size * parts], parts: parts, length: length)
        if halved { signal.mirror(from: size) }
        let spectrum = transform(signal, bins: bins)
        for bin in 0..<bins {
          result.append(spectrum.real[bin])
          if !halved { result.append(spectrum.imaginary[bin]) }
        }
      }
      let shape = others.map { x.shape[$0] } + [bins, width]
      return [Tensor(result, shape: shape).permuted(back).narrowed(to: x.elementType)]
    }
  }

  private static let stft = OperatorDefinition.tensors("STFT") { node in
    let oneSided = try node.flag("onesided", default: true)
    return { inputs, context in
      let x = try inputs.tensor(0)
      guard x.rank == 2 || x.rank == 3, x.rank == 2 || x.shape[2] == 1 || x.shape[2] == 2 else {
        throw inputs.failure("takes [batch, length, 1 or 2], not \(x.shape)")
      }
      let parts = x.rank == 3 ? x.shape[2] : 1
      let size = x.shape[1]
      let window = try inputs.optionalTensor(2).map {
        try inputs.converted($0, to: .float64).elements(of: Double.self)
      }
      guard let step = try inputs.integer(1), step > 0 else {
        throw inputs.failure("frame_step must be positive")
      }
      let length = try inputs.integer(3) ?? window?.count ?? size
      guard length > 0, length <= size, window == nil || window?.count == length else {
        throw inputs.failure("frames of \(length) do not fit the window or the signal of \(size)")
      }
      let frames = 1 + (size - length) / step
      let bins = oneSided ? length / 2 + 1 : length
      let transform = FourierTransform(length: length, inverse: false)
      let source = try inputs.converted(x, to: .float64).elements(of: Double.self)
      try inputs.checkedCount([x.shape[0], frames, bins, 2], .float64)
      var result: [Double] = []
      result.reserveCapacity(x.shape[0] * frames * bins * 2)
      for sample in 0..<x.shape[0] {
        for frame in 0..<frames {
          let first = (sample * size + frame * step) * parts
          var signal = Signal(source[first..<first + length * parts], parts: parts, length: length)
          if let window { signal.multiply(by: window) }
          let spectrum = transform(signal, bins: bins)
          for bin in 0..<bins {
            result += [spectrum.real[bin], spectrum.imaginary[bin]]
          }
        }
      }
      return [
        Tensor(result, shape: [x.shape[0], frames, bins, 2]).narrowed(to: x.elementType)
      ]
    }
  }

  /// Triangular filters, equally spaced on the mel scale; the steps of the specification.
  private static let mel = OperatorDefinition.tensors("MelWeightMatrix") { node in
    let type = try node.elementType("output_datatype") ?? .float32
    return { inputs, _ in
      guard let filters = try inputs.integer(0), let length = try inputs.integer(1),
        let rate = try inputs.integer(2), let low = try inputs.number(3),
        let high = try inputs.number(4), filters > 0, length > 0, rate > 0, low >= 0, high >= low,
        high.isFinite, filters <= longest, length <= longest
      else {
        throw inputs.failure("sizes and rate must be positive, the edges ordered")
      }
      let bins = length / 2 + 1
      try inputs.checkedCount([bins, filters], .float64)
      func melody(_ hertz: Double) -> Double { 2595 * .log1p(hertz / 700) / .log(10) }
      let (first, last) = (melody(low), melody(high))
      let step = (last - first) / Double(filters + 2)
      let points = (0..<filters + 2).map { index -> Double in
        let hertz = 700 * Double.expm1((Double(index) * step + first) / 2595 * .log(10))
        return (Double(length + 1) * hertz / Double(rate)).rounded(.down)
      }
      let edges = points.filter { $0 >= 0 && $0 < Double(bins) }.map { Int($0) }
      guard edges.count == points.count else {
        throw inputs.failure("the upper edge \(high) lies above half the sample rate \(rate)")
      }
      var weights = Array(repeating: 0.0, count: bins * filters)
      for filter in 0..<filters {
        let (left, center, right) = (edges[filter], edges[filter + 1], edges[filter + 2])
        if center == left { weights[center * filters + filter] = 1 }
        for bin in left..<center {
          weights[bin * filters + filter] = Double(bin - left) / Double(center - left)
        }
        for bin in center..<right {
          weights[bin * filters + filter] = Double(right - bin) / Double(right - center)
        }
        if right == center, center > left { weights[center * filters + filter] = 1 }
      }
      return [try inputs.converted(Tensor(weights, shape: [bins, filters]), to: type)]
    }
  }
}

/// A complex signal of a given length: cut, or padded with zeros.
struct Signal {
  var real: [Double]
  var imaginary: [Double]

  init(_ elements: ArraySlice<Double>, parts: Int, length: Int) {
    let count = min(elements.count / parts, length)
    let zeros = Array(repeating: 0.0, count: length - count)
    let start = elements.startIndex
    real = (0..<count).map { elements[start + $0 * parts] } + zeros
    imaginary = (0..<count).map { parts == 2 ? elements[start + $0 * parts + 1] : 0 } + zeros
  }

  mutating func multiply(by window: [Double]) {
    for index in real.indices {
      real[index] *= window[index]
      imaginary[index] *= window[index]
    }
  }

  /// Completes the spectrum of a real signal of which `known` bins were given.
  mutating func mirror(from known: Int) {
    let length = real.count
    for index in 0..<length where index > length / 2 || index >= known {
      let source = (length - index) % length
      guard source < known else { continue }
      real[index] = real[source]
      imaginary[index] = -imaginary[source]
    }
  }
}

/// The discrete Fourier transform of one length, by definition and with a table of roots of unity;
/// lengths with factors of two are split first.
struct FourierTransform {
  let length: Int
  let inverse: Bool
  private let cosines: [Double]
  private let sines: [Double]

  init(length: Int, inverse: Bool) {
    self.length = length
    self.inverse = inverse
    let angle = (inverse ? 2 : -2) * Double.pi / Double(length)
    cosines = (0..<length).map { .cos(angle * Double($0)) }
    sines = (0..<length).map { .sin(angle * Double($0)) }
  }

  /// The first `bins` values; the inverse divides by the length.
  func callAsFunction(_ signal: Signal, bins: Int) -> (real: [Double], imaginary: [Double]) {
    var (real, imaginary) = transform(signal.real, signal.imaginary, step: 1)
    if inverse {
      real = real.map { $0 / Double(length) }
      imaginary = imaginary.map { $0 / Double(length) }
    }
    return (Array(real[..<bins]), Array(imaginary[..<bins]))
  }

  /// `step` is `length / real.count`: every `step`-th root is a root of this size.
  private func transform(_ real: [Double], _ imaginary: [Double], step: Int) -> (
    [Double], [Double]
  ) {
    let count = real.count
    var sums = (Array(repeating: 0.0, count: count), Array(repeating: 0.0, count: count))
    if count % 2 == 0 {
      func half(_ values: [Double], _ offset: Int) -> [Double] {
        stride(from: offset, to: count, by: 2).map { values[$0] }
      }
      let even = transform(half(real, 0), half(imaginary, 0), step: step * 2)
      let odd = transform(half(real, 1), half(imaginary, 1), step: step * 2)
      for bin in 0..<count {
        let (c, s, k) = (cosines[bin * step], sines[bin * step], bin % (count / 2))
        sums.0[bin] = even.0[k] + c * odd.0[k] - s * odd.1[k]
        sums.1[bin] = even.1[k] + c * odd.1[k] + s * odd.0[k]
      }
      return sums
    }
    for bin in 0..<count {
      for index in 0..<count {
        let root = bin * index % count * step
        let (c, s) = (cosines[root], sines[root])
        sums.0[bin] += real[index] * c - imaginary[index] * s
        sums.1[bin] += real[index] * s + imaginary[index] * c
      }
    }
    return sums
  }
}
