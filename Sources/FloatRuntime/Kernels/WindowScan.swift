/// Visits the windows of a plane one by one; for what has no vector kernel.
struct WindowScan: Sendable {
  private let window: WindowGeometry

  init(_ window: WindowGeometry) { self.window = window }

  /// Calls `body` with each output position and the input positions under its window, both
  /// row-major within a plane; padding is left out.
  func forEach(_ body: (_ output: Int, _ taps: [Int]) -> Void) {
    let axes = window.axes
    let lists = axes.map { axis in
      (0..<axis.output).map { output in
        (0..<axis.kernel).compactMap { tap -> Int? in
          let place = output * axis.stride - axis.padBegin + tap * axis.dilation
          return place >= 0 && place < axis.input ? place : nil
        }
      }
    }
    var position = 0
    var taps: [Int] = []
    for depths in lists[0] {
      for heights in lists[1] {
        for widths in lists[2] {
          taps.removeAll(keepingCapacity: true)
          for d in depths {
            for h in heights {
              for w in widths { taps.append((d * axes[1].input + h) * axes[2].input + w) }
            }
          }
          body(position, taps)
          position += 1
        }
      }
    }
  }
}
