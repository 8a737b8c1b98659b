import GraphIR

/// The networks that a calibration times: sizes between those of the smallest and the largest layers
/// that people deploy, in steps that tell the terms of the cost model apart.
enum ProbePlan {
  struct Probe: Sendable {
    var name: String
    var make: @Sendable () -> ProbeNetwork
  }

  static let probes: [Probe] =
    convolutions + expansions + depthwise + separable + products + blockedProducts + combined
    + whole + pools + conversions + floats

  /// `layers` convolutions of one shape, each on the result of the one before.
  private static func chain(
    _ channels: Int, side: Int, kernel: Int, layers: Int, bits: Int = 8
  ) -> Probe {
    Probe(name: "conv\(kernel)x\(kernel) \(channels) on \(side)x\(side), \(bits) bits") {
      var net = ProbeNetwork(input: [1, channels, side, side])
      for _ in 0..<layers { net.convolution(channels, kernel: kernel, bits: bits) }
      return net
    }
  }

  private static let convolutions: [Probe] =
    [8, 4].flatMap { bits in
      [
        chain(16, side: 32, kernel: 3, layers: 6, bits: bits),
        chain(24, side: 40, kernel: 3, layers: 4, bits: bits),
        chain(32, side: 16, kernel: 3, layers: 6, bits: bits),
        chain(64, side: 8, kernel: 3, layers: 6, bits: bits),
        chain(64, side: 56, kernel: 3, layers: 3, bits: bits),
        chain(128, side: 28, kernel: 3, layers: 3, bits: bits),
        chain(256, side: 14, kernel: 3, layers: 1, bits: bits),
        chain(320, side: 7, kernel: 3, layers: 1, bits: bits),
        chain(48, side: 12, kernel: 1, layers: 8, bits: bits),
        chain(64, side: 56, kernel: 1, layers: 4, bits: bits),
        chain(16, side: 72, kernel: 1, layers: 4, bits: bits),
        chain(24, side: 60, kernel: 1, layers: 4, bits: bits),
        chain(32, side: 80, kernel: 1, layers: 4, bits: bits),
        chain(64, side: 5, kernel: 1, layers: 8, bits: bits),
        chain(64, side: 11, kernel: 1, layers: 6, bits: bits),
        chain(64, side: 12, kernel: 1, layers: 6, bits: bits),
        chain(32, side: 8, kernel: 3, layers: 6, bits: bits),
        chain(128, side: 14, kernel: 1, layers: 6, bits: bits),
        chain(192, side: 14, kernel: 1, layers: 6, bits: bits),
        chain(384, side: 14, kernel: 1, layers: 6, bits: bits),
        chain(512, side: 7, kernel: 1, layers: 3, bits: bits),
        chain(768, side: 7, kernel: 1, layers: 1, bits: bits),
      ]
    }
    + [2, 3, 5, 6, 7].flatMap { bits in
      [
        chain(16, side: 32, kernel: 3, layers: 6, bits: bits),
        chain(64, side: 8, kernel: 3, layers: 6, bits: bits),
        chain(128, side: 28, kernel: 3, layers: 3, bits: bits),
        chain(320, side: 7, kernel: 3, layers: 1, bits: bits),
        chain(32, side: 64, kernel: 1, layers: 4, bits: bits),
        chain(48, side: 12, kernel: 1, layers: 8, bits: bits),
        chain(384, side: 14, kernel: 1, layers: 6, bits: bits),
        chain(768, side: 7, kernel: 1, layers: 1, bits: bits),
      ]
    }

