import CFloatKernels
import GraphIR
import Tensors

/// `tapq:BlockedGemm`, as `BlockedProductFinder` makes it: with x' the values minus the zero point
/// (or floats) and m[c][b] = x_scale * scales[c][b] (or scales[c][b]), block by block in order,
///   t = sum over the block of x'[k] * w[c][k], exact for integers, fused and in order for floats
///   y[c] = fma(t, m[c][b], y[c])
/// from 0 on, then y[c] + bias[c].
enum BlockedGemmOperator {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition(
      BlockedProductFinder.operation, domain: ConvolutionOperators.fusedDomain
    ) { node, _ in
      let block = try node.int("block") ?? 0
      return { inputs, run in
        guard block > 0 else { throw inputs.failure("needs the size of a block") }
        run.trace?.use(kernel: "blocked-gemm")
        return [.tensor(try product(inputs, block: block))]
      }
    }
  ]

  private static func product(_ inputs: OperatorInputs, block: Int) throws -> Tensor {
    let isQuantized = try inputs.optionalTensor(1) != nil
    var x = try inputs.tensor(0)
    var scales = try floats(inputs.tensor(4), inputs)
    if isQuantized {
      let affine = try inputs.affine(scale: 1, zero: 2, of: 0)
      guard affine.scales.count == 1, affine.zeros.count <= 1 else {
        throw inputs.failure("activations take one scale and one zero point")
      }
      x = try inputs.widened(x, zero: affine.zeros.first ?? 0)
      scales = scales.map { affine.scales[0] * $0 }
    }
    try inputs.checkType(x, .float32, input: 0)
    let weight = try inputs.tensor(3)
    guard weight.rank == 2, weight.elementType == .int8, x.rank >= 1,
      x.shape.last == weight.shape[1],
      scales.count == weight.shape[0] * ((weight.shape[1] + block - 1) / block)
    else {
      throw inputs.failure("input of shape \(x.shape) does not fit weight \(weight.shape)")
    }
    let (columns, depth) = (weight.shape[0], weight.shape[1])
    let bias = try inputs.optionalTensor(5).map { try floats($0, inputs) }
    guard bias == nil || bias?.count == columns else {
      throw inputs.failure("bias does not have \(columns) values")
    }
    let problem = Problem(
      depth: depth, columns: columns, block: block, weights: transposed(weight),
      scales: scales, bias: bias)
    let shape = x.shape.dropLast() + [columns]
    return x.withElements(of: Float.self) { source in
      Tensor(shape: Array(shape)) { (out: UnsafeMutableBufferPointer<Float>) in
        for row in 0..<(columns == 0 ? 0 : out.count / columns) {
          problem.multiply(
            UnsafeBufferPointer(rebasing: source[row * depth..<(row + 1) * depth]),
            into: UnsafeMutableBufferPointer(rebasing: out[row * columns..<(row + 1) * columns]))
        }
      }
    }
  }

  private static func floats(_ tensor: Tensor, _ inputs: OperatorInputs) throws -> [Float] {
    guard tensor.elementType == .float32 else {
      throw inputs.failure("takes float32 scales and bias, not \(tensor.elementType)")
    }
    return tensor.elements(of: Float.self)
  }

  /// `[depth][columns]` as floats.
  private static func transposed(_ weight: Tensor) -> [Float] {
    let (columns, depth) = (weight.shape[0], weight.shape[1])
    return weight.withElements(of: Int8.self) { values in
      (0..<values.count).map { Float(values[$0 % columns * depth + $0 / columns]) }
    }
  }

  private struct Problem {
    let depth: Int
    let columns: Int
    let block: Int
    let weights: [Float]
    let scales: [Float]
    let bias: [Float]?

    func multiply(
      _ x: UnsafeBufferPointer<Float>, into y: UnsafeMutableBufferPointer<Float>
    ) {
      y.update(repeating: 0)
      let blocks = (depth + block - 1) / block
      var sums = [Float](repeating: 0, count: columns)
      let addScaled = KernelSet.best.table.pointee.add_scaled
      for index in 0..<blocks {
        for c in 0..<columns { sums[c] = 0 }
        for k in index * block..<min((index + 1) * block, depth) {
          let (value, first) = (x[k], k * columns)
          weights.withUnsafeBufferPointer { weights in
            guard let weights = weights.baseAddress else { return }
            addScaled?(weights + first, columns, value, &sums)
          }
        }
        for c in 0..<columns { y[c].addProduct(sums[c], scales[c * blocks + index]) }
      }
      guard let bias else { return }
      for c in 0..<columns { y[c] += bias[c] }
    }
  }
}
