import GraphIR
import Tensors

/// Conv: `dX = scatter(W' dY)`, `dW = dY columns(X)'`, `db` the sum over positions.
enum ConvolutionRules {
  static let definitions: [BackwardDefinition] = [
    BackwardDefinition("Conv") { node in
      let convolution = try Convolution(node)
      return { step in
        try ConvolutionGradient(convolution, step).gradients(step)
      }
    }
  ]
}

private struct ConvolutionGradient {
  let x: Tensor
  let weight: Tensor
  let gradient: Tensor
  let window: WindowGeometry
  let groups: Int

  init(_ convolution: Convolution, _ step: BackwardStep) throws {
    x = try step.inputs.floats(0)
    weight = try step.inputs.floats(1)
    gradient = try step.gradient()
    window = try convolution.plan(x.shape, weight: weight.shape).window
    groups = convolution.groups
  }

  private var positions: Int { window.outputCount }
  private var taps: Int { window.taps }
  /// Of one group.
  private var outputs: Int { weight.shape[0] / groups }
  private var inputs: Int { weight.shape[1] }
  private var isDepthwise: Bool { inputs == 1 && groups > 1 }
  /// Whether the columns are the input itself.
  private var isPointwise: Bool { window.isPlain && taps == 1 }

  func gradients(_ step: BackwardStep) throws -> [Tensor?] {
    // Products write every element, windows and depthwise kernels add to it.
    let isProduct = !isDepthwise && positions > 0 && x.shape[0] > 0
    let dX: Tensor? =
      step.isWanted(0)
      ? isProduct && isPointwise ? .uninitialized(x.shape) : .zeros(x.shape) : nil
    let dW: Tensor? =
      step.isWanted(1)
      ? isProduct ? .uninitialized(weight.shape) : .zeros(weight.shape) : nil
    if positions > 0 {
      x.withElements(of: Float.self) { x in
        weight.withElements(of: Float.self) { weight in
          gradient.withElements(of: Float.self) { gradient in
            guard let x = x.baseAddress, let weight = weight.baseAddress,
              let gradient = gradient.baseAddress
            else { return }
            let (toX, toW) = (dX?.writable, dW?.writable)
            if isDepthwise {
              depthwise(x, weight, gradient, toX, toW, step)
            } else {
              products(x, weight, gradient, toX, toW, step)
            }
          }
        }
      }
    }
    return [dX, dW, step.isWanted(2) ? channelSums(step) : nil]
  }

  private func channelSums(_ step: BackwardStep) -> Tensor {
    let flat = gradient.reshaped(to: [x.shape[0], weight.shape[0], positions])
    return step.summed(flat, to: [1, weight.shape[0], 1]).reshaped(to: [weight.shape[0]])
  }

  private func products(
    _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    _ dX: UnsafeMutablePointer<Float>?, _ dW: UnsafeMutablePointer<Float>?, _ step: BackwardStep
  ) {
    let depth = inputs * taps
    let lines = WindowLines(window)
    let columns = FloatBuffer(count: isPointwise ? 0 : depth * positions)
    var forward = ParallelProduct(
      rows: outputs, columns: depth, depth: positions, isRightTransposed: true)
    let backward = ParallelProduct(
      rows: depth, columns: positions, depth: outputs, isLeftTransposed: true)
    for image in 0..<self.x.shape[0] {
      forward.accumulates = image > 0
      for group in 0..<groups {
        let block = image * groups + group
        nonisolated(unsafe) let source = x + block * inputs * window.inputCount
        let g = gradient + block * outputs * positions
        let weightOffset = group * outputs * depth
        if let dW {
          if !isPointwise {
            step.pool.forEach(inputs) { channel in
              lines.gather(
                source + channel * window.inputCount, taps: taps, positions: positions,
                into: columns.pointer + channel * taps * positions)
            }
          }
          forward.run(
            g, isPointwise ? source : UnsafePointer(columns.pointer), into: dW + weightOffset,
            pool: step.pool)
        }
        guard let dX else { continue }
        nonisolated(unsafe) let target = dX + block * inputs * window.inputCount
        backward.run(
          weight + weightOffset, g, into: isPointwise ? target : columns.pointer, pool: step.pool)
        if !isPointwise {
          step.pool.forEach(inputs) { channel in
            lines.scatter(
              columns.pointer + channel * taps * positions, positions: positions,
              into: target + channel * window.inputCount)
          }
        }
      }
    }
  }

  private func depthwise(
    _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    _ dX: UnsafeMutablePointer<Float>?, _ dW: UnsafeMutablePointer<Float>?, _ step: BackwardStep
  ) {
    let lines = WindowLines(window)
    nonisolated(unsafe) let (x, weight, gradient, dX, dW) = (x, weight, gradient, dX, dW)
    let images = self.x.shape[0]
    step.pool.forEach(groups) { group in
      for image in 0..<images {
        let plane = (image * groups + group) * window.inputCount
        for output in group * outputs..<(group + 1) * outputs {
          let g = gradient + (image * groups * outputs + output) * positions
          if let dX { lines.scatter(g, weights: weight + output * taps, into: dX + plane) }
          if let dW { lines.correlate(g, x + plane, into: dW + output * taps) }
        }
      }
    }
  }
}

extension Tensor {
  /// For the maker of a tensor, before others see it.
  var writable: UnsafeMutablePointer<Float>? {
    storage.mutableBytes.baseAddress?.assumingMemoryBound(to: Float.self)
  }
}
