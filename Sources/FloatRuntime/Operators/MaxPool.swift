import CFloatKernels
import GraphIR
import Parallelism
import Tensors

struct MaxPool: Sendable {
  private let window: WindowAttributes
  private let columnMajorIndices: Bool
  private let wantsIndices: Bool

  init(_ node: Node) throws {
    window = try WindowAttributes(node)
    columnMajorIndices = try node.int("storage_order") ?? 0 != 0
    wantsIndices = node.output(1) != nil
  }

  var kernel: OperatorKernel {
    { inputs, run in
      let x = try inputs.tensor(0)
      guard x.rank >= 3 else {
        throw RuntimeError.input(
          node: inputs.node, problem: "input of shape \(x.shape) has no spatial axes")
      }
      let geometry = try window.geometry(input: Array(x.shape.dropFirst(2)))
      if x.elementType == .float32, !wantsIndices {
        run.trace?.use(kernel: "window-max " + KernelSet.best.name)
        return [
          .tensor(WindowReduction(geometry, fill: -.infinity).maximum(x, pool: run.pool))
        ]
      }
      switch x.elementType {
      case .float32: return scan(x, geometry, Float.self, least: -.infinity)
      case .float64: return scan(x, geometry, Double.self, least: -.infinity)
      case .int8: return scan(x, geometry, Int8.self, least: .min)
      case .uint8: return scan(x, geometry, UInt8.self, least: .min)
      default: throw inputs.typeError(0, x)
      }
    }
  }

  private func scan<Element: TensorElement & Comparable>(
    _ x: Tensor, _ geometry: WindowGeometry, _ type: Element.Type, least: Element
  ) -> [RuntimeValue] {
    let planes = x.shape[0] * x.shape[1]
    let shape = Array(x.shape.prefix(2)) + geometry.output
    var maxima = [Element](repeating: least, count: Tensor.count(of: shape))
    var indices = [Int64](repeating: 0, count: maxima.count)
    x.withElements(of: type) { source in
      for plane in 0..<planes {
        let base = plane * geometry.inputCount
        WindowScan(geometry).forEach { position, taps in
          guard var best = taps.first else { return }
          for tap in taps where source[base + tap] > source[base + best] { best = tap }
          let place = plane * geometry.outputCount + position
          maxima[place] = source[base + best]
          indices[place] = Int64(base + order(best, geometry))
        }
      }
    }
    let values = RuntimeValue.tensor(Tensor(maxima, shape: shape))
    return wantsIndices ? [values, .tensor(Tensor(indices, shape: shape))] : [values]
  }

  /// The index of a position of a plane in the storage order that the node asks for.
  private func order(_ position: Int, _ geometry: WindowGeometry) -> Int {
    guard columnMajorIndices else { return position }
    let axes = geometry.axes
    let w = position % axes[2].input
    let h = position / axes[2].input % axes[1].input
    let d = position / axes[2].input / axes[1].input
    return (w * axes[1].input + h) * axes[0].input + d
  }
}
