import GraphIR
import Tensors

/// ArgMax, ArgMin and TopK.
enum SelectionOperators {
  static let definitions: [OperatorDefinition] = [
    extreme("ArgMax", largest: true), extreme("ArgMin", largest: false), topK,
  ]

  private static func extreme(_ name: String, largest: Bool) -> OperatorDefinition {
    .tensors(name) { node in
      let axis = try node.int("axis") ?? 0
      let keepDimensions = try node.flag("keepdims", default: true)
      let last = try node.flag("select_last_index", default: false)
      return { inputs, _ in
        let x = try inputs.tensor(0)
        let axis = try inputs.axis(axis, rank: x.rank)
        guard x.shape[axis] > 0 else { throw inputs.failure("axis \(axis) is empty") }
        let plan = ReductionOperators.Plan(x.shape, [axis], keepDimensions)
        let wide = try inputs.widened(x).permuted(plan.order)
        func run<T: ComputeElement>(_: T.Type) -> Tensor {
          wide.withElements(of: T.self) { source in
            Tensor(shape: plan.shape) { (out: UnsafeMutableBufferPointer<Int64>) in
              for row in 0..<plan.rows {
                let first = row * plan.count
                var best = 0
                for index in 1..<max(plan.count, 1) {
                  let (value, record) = (source[first + index], source[first + best])
                  let wins = largest ? value > record : value < record
                  if wins || (last && value == record) { best = index }
                }
                out[row] = Int64(best)
              }
            }
          }
        }
        let indices =
          switch wide.elementType {
          case .float32: run(Float.self)
          case .float64: run(Double.self)
          case .uint64: run(UInt64.self)
          default: run(Int64.self)
          }
        return [indices]
      }
    }
  }

  private static let topK = OperatorDefinition.tensors("TopK") { node in
    let axis = try node.int("axis") ?? -1
    let largest = try node.flag("largest", default: true)
    return { inputs, _ in
      let x = try inputs.tensor(0)
      let axis = try inputs.axis(axis, rank: x.rank)
      guard let k = try inputs.integer(1), k >= 0, k <= x.shape[axis] else {
        throw inputs.failure("k must lie in 0...\(x.shape[axis]), the size of axis \(axis)")
      }
      let order = x.shape.indices.filter { $0 != axis } + [axis]
      var inverse = order
      for (position, from) in order.enumerated() { inverse[from] = position }
      let wide = try inputs.widened(x).permuted(order)
      let (values, indices) =
        switch wide.elementType {
        case .float32: select(wide, of: Float.self, k, largest)
        case .float64: select(wide, of: Double.self, k, largest)
        case .uint64: select(wide, of: UInt64.self, k, largest)
        default: select(wide, of: Int64.self, k, largest)
        }
      return [
        values.permuted(inverse).narrowed(to: x.elementType), indices.permuted(inverse),
      ]
    }
  }

  /// The `k` extreme elements of each row, best first, earlier ones first among equals; a NaN
  /// counts as larger than any number.
  private static func select<T: ComputeElement>(
    _ x: Tensor, of: T.Type, _ k: Int, _ largest: Bool
  ) -> (values: Tensor, indices: Tensor) {
    let count = x.shape.last ?? 1
    let rows = count == 0 ? 0 : x.count / count
    let source = x.elements(of: T.self)
    var values: [T] = []
    var indices: [Int64] = []
    for row in 0..<rows {
      let elements = source[row * count..<(row + 1) * count]
      let ranked = elements.indices.sorted { left, right in
        let (a, b) = (elements[left], elements[right])
        let above = a > b || (a != a && b == b)
        let below = a < b || (b != b && a == a)
        return above || below ? above == largest : left < right
      }
      for index in ranked.prefix(k) {
        values.append(elements[index])
        indices.append(Int64(index - elements.startIndex))
      }
    }
    let shape = x.shape.dropLast() + [k]
    return (Tensor(values, shape: Array(shape)), Tensor(indices, shape: Array(shape)))
  }
}
