import GraphIR
import Tensors

/// Unique: the distinct elements, or slices along an axis, with where they were found.
enum UniqueOperator {
  static let definitions: [OperatorDefinition] = [unique]

  private static let unique = OperatorDefinition.tensors("Unique") { node in
    let attribute = try node.int("axis")
    let sorted = try node.flag("sorted", default: true)
    return { inputs, context in
      let original = try inputs.tensor(0)
      var x = original
      var axis = 0
      if let attribute {
        axis = try inputs.axis(attribute, rank: x.rank)
      } else {
        x = x.reshaped(to: [x.count])
      }
      let groups = try groups(of: x, axis: axis, sorted: sorted, inputs, context)
      var shape = x.shape
      shape[axis] = groups.count
      var inverse = Array(repeating: Int64(0), count: x.shape[axis])
      for (index, group) in groups.enumerated() {
        for member in group { inverse[member] = Int64(index) }
      }
      let first = groups.map { $0[0] }
      return [
        try inputs.moving(x) { try inputs.taken($0, first, axis: axis, shape: shape) },
        Tensor(first.map { Int64($0) }, shape: [first.count]),
        Tensor(inverse, shape: [inverse.count]),
        Tensor(groups.map { Int64($0.count) }, shape: [groups.count]),
      ]
    }
  }

  /// Indices along the axis whose slices are equal; each group in order, the groups by their
  /// slices or by their first index.
  private static func groups(
    of x: Tensor, axis: Int, sorted: Bool, _ inputs: OperatorInputs, _ context: RunContext
  ) throws -> [[Int]] {
    let order = [axis] + x.shape.indices.filter { $0 != axis }
    let keys = x.elementType == .string ? ranks(of: x) : try inputs.widened(x)
    let rows = try ShapeOperators.transposed(keys, order, inputs, context)
    let groups =
      switch rows.elementType {
      case .float32: groups(rows, Float.self)
      case .float64: groups(rows, Double.self)
      case .uint64: groups(rows, UInt64.self)
      default: groups(rows, Int64.self)
      }
    return sorted ? groups : groups.sorted { $0[0] < $1[0] }
  }

  /// Strings replaced by their place in byte order.
  private static func ranks(of x: Tensor) -> Tensor {
    let distinct = Set(x.strings).sorted { $0.lexicographicallyPrecedes($1) }
    let places = Dictionary(
      zip(distinct, distinct.indices.map { Int64($0) }), uniquingKeysWith: { first, _ in first })
    return Tensor(x.strings.map { places[$0] ?? 0 }, shape: x.shape)
  }

  private static func groups<T: ComputeElement>(_ rows: Tensor, _ type: T.Type) -> [[Int]] {
    let count = rows.shape[0]
    let width = rows.count / max(count, 1)
    return rows.withElements(of: T.self) { values in
      /// Negative where row `a` comes before row `b`; a NaN comes last and equals itself.
      func compare(_ a: Int, _ b: Int) -> Int {
        for column in 0..<width {
          let (x, y) = (values[a * width + column], values[b * width + column])
          if x < y || (y != y && x == x) { return -1 }
          if y < x || (x != x && y == y) { return 1 }
        }
        return 0
      }
      let order = (0..<count).sorted { a, b in
        let result = compare(a, b)
        return result == 0 ? a < b : result < 0
      }
      var groups: [[Int]] = []
      for row in order {
        if let last = groups.last, compare(last[0], row) == 0 {
          groups[groups.count - 1].append(row)
        } else {
          groups.append([row])
        }
      }
      return groups
    }
  }
}
