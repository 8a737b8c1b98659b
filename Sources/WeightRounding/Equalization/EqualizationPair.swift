import Tensors

/// A producer and the layers that alone read its channels, so that a channel may be scaled down in
/// the one and up in the others, or moved in the one and back in the others, without changing what
/// the network computes.
struct EqualizationPair {
  /// What is divided by the factors.
  enum Producer {
    /// Constants whose first (or only) axis, or last for `MatMul`, runs along the channels: weight
    /// and bias of a layer, scale and bias of a normalization.
    case constants([(initializer: String, axis: Int)])
    /// A copy of the value for the layers, whose last axis runs along the channels; what else
    /// reads the value, as the sum around a block of a transformer does, keeps it.
    case copy(of: String)
  }

  /// The producer's bias, where it may move the channels and the biases of the layers move back.
  struct Offset: Equatable {
    let bias: String
    /// Whether a Relu follows: channels may then only come down, and no further than to zero.
    let isRectified: Bool
  }

  let producer: Producer
  /// Whether a `Clip` cuts the channels off above: they then may only grow, and no further than to
  /// where none is cut off.
  let isLimited: Bool
  let offset: Offset?
  let channels: Int
  let consumers: [RoundingLayer]
}

extension RoundingLayer {
  /// Whether every output channel reads one input channel: its rows then scale with that channel, and
  /// round as before.
  var isDepthwise: Bool { observed.group > 1 && rows.shape[1] == 1 }

  /// Places of an input channel that a row reads.
  var window: [Int] { observed.readsWindows ? Array(rows.shape[2...]) : [] }

  /// The axis of the weight that runs along the input channels.
  var inputAxis: Int { rows.axis == 0 && !isDepthwise ? 1 : 0 }

  /// Factors of the input channels, one for each place of that axis.
  func ofInputs(_ factors: [Float]) -> [Float] {
    isDepthwise
      ? factors.flatMap { repeatElement($0, count: rows.count / factors.count) } : factors
  }

  func forEachWeight(
    channels: Int, _ body: (_ row: Int, _ channel: Int, _ weight: Float) -> Void
  ) {
    let length = rows.length
    // Of a depthwise layer the rows of a channel follow each other.
    let block = isDepthwise ? rows.count / channels * length : length / channels
    rows.values.withElements(of: Float.self) { values in
      for index in values.indices {
        body(index / length, index / block % channels, values[index])
      }
    }
  }

  /// What the bias has to take on when the input channels come down.
  func biasChange(_ shifts: [Float]) -> [Float] {
    var sums = [Double](repeating: 0, count: rows.count)
    forEachWeight(channels: shifts.count) { row, channel, weight in
      sums[row] += Double(weight) * Double(shifts[channel])
    }
    return sums.map(Float.init)
  }
}
