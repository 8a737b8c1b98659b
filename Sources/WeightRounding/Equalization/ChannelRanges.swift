import Foundation
import Tensors

/// What an activation of 8 bits with one step for all channels costs the layers that read it.
struct ChannelRanges {
  private var low: [Float]
  private var high: [Float]
  /// Sum of the squares of the weights that read each channel.
  private let power: [Double]

  /// `inputs`: the pair's value in every sample.
  init(_ inputs: [Tensor], of pair: EqualizationPair) {
    var low = [Float](repeating: .infinity, count: pair.channels)
    var high = [Float](repeating: -.infinity, count: pair.channels)
    for tensor in inputs {
      pair.forEachChannel(of: tensor) { channel, value in
        low[channel] = min(low[channel], value)
        high[channel] = max(high[channel], value)
      }
    }
    var power = [Double](repeating: 0, count: pair.channels)
    for layer in pair.consumers {
      layer.forEachWeight(channels: pair.channels) { _, channel, weight in
        power[channel] += Double(weight) * Double(weight)
      }
    }
    (self.low, self.high, self.power) = (low, high, power)
  }

  /// Noise at the outputs once channels are divided by the factors and weights multiplied: a step's
  /// variance, `step^2 / 12`, through every weight.
  func cost(_ factors: [Float]) -> Double {
    let step = Double(span(factors)) / 255
    return step * step / 12
      * zip(power, factors).reduce(0) { $0 + $1.0 * Double($1.1) * Double($1.1) }
  }

  /// From the lowest to the highest value, zero within.
  private func span(_ factors: [Float]) -> Float {
    let top = zip(high, factors).reduce(Float(0)) { max($0, $1.0 / $1.1) }
    let bottom = zip(low, factors).reduce(Float(0)) { min($0, $1.0 / $1.1) }
    return top - bottom
  }

  /// Powers of two that bring quiet channels to between a quarter and half of the widest one's range:
  /// few samples do not show how far a channel goes, and a step is chosen for all of them. At most
  /// four times as far as they were, since what noise is left then is little.
  var evening: [Float] {
    let largest = zip(low, high).map { max(-$0, $1) }
    let widest = largest.max() ?? 0
    return largest.map { value in
      guard value > 0, value.isFinite else { return 1 }
      let octaves = min(max(log2(value / widest).rounded(.up) + 1, -2), 0)
      return Float(sign: .plus, exponent: Int(octaves), significand: 1)
    }
  }

  /// What to take off the channels so that the step may be smaller, and the ranges then; nil where
  /// next to nothing would be left. Behind a Relu, which would cut off what is lower than samples
  /// show, only channels far above zero for their spread come down, and not all the way.
  func moved(_ offset: EqualizationPair.Offset) -> (shifts: [Float], ranges: ChannelRanges)? {
    let shifts = zip(low, high).map { low, high in
      guard low.isFinite, high.isFinite else { return Float(0) }
      return offset.isRectified ? max(0, low - 2 * (high - low)) : (low + high) / 2
    }
    var moved = self
    for channel in shifts.indices {
      moved.low[channel] -= shifts[channel]
      moved.high[channel] -= shifts[channel]
    }
    // Of values that hardly change no more would be left than how float sums happen to end.
    return moved.span(unscaled) > span(unscaled) / 16 ? (shifts, moved) : nil
  }

  /// With the channels as they are, or nearer to each other.
  var leastCost: Double { min(cost(unscaled), cost(evening)) }

  /// Factors that change nothing.
  var unscaled: [Float] { Array(repeating: 1, count: power.count) }
}

extension EqualizationPair {
  func forEachChannel(of tensor: Tensor, _ body: (_ channel: Int, _ value: Float) -> Void) {
    let inner = inner(of: tensor)
    tensor.withElements(of: Float.self) { values in
      for index in values.indices { body(index / inner % channels, values[index]) }
    }
  }

  /// The value with its channels moved down.
  func shifted(_ tensor: Tensor, by shifts: [Float]) -> Tensor {
    let inner = inner(of: tensor)
    var values = tensor.elements(of: Float.self)
    for index in values.indices { values[index] -= shifts[index / inner % channels] }
    return Tensor(values, shape: tensor.shape)
  }

  /// Elements of a channel that follow each other.
  private func inner(of tensor: Tensor) -> Int {
    consumers[0].observed.readsWindows ? Tensor.count(of: Array(tensor.shape.dropFirst(2))) : 1
  }
}
