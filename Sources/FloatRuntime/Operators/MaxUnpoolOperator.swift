import GraphIR
import Tensors

/// MaxUnpool: puts values back where MaxPool took them from.
enum MaxUnpoolOperator {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("MaxUnpool") { node, _ in
      let window = try WindowAttributes(node)
      return { inputs, _ in
        let x = try inputs.spatial(0)
        let indices = try inputs.tensor(1)
        guard indices.shape == x.shape, let places = indices.integers() else {
          throw RuntimeError.input(
            node: inputs.node, problem: "indices of shape \(indices.shape) do not fit \(x.shape)")
        }
        let natural = try shape(of: x, window)
        let shape = try inputs.optionalTensor(2)?.integers() ?? natural
        guard shape.count == x.rank, Array(shape.prefix(2)) == Array(x.shape.prefix(2)),
          let count = Tensor.checkedCount(of: shape), natural.allSatisfy({ $0 >= 0 })
        else {
          throw RuntimeError.input(
            node: inputs.node, problem: "output shape \(shape) does not fit \(x.shape)")
        }
        var values = [Float](repeating: 0, count: count)
        for (place, value) in zip(places, x.elements(of: Float.self)) {
          guard let target = relocated(place, from: natural, to: shape) else {
            throw RuntimeError.input(
              node: inputs.node, problem: "index \(place) is outside of \(natural)")
          }
          values[target] = value
        }
        return [.tensor(Tensor(values, shape: shape))]
      }
    }
  ]

  /// The shape that the indices count in.
  private static func shape(of x: Tensor, _ window: WindowAttributes) throws -> [Int] {
    let rank = x.rank - 2
    guard let kernel = window.kernel, kernel.count == rank else {
      throw RuntimeError.attribute(node: window.label, problem: "kernel_shape does not fit")
    }
    let strides = try window.axes(window.strides, "strides", count: rank, default: 1)
    let pads = try window.axes(window.pads, "pads", count: 2 * rank, default: 0)
    return Array(x.shape.prefix(2))
      + (0..<rank).map { axis in
        (x.shape[axis + 2] - 1) * strides[axis] - pads[axis] - pads[axis + rank] + kernel[axis]
      }
  }

  /// A flat index of one shape as the flat index of the same coordinates in a larger shape.
  private static func relocated(_ index: Int, from: [Int], to: [Int]) -> Int? {
    guard index >= 0 else { return nil }
    var rest = index
    var target = 0
    var stride = 1
    for (size, wanted) in zip(from, to).reversed() {
      guard size > 0 else { return nil }
      let coordinate = rest % size
      guard coordinate < wanted else { return nil }
      target += coordinate * stride
      stride *= wanted
      rest /= size
    }
    return rest == 0 ? target : nil
  }
}
