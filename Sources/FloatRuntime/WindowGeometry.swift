/// A sliding window over one to three axes, padded in front to three: depth, height, width.
package struct WindowGeometry: Sendable, Hashable {
  package struct Axis: Sendable, Hashable {
    package var input: Int
    package var output: Int
    package var kernel: Int
    package var stride: Int
    package var dilation: Int
    package var padBegin: Int
    package var padEnd: Int

    static let trivial = Axis(
      input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, padBegin: 0, padEnd: 0)

    /// Stride phases that the taps touch.
    var phases: Int { min(stride, (kernel - 1) * dilation + 1) }
    /// Positions of a phase that the taps touch.
    var extent: Int { output + (kernel - 1) * dilation / stride }
    /// Whether the phases are the input itself.
    var isPlain: Bool { stride == 1 && padBegin == 0 && extent == input }
  }

  let rank: Int
  package let axes: [Axis]

  init(rank: Int, axes: [Axis]) {
    self.rank = rank
    self.axes = Array(repeating: .trivial, count: 3 - axes.count) + axes
  }

  var output: [Int] { Array(axes.suffix(rank).map(\.output)) }
  var inputCount: Int { axes.reduce(1) { $0 * $1.input } }
  var outputCount: Int { axes.reduce(1) { $0 * $1.output } }
  var taps: Int { axes.reduce(1) { $0 * $1.kernel } }
  var phaseCount: Int { axes.reduce(1) { $0 * $1.phases * $1.extent } }
  var isPlain: Bool { axes.allSatisfy(\.isPlain) }
  var rowPitch: Int { axes[2].extent }
  var planePitch: Int { axes[1].extent * axes[2].extent }

  /// Where each tap starts in the phases of a channel, row-major over the kernel.
  var tapOffsets: [Int] {
    var offsets: [Int] = []
    let area = planePitch
    let volume = axes[0].extent * area
    for d in 0..<axes[0].kernel {
      for h in 0..<axes[1].kernel {
        for w in 0..<axes[2].kernel {
          let steps = zip([d, h, w], axes).map { $0 * $1.dilation }
          let phase = zip(steps, axes).reduce(0) { $0 * $1.1.phases + $1.0 % $1.1.stride }
          let shift = zip(steps, axes).map { $0 / $1.stride }
          offsets.append(phase * volume + shift[0] * area + shift[1] * rowPitch + shift[2])
        }
      }
    }
    return offsets
  }
}
