import Parallelism
import Testing

@testable import FloatRuntime

@Suite struct ConvolutionKernelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var input: [Int]
    var kernel: [Int]
    var stride = 1
    var dilation = 1
    var pad = 0
    var groups = 1
    var inputChannels = 3
    var rows = 5

    var testDescription: String {
      "\(inputChannels)x\(groups) \(input) k\(kernel) s\(stride) d\(dilation) p\(pad) -> \(rows)"
    }

    var window: WindowGeometry {
      let axes = zip(input, kernel).map { size, kernel in
        let room = size + 2 * pad - (kernel - 1) * dilation - 1
        return WindowGeometry.Axis(
          input: size, output: room < 0 ? 0 : room / stride + 1, kernel: kernel, stride: stride,
          dilation: dilation, padBegin: pad, padEnd: pad)
      }
      return WindowGeometry(rank: input.count, axes: axes)
    }
  }

  static let cases = [
    Case(input: [7, 7], kernel: [3, 3], pad: 1, inputChannels: 17, rows: 19),
    Case(input: [14, 14], kernel: [3, 3], pad: 1, inputChannels: 37, rows: 16),
    Case(input: [32, 32], kernel: [3, 3], pad: 1, inputChannels: 5, rows: 13),
    Case(input: [13, 29], kernel: [5, 3], stride: 2, pad: 2),
    Case(input: [31, 17], kernel: [3, 3], stride: 3, dilation: 2, pad: 1),
    Case(input: [23, 11], kernel: [1, 1], inputChannels: 300, rows: 7),
    Case(input: [9, 9], kernel: [1, 1], stride: 2, inputChannels: 8, rows: 33),
    Case(input: [1, 1], kernel: [1, 1], inputChannels: 67, rows: 41),
    Case(input: [2, 3], kernel: [1, 1], inputChannels: 11, rows: 9),
    Case(input: [53], kernel: [7], stride: 2, pad: 3, inputChannels: 4),
    Case(input: [5, 6, 7], kernel: [3, 2, 3], stride: 2, pad: 1),
    Case(input: [5, 5], kernel: [7, 7], pad: 0),
    Case(input: [16, 16], kernel: [3, 3], pad: 1, groups: 3, inputChannels: 4, rows: 6),
    Case(input: [7, 7], kernel: [3, 3], pad: 1, groups: 11, inputChannels: 1, rows: 1),
    Case(
      input: [33, 35], kernel: [5, 5], stride: 2, pad: 2, groups: 3, inputChannels: 1, rows: 2),
    Case(input: [32, 64], kernel: [3, 3], pad: 1, groups: 2, inputChannels: 1, rows: 1),
    Case(
      input: [19, 33], kernel: [3, 3], stride: 2, pad: 1, groups: 2, inputChannels: 1, rows: 2),
    Case(input: [8, 50], kernel: [3, 3], stride: 2, groups: 2, inputChannels: 1, rows: 1),
    Case(input: [3, 17], kernel: [3, 3], groups: 3, inputChannels: 1, rows: 1),
    Case(input: [1, 1], kernel: [3, 3], stride: 2, pad: 2, groups: 2, inputChannels: 1, rows: 1),
    Case(
      input: [4, 9, 8], kernel: [3, 3, 3], dilation: 2, pad: 2, groups: 2, inputChannels: 1,
      rows: 1),
  ]

  @Test(arguments: ["avx512", "avx2", "portable"], cases)
  func matchesTheDefinition(instructionSet: String, shape: Case) throws {
    guard let kernels = KernelSet(named: instructionSet) else { return }
    let window = shape.window
    var noise = IntegerNoise(seed: shape.testDescription.utf8.reduce(0) { $0 &* 31 &+ Int($1) })
    let channels = shape.groups * shape.rows
    let depth = shape.inputChannels * window.taps
    let input = noise.floats(shape.groups * shape.inputChannels * window.inputCount)
    let weights = noise.floats(channels * depth)
    let bias = noise.floats(channels)
    let residual = noise.floats(channels * window.outputCount)
    let exact = ReferenceConvolution(
      window: window, groups: shape.groups, inputChannels: shape.inputChannels, rows: shape.rows
    )(input, weights: weights, bias: bias)
    let plan = ConvolutionPlan(
      window: window, groups: shape.groups, inputChannels: shape.inputChannels, kernels: kernels)
    let packed = try #require(
      weights.withUnsafeBufferPointer { pointer in
        pointer.baseAddress.map {
          PackedMatrix(
            $0, rows: shape.rows, depth: depth, groups: shape.groups, rowStride: depth,
            kernels: kernels)
        }
      })
    let guardValue: Float = 123_456
    for threads in [1, 3] {
      var output = [Float](repeating: guardValue, count: exact.count + 1)
      run(output: &output) { out in
        input.withUnsafeBufferPointer { input in
          bias.withUnsafeBufferPointer { bias in
            residual.withUnsafeBufferPointer { residual in
              guard let input = input.baseAddress else { return }
              plan.run(
                input: input, weights: packed,
                epilogue: .init(
                  bias: bias.baseAddress, residual: residual.baseAddress,
                  clamp: Clamp(low: -50, high: 400)), output: out,
                pool: WorkerPool(threadCount: threads))
            }
          }
        }
      }
      let expected = zip(exact, residual).map { Float(min(max($0 + Double($1), -50), 400)) }
      #expect(Array(output.dropLast()) == expected)
      #expect(output.last == guardValue)
    }
  }

  @Test(arguments: ["avx512", "avx2", "portable"], cases.filter { $0.inputChannels == 1 })
  func depthwiseMatchesTheDefinition(instructionSet: String, shape: Case) throws {
    guard let kernels = KernelSet(named: instructionSet) else { return }
    let window = shape.window
    var noise = IntegerNoise(seed: window.taps &+ window.inputCount)
    let channels = shape.groups * shape.rows
    let input = noise.floats(shape.groups * window.inputCount)
    let weights = noise.floats(channels * window.taps)
    let bias = noise.floats(channels)
    let exact = ReferenceConvolution(
      window: window, groups: shape.groups, inputChannels: 1, rows: shape.rows
    )(input, weights: weights, bias: bias)
    let plan = ConvolutionPlan(
      window: window, groups: shape.groups, inputChannels: 1, kernels: kernels)
    let guardValue: Float = 123_456
    var output = [Float](repeating: guardValue, count: exact.count + 1)
    run(output: &output) { out in
      input.withUnsafeBufferPointer { input in
        weights.withUnsafeBufferPointer { weights in
          bias.withUnsafeBufferPointer { bias in
            guard let input = input.baseAddress, let weights = weights.baseAddress else { return }
            plan.runDepthwise(
              input: input, weights: weights, multiplier: shape.rows,
              epilogue: .init(bias: bias.baseAddress, clamp: Clamp(low: 0)), output: out,
              pool: WorkerPool(threadCount: 2))
          }
        }
      }
    }
    #expect(Array(output.dropLast()) == exact.map { Float(max($0, 0)) })
    #expect(output.last == guardValue)
  }

  private func run(output: inout [Float], _ body: (UnsafeMutablePointer<Float>) -> Void) {
    _ = output.withUnsafeMutableBufferPointer { $0.baseAddress.map(body) }
  }
}