  /// Pairs of pointwise convolutions that widen and narrow, and first layers of few channels.
  private static let expansions: [Probe] =
    [(16, 6, 48), (24, 6, 40), (32, 6, 20), (96, 6, 12), (160, 6, 7), (64, 4, 40), (256, 4, 12)].map
  {
    channels, factor, side in
    Probe(name: "expand \(channels) by \(factor) on \(side)x\(side)") {
      var net = ProbeNetwork(input: [1, channels, side, side])
      for _ in 0..<3 {
        net.convolution(channels * factor, kernel: 1)
        net.convolution(channels, kernel: 1)
      }
      return net
    }
  }
    + [8, 4].flatMap { bits in
      [(16, 3, 1, 32), (32, 3, 2, 160), (24, 3, 2, 96), (64, 7, 2, 160)].map {
        channels, kernel, stride, side in
        Probe(
          name: "first \(kernel)x\(kernel) to \(channels) on \(side)x\(side), \(bits) bits"
        ) {
          var net = ProbeNetwork(input: [1, 3, side, side])
          net.convolution(channels, kernel: kernel, stride: stride, bits: bits)
          return net
        }
      }
    }
    + [(32, 28), (64, 40), (128, 24)].map { channels, side in
      Probe(name: "strided \(channels) on \(side)x\(side)") {
        var net = ProbeNetwork(input: [1, channels, side, side])
        net.convolution(2 * channels, kernel: 3, stride: 2)
        net.convolution(2 * channels, kernel: 1, stride: 2)
        return net
      }
    }

  private static let depthwise: [Probe] = [
    (16, 48), (32, 80), (48, 20), (64, 24), (96, 48), (128, 16), (192, 24), (384, 12), (576, 14),
    (768, 7), (32, 10), (8, 64), (24, 56), (40, 28), (144, 36), (256, 10),
  ].map { channels, side in
    Probe(name: "depthwise \(channels) on \(side)x\(side)") {
      var net = ProbeNetwork(input: [1, channels, side, side])
      for _ in 0..<4 { net.depthwise() }
      net.depthwise(stride: 2)
      return net
    }
  }

  /// Pairs of depthwise and pointwise convolutions of which several threads share one, both or none.
  private static let separable: [Probe] = [8, 4].flatMap { bits in
    [(12, 50), (24, 44), (48, 20), (96, 12), (160, 8), (320, 4), (80, 10), (40, 26)].map {
      channels, side in
      Probe(name: "separable \(channels) on \(side)x\(side), \(bits) bits") {
        var net = ProbeNetwork(input: [1, channels, side, side])
        for _ in 0..<4 {
          net.depthwise()
          net.convolution(channels, kernel: 1, bits: bits)
        }
        return net
      }
    }
  }

  private static let products: [Probe] =
    [(1, 64, 3), (1, 256, 4), (1, 640, 2), (4, 512, 3), (32, 256, 4), (96, 384, 4), (160, 512, 3)]
    .flatMap { rows, width, layers in
      [8, 4].map { bits in
        Probe(name: "product \(rows)x\(width)x\(width), \(bits) bits") {
          var net = ProbeNetwork(input: [rows, width])
          for _ in 0..<layers { net.product(width, bits: bits) }
          return net
        }
      }
    }
    + [(96, 384, 1200), (160, 320, 1024)].map { rows, width, wide in
      Probe(name: "product \(rows)x\(width)x\(wide) and back") {
        var net = ProbeNetwork(input: [rows, width])
        for _ in 0..<2 {
          net.product(wide)
          net.product(width)
        }
        return net
      }
    }
    + [2, 3, 4, 5, 6, 7, 8].flatMap { bits in
      [(96, 384, 384), (160, 320, 1024), (1, 512, 1000)].map { rows, width, columns in
        Probe(name: "product \(rows)x\(width)x\(columns) to float, \(bits) bits") {
          var net = ProbeNetwork(input: [rows, width])
          net.product(columns, bits: bits, isQuantized: false)
          return net
        }
      }
    }

