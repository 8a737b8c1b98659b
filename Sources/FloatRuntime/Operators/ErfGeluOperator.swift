import GraphIR
import Tensors

/// `tapq:ErfGelu`, which the engine's fusion makes: `x * (erf(x / divisor) + 1) * 0.5`.
enum ErfGeluOperator {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("ErfGelu", domain: ConvolutionOperators.fusedDomain) { node, _ in
      let divisor = try node.float("divisor") ?? 1
      return { inputs, run in
        let x = try inputs.floats(0)
        run.trace?.use(kernel: "gelu " + KernelSet.best.name)
        return [.tensor(Elementwise.map(ErfGelu(divisor: divisor), x, pool: run.pool))]
      }
    }
  ]

  private struct ErfGelu: ElementMap {
    let divisor: Float

    func apply(_ x: Float) -> Float { x * (.erf(x / divisor) + 1) * 0.5 }

    func apply(
      _ source: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ count: Int
    ) {
      KernelSet.best.table.pointee.gelu(source, count, divisor, out)
    }
  }
}
