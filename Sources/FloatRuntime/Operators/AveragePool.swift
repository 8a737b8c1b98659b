import GraphIR
import Tensors

struct AveragePool: Sendable {
  private let window: WindowAttributes
  private let countsPadding: Bool

  init(_ node: Node) throws {
    window = try WindowAttributes(node)
    countsPadding = try node.int("count_include_pad") ?? 0 != 0
  }

  var kernel: OperatorKernel {
    { inputs, run in
      let x = try inputs.spatial(0)
      let geometry = try window.geometry(input: Array(x.shape.dropFirst(2)))
      run.trace?.use(kernel: "window-sum " + KernelSet.best.name)
      return [
        .tensor(
          WindowReduction(geometry, fill: 0).average(
            x, divisors: divisors(geometry), pool: run.pool))
      ]
    }
  }

  /// Elements under each window of a plane. Padding counts where asked for, what ceil_mode adds
  /// after it never does.
  func divisors(_ geometry: WindowGeometry) -> [Float] {
    let counts = geometry.axes.map { axis in
      (0..<axis.output).map { output in
        (0..<axis.kernel).filter { tap in
          let place = output * axis.stride - axis.padBegin + tap * axis.dilation
          return countsPadding
            ? place < axis.input + axis.padEnd : place >= 0 && place < axis.input
        }.count
      }
    }
    return counts[0].flatMap { d in
      counts[1].flatMap { h in counts[2].map { w in Float(d * h * w) } }
    }
  }
}
