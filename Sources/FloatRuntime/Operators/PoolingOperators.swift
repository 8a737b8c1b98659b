import CFloatKernels
import GraphIR
import Tensors

/// MaxPool, AveragePool and LpPool over windows, and their global forms.
enum PoolingOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("MaxPool") { node, _ in try MaxPool(node).kernel },
    OperatorDefinition("AveragePool") { node, _ in try AveragePool(node).kernel },
    OperatorDefinition("LpPool") { node, _ in
      let window = try WindowAttributes(node)
      let p = Double(try node.int("p") ?? 2)
      return { inputs, _ in
        let x = try inputs.spatial(0)
        let geometry = try window.geometry(input: Array(x.shape.dropFirst(2)))
        return [.tensor(lpPool(x, geometry, p: p))]
      }
    },
    global("GlobalAveragePool") { values in
      KernelSet.best.table.pointee.sum(values.baseAddress, values.count) / Float(values.count)
    },
    global("GlobalMaxPool") { values in
      values.reduce(-.infinity) { $0.isNaN || $0 >= $1 ? $0 : $1 }
    },
    OperatorDefinition("GlobalLpPool") { node, _ in
      let p = Double(try node.int("p") ?? 2)
      return { inputs, run in
        let x = try inputs.spatial(0)
        return [
          .tensor(
            reducePlanes(x) { values in
              Float(Math.power(values.reduce(0) { $0 + Math.power(abs(Double($1)), p) }, 1 / p))
            })
        ]
      }
    },
  ]

  private static func global(
    _ name: String, _ reduce: @escaping @Sendable (UnsafeBufferPointer<Float>) -> Float
  ) -> OperatorDefinition {
    OperatorDefinition(name) { _, _ in
      { inputs, _ in [.tensor(reducePlanes(try inputs.spatial(0), reduce))] }
    }
  }

  private static func reducePlanes(
    _ x: Tensor, _ reduce: (UnsafeBufferPointer<Float>) -> Float
  ) -> Tensor {
    let planes = x.shape[0] * x.shape[1]
    let area = Tensor.count(of: Array(x.shape.dropFirst(2)))
    let shape = Array(x.shape.prefix(2)) + Array(repeating: 1, count: x.rank - 2)
    return x.withElements(of: Float.self) { source in
      Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
        for plane in 0..<planes {
          out[plane] = reduce(
            UnsafeBufferPointer(rebasing: source[plane * area..<(plane + 1) * area]))
        }
      }
    }
  }

  private static func lpPool(_ x: Tensor, _ window: WindowGeometry, p: Double) -> Tensor {
    let planes = x.shape[0] * x.shape[1]
    let scan = WindowScan(window)
    return x.withElements(of: Float.self) { source in
      Tensor(shape: Array(x.shape.prefix(2)) + window.output) {
        (out: UnsafeMutableBufferPointer<Float>) in
        for plane in 0..<planes {
          let base = plane * window.inputCount
          scan.forEach { position, taps in
            let sum = taps.reduce(0) { $0 + Math.power(abs(Double(source[base + $1])), p) }
            out[plane * window.outputCount + position] = Float(Math.power(sum, 1 / p))
          }
        }
      }
    }
  }
}

extension OperatorInputs {
  /// The float32 tensor at `index` with batch, channel and at least one spatial axis.
  func spatial(_ index: Int) throws -> Tensor {
    let tensor = try floats(index)
    guard tensor.rank >= 3 else {
      throw RuntimeError.input(
        node: node, problem: "input of shape \(tensor.shape) has no spatial axes")
    }
    return tensor
  }
}
