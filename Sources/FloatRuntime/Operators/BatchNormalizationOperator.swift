import GraphIR
import Tensors

/// BatchNormalization in inference form, and with batch statistics where the node asks for
/// `training_mode`.
enum BatchNormalizationOperator {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("BatchNormalization") { node, _ in
      let epsilon = try node.float("epsilon") ?? 1e-5
      let momentum = try node.float("momentum") ?? 0.9
      let training = try node.int("training_mode") ?? 0 != 0
      return { inputs, _ in
        let x = try inputs.floats(0)
        let channels = x.rank > 1 ? x.shape[1] : 1
        let parameters = try (1...4).map { try inputs.floats($0).elements(of: Float.self) }
        guard x.rank >= 1, parameters.allSatisfy({ $0.count == channels }) else {
          throw RuntimeError.input(
            node: inputs.node, problem: "parameters do not have \(channels) values")
        }
        var mean = parameters[2]
        var variance = parameters[3]
        var running: [RuntimeValue] = []
        if training {
          let layout = ChannelLayout(x.shape)
          (mean, variance) = layout.statistics(x)
          running = zip([mean, variance], parameters[2...]).map { now, before in
            .tensor(
              Tensor(
                zip(now, before).map { $0 * (1 - momentum) + $1 * momentum }, shape: [channels]))
          }
        }
        let scale = zip(parameters[0], variance).map { $0 / ($1 + epsilon).squareRoot() }
        let shift = (0..<channels).map { parameters[1][$0] - mean[$0] * scale[$0] }
        return [.tensor(ChannelLayout(x.shape).affine(x, scale: scale, shift: shift))] + running
      }
    }
  ]
}

/// A tensor as [batch, channel, the rest].
private struct ChannelLayout {
  let batch: Int
  let channels: Int
  let area: Int

  init(_ shape: [Int]) {
    batch = shape[0]
    channels = shape.count > 1 ? shape[1] : 1
    area = shape.dropFirst(2).reduce(1, *)
  }

  func affine(_ x: Tensor, scale: [Float], shift: [Float]) -> Tensor {
    x.withElements(of: Float.self) { source in
      Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
        for plane in 0..<batch * channels {
          let a = scale[plane % channels]
          let b = shift[plane % channels]
          for index in plane * area..<(plane + 1) * area { out[index] = source[index] * a + b }
        }
      }
    }
  }

  /// Mean and (population) variance of every channel.
  func statistics(_ x: Tensor) -> (mean: [Float], variance: [Float]) {
    var mean = [Double](repeating: 0, count: channels)
    var square = mean
    let count = Double(max(batch * area, 1))
    x.withElements(of: Float.self) { source in
      for plane in 0..<batch * channels {
        for index in plane * area..<(plane + 1) * area {
          mean[plane % channels] += Double(source[index]) / count
        }
      }
      for plane in 0..<batch * channels {
        for index in plane * area..<(plane + 1) * area {
          let distance = Double(source[index]) - mean[plane % channels]
          square[plane % channels] += distance * distance / count
        }
      }
    }
    return (mean.map(Float.init), square.map(Float.init))
  }
}
