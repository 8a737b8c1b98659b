@testable import FloatRuntime

/// Convolution as its definition says, in double precision.
struct ReferenceConvolution {
  let window: WindowGeometry
  let groups: Int
  let inputChannels: Int
  let rows: Int

  func callAsFunction(_ input: [Float], weights: [Float], bias: [Float]?) -> [Double] {
    let axes = window.axes
    var result: [Double] = []
    for group in 0..<groups {
      for row in 0..<rows {
        let channel = group * rows + row
        for d in 0..<axes[0].output {
          for h in 0..<axes[1].output {
            for w in 0..<axes[2].output {
              var sum = Double(bias?[channel] ?? 0)
              for c in 0..<inputChannels {
                for tap in 0..<window.taps {
                  let taps = [
                    tap / axes[2].kernel / axes[1].kernel, tap / axes[2].kernel % axes[1].kernel,
                    tap % axes[2].kernel,
                  ]
                  let place = (0..<3).map { axis in
                    [d, h, w][axis] * axes[axis].stride - axes[axis].padBegin
                      + taps[axis] * axes[axis].dilation
                  }
                  guard (0..<3).allSatisfy({ place[$0] >= 0 && place[$0] < axes[$0].input }) else {
                    continue
                  }
                  let x =
                    ((group * inputChannels + c) * axes[0].input + place[0]) * axes[1].input
                    + place[1]
                  sum +=
                    Double(input[x * axes[2].input + place[2]])
                    * Double(weights[(channel * inputChannels + c) * window.taps + tap])
                }
              }
              result.append(sum)
            }
          }
        }
      }
    }
    return result
  }
}

/// Small integers, so that float sums are exact and results can be compared with ==.
struct IntegerNoise {
  private var state: UInt32

  init(seed: Int) { state = UInt32(truncatingIfNeeded: seed &* 2_654_435_761 &+ 12345) }

  mutating func next(in range: ClosedRange<Int>) -> Int {
    state = state &* 1_664_525 &+ 1_013_904_223
    return range.lowerBound + Int(state >> 8) % range.count
  }

  mutating func floats(_ count: Int, in range: ClosedRange<Int> = -9...9) -> [Float] {
    (0..<count).map { _ in Float(next(in: range)) }
  }
}
