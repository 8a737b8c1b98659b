import Tensors

extension Tensor {
  /// Axes reordered: axis `i` of the result is axis `order[i]`. For tensors of a compute type.
  func permuted(_ order: [Int]) -> Tensor {
    if order == Array(order.indices) { return self }
    switch elementType {
    case .float32: return permuted(order, of: Float.self)
    case .float64: return permuted(order, of: Double.self)
    case .uint64: return permuted(order, of: UInt64.self)
    default: return permuted(order, of: Int64.self)
    }
  }

  private func permuted<Element: TensorElement>(
    _ order: [Int], of: Element.Type
  ) -> Tensor {
    var steps = Array(repeating: 1, count: rank)
    for axis in shape.indices.dropLast().reversed() {
      steps[axis] = steps[axis + 1] * shape[axis + 1]
    }
    let extents = order.map { shape[$0] }
    let strides = order.map { steps[$0] }
    return withElements(of: Element.self) { source in
      Tensor(shape: extents) { (out: UnsafeMutableBufferPointer<Element>) in
        guard out.count > 0, let inner = extents.last, let step = strides.last else { return }
        var position = Array(repeating: 0, count: extents.count)
        var offset = 0
        var start = 0
        while start < out.count {
          for index in 0..<inner { out[start + index] = source[offset + index * step] }
          start += inner
          var axis = extents.count - 2
          while axis >= 0 {
            position[axis] += 1
            offset += strides[axis]
            if position[axis] < extents[axis] { break }
            offset -= strides[axis] * extents[axis]
            position[axis] = 0
            axis -= 1
          }
        }
      }
    }
  }
}
