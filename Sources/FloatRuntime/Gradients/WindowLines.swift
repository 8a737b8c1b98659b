/// The runs of window positions along the innermost axis whose tap lies inside the input.
struct WindowLines: Sendable {
  struct Line: Sendable {
    var tap: Int
    /// The first position, in an output plane.
    var output: Int
    /// What its tap reads, in an input plane; the next is `step` further.
    var input: Int
    var count: Int
  }

  /// By tap, then by position.
  let lines: [Line]
  let step: Int

  init(_ window: WindowGeometry) {
    let (depth, height, width) = (window.axes[0], window.axes[1], window.axes[2])
    step = width.stride
    var lines: [Line] = []
    var tap = 0
    for d in 0..<depth.kernel {
      for h in 0..<height.kernel {
        for w in 0..<width.kernel {
          let shift = w * width.dilation - width.padBegin
          let first = shift >= 0 ? 0 : (width.stride - 1 - shift) / width.stride
          let room = width.input - 1 - shift
          let last = room < 0 ? 0 : min(width.output, room / width.stride + 1)
          if first < last {
            for z in 0..<depth.output {
              let front = z * depth.stride - depth.padBegin + d * depth.dilation
              guard front >= 0, front < depth.input else { continue }
              for y in 0..<height.output {
                let top = y * height.stride - height.padBegin + h * height.dilation
                guard top >= 0, top < height.input else { continue }
                lines.append(
                  Line(
                    tap: tap, output: (z * height.output + y) * width.output + first,
                    input: (front * height.input + top) * width.input + first * width.stride
                      + shift,
                    count: last - first))
              }
            }
          }
          tap += 1
        }
      }
    }
    self.lines = lines
  }

  /// `plane[tap's input] += columns[tap, position]`: the transpose of reading windows.
  func scatter(
    _ columns: UnsafePointer<Float>, positions: Int, into plane: UnsafeMutablePointer<Float>
  ) {
    for line in lines {
      add(columns + line.tap * positions + line.output, 1, to: plane + line.input, line.count)
    }
  }

  /// `columns[tap, position]` of a plane, zero in the padding.
  func gather(
    _ plane: UnsafePointer<Float>, taps: Int, positions: Int,
    into columns: UnsafeMutablePointer<Float>
  ) {
    columns.update(repeating: 0, count: taps * positions)
    for line in lines {
      let (from, to) = (plane + line.input, columns + line.tap * positions + line.output)
      if step == 1 {
        to.update(from: from, count: line.count)
      } else {
        for index in 0..<line.count { to[index] = from[index * step] }
      }
    }
  }

  /// `plane[tap's input] += weights[tap] * values[position]`.
  func scatter(
    _ values: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    into plane: UnsafeMutablePointer<Float>
  ) {
    for line in lines {
      add(values + line.output, weights[line.tap], to: plane + line.input, line.count)
    }
  }

  /// `products[tap] += sum over positions of values[position] * plane[tap's input]`.
  func correlate(
    _ values: UnsafePointer<Float>, _ plane: UnsafePointer<Float>,
    into products: UnsafeMutablePointer<Float>
  ) {
    for line in lines {
      let (a, b) = (values + line.output, plane + line.input)
      var sum: Float = 0
      var index = 0
      if step == 1 {
        var sums = SIMD8<Float>.zero
        while index + 8 <= line.count {
          let x = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Float>.self)
          let y = UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Float>.self)
          sums += x * y
          index += 8
        }
        sum = sums.sum()
      }
      while index < line.count {
        sum += a[index] * b[index * step]
        index += 1
      }
      products[line.tap] += sum
    }
  }

  private func add(
    _ values: UnsafePointer<Float>, _ weight: Float, to plane: UnsafeMutablePointer<Float>,
    _ count: Int
  ) {
    if step == 1 {
      for index in 0..<count { plane[index] += weight * values[index] }
    } else {
      for index in 0..<count { plane[index * step] += weight * values[index] }
    }
  }
}
