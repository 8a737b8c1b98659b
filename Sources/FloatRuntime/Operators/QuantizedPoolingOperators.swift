import GraphIR
import Tensors

/// `tapq:QLinearGlobalAveragePool`: x, its scale and zero, the result's scale and zero. The sum of
/// `q - zero` over a plane of n values is exact, then
/// `saturate(round_half_even(float(sum) * (x_scale / (float(n) * y_scale))) + y_zero)`.
enum QuantizedPoolingOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("QLinearGlobalAveragePool", domain: ConvolutionOperators.fusedDomain) {
      _, _ in
      { inputs, run in
        let x = try inputs.tensor(0)
        let input = try inputs.affine(scale: 1, zero: 2)
        let output = try inputs.affine(scale: 3, zero: 4)
        guard x.rank >= 2 else {
          throw RuntimeError.input(node: inputs.node, problem: "takes planes of channels")
        }
        let widened = try inputs.widened(x, zero: input.zeros.first ?? 0)
        let area = Tensor.count(of: Array(x.shape.dropFirst(2)))
        let shape = Array(x.shape.prefix(2)) + Array(repeating: 1, count: x.rank - 2)
        let sums = widened.withElements(of: Float.self) { source in
          Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
            for plane in out.indices {
              let values = source[plane * area..<(plane + 1) * area]
              out[plane] = Float(values.reduce(0) { $0 + Int($1) })
            }
          }
        }
        run.trace?.use(kernel: "integer-average")
        let requantizer = Requantizer(
          inputScale: input.scales[0], weightScales: [1],
          outputScale: Float(area) * output.scales[0], zero: output.zeros.first ?? 0,
          elementType: try inputs.tensor(4).elementType)
        return [.tensor(requantizer.apply(sums, channelArea: nil, pool: run.pool))]
      }
    }
  ]
}
