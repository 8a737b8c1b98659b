import GraphIR
import Tensors

/// A Conv node: its attributes, and how it runs on float tensors.
struct Convolution: Sendable {
  let label: String
  let window: WindowAttributes
  let groups: Int
  private let plans = ShapeCache<[Int], ConvolutionPlan>()

  init(_ node: Node) throws {
    label = node.label
    window = try WindowAttributes(node)
    groups = try node.int("group") ?? 1
    guard groups >= 1 else {
      throw RuntimeError.attribute(node: label, problem: "group must be at least 1")
    }
  }

  /// A weight checked and packed.
  struct Weights: Sendable {
    let tensor: Tensor
    /// Nil where each group has one input channel: those kernels read the tensor itself.
    let packed: PackedMatrix?

    var shape: [Int] { tensor.shape }
    var isDepthwise: Bool { packed == nil }
    var outputChannels: Int { shape[0] }
  }

  func prepare(weight: Tensor) throws -> Weights {
    let shape = weight.shape
    guard weight.elementType == .float32 else {
      throw RuntimeError.input(
        node: label, problem: "weight of type \(weight.elementType) is not supported")
    }
    guard (3...5).contains(shape.count), shape[0] % groups == 0, shape.allSatisfy({ $0 > 0 })
    else {
      throw RuntimeError.input(
        node: label, problem: "weight of shape \(shape) does not fit \(groups) groups")
    }
    if shape[1] == 1, groups > 1 { return Weights(tensor: weight, packed: nil) }
    let depth = shape.dropFirst().reduce(1, *)
    let packed = weight.withElements(of: Float.self) { elements in
      elements.baseAddress.map {
        PackedMatrix($0, rows: shape[0] / groups, depth: depth, groups: groups, rowStride: depth)
      }
    }
    return Weights(tensor: weight, packed: packed)
  }

  func plan(_ input: [Int], weight: [Int]) throws -> ConvolutionPlan {
    try plans.value(for: input + weight) {
      guard input.count == weight.count, input.count >= 3, input[1] == weight[1] * groups else {
        throw RuntimeError.input(
          node: label,
          problem: "input of shape \(input) does not fit weight \(weight) with \(groups) groups")
      }
      let geometry = try window.geometry(
        input: Array(input.dropFirst(2)), kernel: Array(weight.dropFirst(2)))
      guard Tensor.checkedCount(of: [input[0], weight[0], geometry.phaseCount]) != nil else {
        throw RuntimeError.input(node: label, problem: "input of shape \(input) is too large")
      }
      return ConvolutionPlan(window: geometry, groups: groups, inputChannels: weight[1])
    }
  }

  func outputShape(_ x: Tensor, _ weights: Weights) throws -> [Int] {
    [x.shape[0], weights.outputChannels] + (try plan(x.shape, weight: weights.shape)).window.output
  }

  func run(
    _ x: Tensor, _ weights: Weights, bias: Tensor?, residual: Tensor?, clamp: Clamp,
    context: RunContext
  ) throws -> Tensor {
    let plan = try plan(x.shape, weight: weights.shape)
    let channels = weights.outputChannels
    guard bias == nil || bias?.count == channels else {
      throw RuntimeError.input(node: label, problem: "bias does not have \(channels) values")
    }
    context.trace?.use(
      kernel: (weights.isDepthwise ? "depthwise " : "implicit-gemm ") + plan.kernels.name)
    let shape = [x.shape[0], channels] + plan.window.output
    let inputStride = x.shape[1] * plan.window.inputCount
    let outputStride = channels * plan.window.outputCount
    return x.withElements(of: Float.self) { input in
      bias.withFloats { bias in
        residual.withFloats { residual in
          Tensor(shape: shape) { (output: UnsafeMutableBufferPointer<Float>) in
            guard let input = input.baseAddress, let output = output.baseAddress else { return }
            for image in 0..<x.shape[0] {
              let epilogue = ConvolutionPlan.Epilogue(
                bias: bias, residual: residual.map { $0 + image * outputStride }, clamp: clamp)
              let source = input + image * inputStride
              let target = output + image * outputStride
              if let packed = weights.packed {
                plan.run(
                  input: source, weights: packed, epilogue: epilogue, output: target,
                  pool: context.pool)
              } else {
                weights.tensor.withElements(of: Float.self) { kernels in
                  guard let kernels = kernels.baseAddress else { return }
                  plan.runDepthwise(
                    input: source, weights: kernels, multiplier: channels / groups,
                    epilogue: epilogue, output: target, pool: context.pool)
                }
              }
            }
          }
        }
      }
    }
  }
}

extension Tensor? {
  /// The elements in place; nil where there is no tensor.
  func withFloats<Result>(_ body: (UnsafePointer<Float>?) throws -> Result) rethrows -> Result {
    switch self {
    case nil: try body(nil)
    case .some(let tensor): try tensor.withElements(of: Float.self) { try body($0.baseAddress) }
    }
  }
}

extension OperatorInputs {
  /// The float32 tensor at `index`.
  func floats(_ index: Int) throws -> Tensor {
    let tensor = try tensor(index)
    guard tensor.elementType == .float32 else { throw typeError(index, tensor) }
    return tensor
  }

  /// The float32 tensor at `index`; nil where it is omitted.
  func optionalFloats(_ index: Int) throws -> Tensor? {
    guard let tensor = try optionalTensor(index) else { return nil }
    guard tensor.elementType == .float32 else { throw typeError(index, tensor) }
    return tensor
  }

  func typeError(_ index: Int, _ tensor: Tensor) -> RuntimeError {
    .input(node: node, problem: "input \(index) of type \(tensor.elementType) is not supported")
  }
}
