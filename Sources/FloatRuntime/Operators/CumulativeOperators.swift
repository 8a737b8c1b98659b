import GraphIR
import Tensors

/// CumSum and CumProd along an axis given as an input.
enum CumulativeOperators {
  static let definitions: [OperatorDefinition] = [
    define("CumSum", SumReduction()), define("CumProd", Product()),
  ]

  private static func define<Op: Reduction>(_ name: String, _ op: Op) -> OperatorDefinition {
    .tensors(name) { node in
      let exclusive = try node.flag("exclusive", default: false)
      let reverse = try node.flag("reverse", default: false)
      return { inputs, _ in
        let x = try inputs.tensor(0)
        guard let given = try inputs.integer(1) else { throw inputs.failure("axis is missing") }
        let axis = try inputs.axis(given, rank: x.rank)
        let wide = try inputs.widened(x)
        let inner = Tensor.count(of: Array(x.shape[(axis + 1)...]))
        func run<T: ComputeElement>(_: T.Type) -> Tensor {
          accumulate(op, wide, of: T.self, x.shape[axis], inner, exclusive, reverse)
        }
        let result =
          switch wide.elementType {
          case .float32: run(Float.self)
          case .float64: run(Double.self)
          case .uint64: run(UInt64.self)
          default: run(Int64.self)
          }
        return [result.narrowed(to: x.elementType)]
      }
    }
  }

  private static func accumulate<Op: Reduction, T: ComputeElement>(
    _ op: Op, _ x: Tensor, of: T.Type, _ size: Int, _ inner: Int, _ exclusive: Bool,
    _ reverse: Bool
  ) -> Tensor {
    x.withElements(of: T.self) { source in
      Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<T>) in
        let block = size * inner
        guard block > 0 else { return }
        for start in stride(from: 0, to: out.count, by: block) {
          for column in 0..<inner {
            var total = op.initial(T.self)
            for step in 0..<size {
              let index = start + column + (reverse ? size - 1 - step : step) * inner
              let next = op.combine(total, source[index])
              out[index] = exclusive ? total : next
              total = next
            }
          }
        }
      }
    }
  }

  private struct Product: Reduction {
    func initial<T: ComputeElement>(_: T.Type) -> T { .one }
    func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .times(a, b) }
  }
}
