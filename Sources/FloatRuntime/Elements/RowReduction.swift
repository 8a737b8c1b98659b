import Parallelism
import Tensors

/// A fold of a row of numbers into one.
protocol Reduction: Sendable {
  /// Elements are mapped, combined, and the result finished.
  func initial<T: ComputeElement>(_: T.Type) -> T
  func map<T: ComputeElement>(_ x: T) -> T
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T
  func finish<T: ComputeElement>(_ total: T, count: Int) -> T
}

extension Reduction {
  func map<T: ComputeElement>(_ x: T) -> T { x }
  func finish<T: ComputeElement>(_ total: T, count: Int) -> T { total }
}

/// A function of whole rows of floating-point numbers.
protocol RowFunction: Sendable {
  func apply<T: FloatElement>(
    _ row: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int)

  /// The same for several rows, one behind the other.
  func apply<T: FloatElement>(
    rows: Int, _ first: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int)
}

extension RowFunction {
  func apply<T: FloatElement>(
    rows: Int, _ first: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int
  ) {
    for row in 0..<rows { apply(first + row * count, out + row * count, count) }
  }
}

enum Rows {
  /// Folds each row of `count` elements; `rows` results in order.
  static func reduce<Op: Reduction, T: ComputeElement>(
    _ op: Op, _ x: Tensor, of: T.Type, rows: Int, count: Int, shape: [Int], pool: WorkerPool
  ) -> Tensor {
    x.withElements(of: T.self) { source in
      Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<T>) in
        guard let input = source.baseAddress, let output = out.baseAddress else { return }
        nonisolated(unsafe) let (from, to) = (input, output)
        let batch = max(1, Elementwise.chunk / max(count, 1))
        pool.forEach((rows + batch - 1) / batch) { task in
          for row in task * batch..<min((task + 1) * batch, rows) {
            to[row] = op.finish(fold(op, from + row * count, count), count: count)
          }
        }
      }
    }
  }

  /// Folds [outer, count, inner] over its middle axis: lines of `inner` elements, one after another.
  static func reduceAcross<Op: Reduction>(
    _ op: Op, _ x: Tensor, count: Int, inner: Int, shape: [Int], pool: WorkerPool
  ) -> Tensor {
    x.withElements(of: Float.self) { source in
      Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
        guard let input = source.baseAddress, let output = out.baseAddress else { return }
        nonisolated(unsafe) let (from, to) = (input, output)
        pool.forEach(out.count / inner) { block in
          let total = to + block * inner
          for index in 0..<inner { total[index] = op.initial(Float.self) }
          for row in 0..<count {
            let line = from + (block * count + row) * inner
            for index in 0..<inner {
              total[index] = op.combine(total[index], op.map(line[index]))
            }
          }
          for index in 0..<inner { total[index] = op.finish(total[index], count: count) }
        }
      }
    }
  }

  /// Eight running totals: short dependency chains, and less rounding than one.
  static func fold<Op: Reduction, T: ComputeElement>(
    _ op: Op, _ row: UnsafePointer<T>, _ count: Int
  ) -> T {
    let first = op.initial(T.self)
    var (a, b, c, d) = (first, first, first, first)
    var (e, f, g, h) = (first, first, first, first)
    var index = 0
    while index + 8 <= count {
      let x = row + index
      a = op.combine(a, op.map(x[0]))
      b = op.combine(b, op.map(x[1]))
      c = op.combine(c, op.map(x[2]))
      d = op.combine(d, op.map(x[3]))
      e = op.combine(e, op.map(x[4]))
      f = op.combine(f, op.map(x[5]))
      g = op.combine(g, op.map(x[6]))
      h = op.combine(h, op.map(x[7]))
      index += 8
    }
    while index < count {
      a = op.combine(a, op.map(row[index]))
      index += 1
    }
    return op.combine(
      op.combine(op.combine(a, e), op.combine(b, f)),
      op.combine(op.combine(c, g), op.combine(d, h)))
  }

  /// Applies a function to the elements along `axes`, as rows; type and shape stay.
  static func map<Function: RowFunction>(
    _ function: Function, _ x: Tensor, axes: [Int], _ inputs: OperatorInputs, pool: WorkerPool
  ) throws -> Tensor {
    let order = x.shape.indices.filter { !axes.contains($0) } + axes
    var inverse = order
    for (position, from) in order.enumerated() { inverse[from] = position }
    let wide = try inputs.widenedFloat(x).permuted(order)
    let count = Tensor.count(of: axes.map { x.shape[$0] })
    let rows = count == 0 ? 0 : wide.count / count
    return map(function, wide, rows: rows, count: count, pool: pool)
      .permuted(inverse).narrowed(to: x.elementType)
  }

  /// Applies a function to each row of a `Float` or `Double` tensor.
  static func map<Function: RowFunction>(
    _ function: Function, _ x: Tensor, rows: Int, count: Int, pool: WorkerPool
  ) -> Tensor {
    x.elementType == .float64
      ? map(function, x, of: Double.self, rows, count, pool)
      : map(function, x, of: Float.self, rows, count, pool)
  }

  private static func map<Function: RowFunction, T: FloatElement>(
    _ function: Function, _ x: Tensor, of: T.Type, _ rows: Int, _ count: Int, _ pool: WorkerPool
  ) -> Tensor {
    x.withElements(of: T.self) { source in
      Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<T>) in
        guard let input = source.baseAddress, let output = out.baseAddress, count > 0 else {
          return
        }
        nonisolated(unsafe) let (from, to) = (input, output)
        let batch = max(1, Elementwise.chunk / count)
        pool.forEach((rows + batch - 1) / batch) { task in
          let first = task * batch
          function.apply(
            rows: min(batch, rows - first), from + first * count, to + first * count, count)
        }
      }
    }
  }
}

struct SumReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .zero }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .plus(a, b) }
}

struct SumSquareReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .zero }
  func map<T: ComputeElement>(_ x: T) -> T { .times(x, x) }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .plus(a, b) }
}

struct MaxReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .bottom }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .larger(a, b) }
}