  /// Float products of weights in blocks.
  private static let blockedProducts: [Probe] =
    [2, 3, 4, 5, 6, 7, 8].flatMap { bits in
      [
        (1, 512, 512, 32), (1, 768, 2048, 32), (24, 256, 256, 64), (96, 256, 768, 32),
        (160, 320, 512, 128),
      ].map { rows, width, wide, block in
        Probe(name: "product \(rows)x\(width)x\(wide) in blocks of \(block), \(bits) bits") {
          var net = ProbeNetwork(input: [rows, width])
          net.float("Neg")
          for _ in 0..<2 {
            net.blockedProduct(wide, bits: bits, block: block)
            net.blockedProduct(width, bits: bits, block: block)
          }
          return net
        }
      }
    }

  private static let combined: [Probe] =
    [(16, 32), (64, 16), (64, 56), (256, 28), (512, 7), (24, 8), (32, 16), (24, 17), (40, 16)].map {
      channels, side in
      Probe(name: "add and table, \(channels) on \(side)x\(side)") {
        var net = ProbeNetwork(input: [1, channels, side, side])
        net.convolution(channels, kernel: 1)
        for _ in 0..<3 {
          let before = net.value
          net.convolution(channels, kernel: 1)
          net.add(before)
          net.table()
        }
        return net
      }
    }
    + [(16, 32), (64, 28), (256, 12)].map { channels, side in
      Probe(name: "concat, \(channels) on \(side)x\(side)") {
        var net = ProbeNetwork(input: [1, channels, side, side])
        net.convolution(channels, kernel: 1)
        let before = net.value
        net.convolution(channels, kernel: 1)
        net.concat(before, axis: 1)
        net.convolution(channels, kernel: 1)
        return net
      }
    }

  /// Residual networks whose input and weights have left the near caches by the time of the next run.
  private static let whole: [Probe] =
    ([2, 3, 4, 5, 6, 7, 8].map { ($0, 48, 240) } + [(4, 40, 200), (8, 40, 200)]).map {
      bits, channels, side in
      Probe(name: "residual network, \(channels) channels on \(side)x\(side), \(bits) bits") {
        var net = ProbeNetwork(input: [1, 3, side, side])
        net.convolution(channels, kernel: 7, stride: 2, bits: bits)
        net.convolution(channels, kernel: 3, stride: 2, bits: bits)
        for stage in 0..<4 {
          let width = channels << stage
          if stage > 0 { net.convolution(width, kernel: 3, stride: 2, bits: bits) }
          for _ in 0..<2 {
            let before = net.value
            net.convolution(width, kernel: 3, bits: bits)
            net.convolution(width, kernel: 3, bits: bits)
            net.add(before)
          }
        }
        net.globalAverage()
        for width in [800, 600, 1200] { net.convolution(width, kernel: 1, bits: bits) }
        return net
      }
    }
    + [8, 4].map { bits in
      Probe(name: "separable network, \(bits) bits") {
        var net = ProbeNetwork(input: [1, 3, 200, 200])
        net.convolution(32, kernel: 3, stride: 2, bits: bits)
        for stage in 1...5 {
          for stride in [2, 1, 1] {
            net.depthwise(stride: stride)
            net.convolution(32 << stage, kernel: 1, bits: bits)
          }
        }
        return net
      }
    }

  private static let pools: [Probe] =
    [
      (16, 32, 3, 2), (64, 96, 3, 2), (128, 24, 2, 2), (64, 20, 3, 1), (32, 34, 2, 2),
      (64, 20, 2, 2),
    ].map {
      channels, side, kernel, stride in
      Probe(name: "max pool \(kernel)x\(kernel), \(channels) on \(side)x\(side)") {
        var net = ProbeNetwork(input: [1, channels, side, side])
        net.convolution(channels, kernel: 1)
        net.maxPool(kernel: kernel, stride: stride)
        return net
      }
    }
    + [(64, 8), (64, 25), (512, 7), (1024, 6), (2048, 7)].map { channels, side in
      Probe(name: "average, \(channels) on \(side)x\(side)") {
        var net = ProbeNetwork(input: [1, channels, side, side])
        net.convolution(channels, kernel: 1)
        net.globalAverage()
        net.convolution(32, kernel: 1)
        return net
      }
    }

