import GraphIR
import Parallelism
import Tensors

/// Softmax, LogSoftmax and Hardmax along one axis.
enum SoftmaxOperators {
  static let definitions: [OperatorDefinition] = [
    define("Softmax", Softmax()), define("LogSoftmax", LogSoftmax()),
    define("Hardmax", Hardmax()),
  ]

  private static func define<Function: RowFunction>(
    _ name: String, _ function: Function
  ) -> OperatorDefinition {
    .tensors(name) { node in
      let axis = try node.int("axis") ?? -1
      return { inputs, context in
        let x = try inputs.tensor(0)
        let axes = x.rank == 0 ? [] : [try inputs.axis(axis, rank: x.rank)]
        return [try Rows.map(function, x, axes: axes, inputs, pool: context.pool)]
      }
    }
  }

  struct Softmax: RowFunction {
    func apply<T: FloatElement>(
      _ row: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int
    ) {
      var peak = T.bottom
      for index in 0..<count { peak = .larger(peak, row[index]) }
      var sum = T.zero
      for index in 0..<count {
        let value = T.exp(row[index] - peak)
        out[index] = value
        sum += value
      }
      let scale = 1 / sum
      for index in 0..<count { out[index] *= scale }
    }

    func apply<T: FloatElement>(
      rows: Int, _ first: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int
    ) {
      guard T.self == Float.self else {
        for row in 0..<rows { apply(first + row * count, out + row * count, count) }
        return
      }
      KernelSet.best.table.pointee.softmax(
        UnsafeRawPointer(first).assumingMemoryBound(to: Float.self), rows, count,
        UnsafeMutableRawPointer(out).assumingMemoryBound(to: Float.self))
    }
  }

  struct LogSoftmax: RowFunction {
    func apply<T: FloatElement>(
      _ row: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int
    ) {
      var peak = T.bottom
      for index in 0..<count { peak = .larger(peak, row[index]) }
      var sum = T.zero
      for index in 0..<count { sum += .exp(row[index] - peak) }
      let shift = peak + .log(sum)
      for index in 0..<count { out[index] = row[index] - shift }
    }
  }

  /// One at the first largest element.
  struct Hardmax: RowFunction {
    func apply<T: FloatElement>(
      _ row: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int
    ) {
      var best = 0
      for index in 0..<count {
        out[index] = 0
        if row[index] > row[best] { best = index }
      }
      out[best] = 1
    }
  }
}
