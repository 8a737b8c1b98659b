import Parallelism
import Tensors

/// A convolution of integers with exact int32 sums, computed by the float kernels.
struct IntegerConvolution: Sendable {
  private let convolution: Convolution
  private let weights: Convolution.Weights
  /// Weights of each piece of the depth; empty where the whole is exact.
  private let pieces: [(range: Range<Int>, packed: PackedMatrix)]
  private let bias: [Int32]?

  /// `weight` holds integers as floats; `reach` bounds the input's magnitude. Throws where a sum
  /// could leave int32, unless it may wrap.
  init(
    _ convolution: Convolution, weight: Tensor, bias: [Int32]?, reach: Int, mayWrap: Bool
  ) throws {
    self.convolution = convolution
    self.bias = bias
    weights = try convolution.prepare(weight: weight)
    let channels = weight.shape[0]
    let depth = weight.shape.dropFirst().reduce(1, *)
    let groups = convolution.groups
    let plan = weight.withElements(of: Float.self) {
      ExactPieces(
        weights: $0, rows: channels, depth: depth, rowStride: depth, depthStride: 1, reach: reach,
        bias: bias)
    }
    guard mayWrap || plan.fitsInt32 else {
      throw RuntimeError.input(node: convolution.label, problem: "sums could overflow int32")
    }
    pieces =
      plan.isWhole
      ? []
      : weight.withElements(of: Float.self) { elements in
        plan.ranges.compactMap { range in
          elements.baseAddress.map {
            (
              range,
              PackedMatrix(
                $0 + range.lowerBound, rows: channels / groups, depth: range.count, groups: groups,
                rowStride: depth)
            )
          }
        }
      }
  }

  func sums(_ x: Tensor, context: RunContext) throws -> IntegerSums {
    guard !pieces.isEmpty else {
      let bias = bias.map { Tensor($0.map(Float.init), shape: [$0.count]) }
      return .exact(
        try convolution.run(
          x, weights, bias: bias, residual: nil, clamp: .none, context: context))
    }
    let shape = try convolution.outputShape(x, weights)
    let plan = try convolution.plan(x.shape, weight: weights.shape)
    let area = plan.window.outputCount
    let channels = weights.outputChannels
    let perImage = channels * area
    var sums = [Int32](repeating: 0, count: x.shape[0] * perImage)
    if let bias {
      for index in sums.indices { sums[index] = bias[index / area % channels] }
    }
    let partial = FloatBuffer(count: perImage)
    let imageSize = x.shape[1] * plan.window.inputCount
    x.withElements(of: Float.self) { input in
      guard let input = input.baseAddress else { return }
      for image in 0..<x.shape[0] {
        for piece in pieces {
          plan.run(
            input: input + image * imageSize, weights: piece.packed,
            firstDepth: piece.range.lowerBound, epilogue: ConvolutionPlan.Epilogue(),
            output: partial.pointer, pool: context.pool)
          for index in 0..<perImage {
            sums[image * perImage + index] &+= Int32(partial.pointer[index])
          }
        }
      }
    }
    return .wide(sums, shape: shape)
  }
}