  /// Quantizing inputs and dequantizing results of several sizes and forms.
  private static let conversions: [Probe] =
    [[1, 3, 32, 32], [1, 3, 96, 96], [1, 3, 200, 200], [1, 1, 49, 10], [1, 64, 16, 16]].map {
      shape in
      Probe(name: "convert \(shape)") {
        var net = ProbeNetwork(input: shape)
        net.convolution(shape[1], kernel: 1)
        return net
      }
    }
    + [[100, 300], [128, 1400], [1, 1000]].map { shape in
      Probe(name: "convert \(shape)") {
        var net = ProbeNetwork(input: shape)
        net.product(shape[1] / 4)
        return net
      }
    }

  private static let floats: [Probe] =
    [[4, 10], [1, 40, 128], [1, 100, 320], [1, 160, 400], [1, 128, 1600], [1, 900, 3]].flatMap {
      shape -> [Probe] in
      let last = shape[shape.count - 1]
      func probe(_ op: String, _ change: @escaping @Sendable (inout ProbeNetwork) -> Void) -> Probe
      {
        Probe(name: "\(op) \(shape)") {
          var net = ProbeNetwork(input: shape)
          change(&net)
          return net
        }
      }
      let lastAxis = [Attribute("axis", .int(-1))]
      return [
        probe("Softmax") { $0.float("Softmax", lastAxis) },
        probe("LayerNormalization") {
          $0.float("LayerNormalization", lastAxis, parameters: [[last], [last]])
        },
        probe("ResidualNormalization") {
          $0.fused("ResidualNormalization", lastAxis, parameters: [[last], [last], shape])
        },
        probe("ErfGelu") { $0.fused("ErfGelu") },
        probe("Gelu") { $0.float("Gelu") },
        probe("Tanh") { $0.float("Tanh") },
        probe("Sigmoid") { $0.float("Sigmoid") },
        probe("Mul") { $0.float("Mul", with: $0.value) },
        probe("Add") { $0.float("Add", parameters: [shape]) },
        probe("MatMul") { $0.floatSquare() },
        probe("ReduceSum") { $0.sumOfRows() },
        probe("Transpose") { $0.turned() },
        probe("Concat") { $0.float("Concat", with: $0.value, [Attribute("axis", .int(-2))]) },
        probe("Slice") { $0.firstOfRows() },
        probe("Exp") { $0.float("Exp") },
        probe("Sub") { $0.float("Sub", parameters: [shape]) },
        probe("Div") { $0.float("Div", parameters: [shape]) },
      ]
    }
    + [(32, 4, 16), (64, 8, 32), (96, 12, 32), (160, 6, 64), (200, 12, 64)].map {
      length, heads, size in
      Probe(name: "attention \(length) places, \(heads) heads of \(size)") {
        var net = ProbeNetwork(input: [1, length, heads, size])
        net.attention()
        return net
      }
    }
    + [(32, 4, 16), (64, 8, 32), (96, 12, 32), (160, 6, 64), (210, 4, 48), (300, 2, 64)].map {
      length, heads, size in
      Probe(name: "integer attention \(length) places, \(heads) heads of \(size)") {
        var net = ProbeNetwork(input: [1, heads, length, size])
        for step in 0..<3 { net.integerAttention(hasMask: step == 1) }
        return net
      }
    }
    + [false, true].flatMap { quantizesAttention in
      [(48, 256, 4), (112, 448, 8), (200, 320, 5)].map { length, width, heads in
        let form = quantizesAttention ? "integer " : ""
        return Probe(name: "\(form)transformer of \(length) places, \(width) wide") {
          var net = ProbeNetwork(input: [1, length, width])
          for _ in 0..<4 {
            net.transformerBlock(heads: heads, quantizesAttention: quantizesAttention)
          }
          return net
        }
      }
    }
}
