import Parallelism
import Tensors

/// A function of one element.
protocol ElementMap: Sendable {
  associatedtype Input: TensorElement
  associatedtype Output: TensorElement
  func apply(_ x: Input) -> Output
  /// The function of every element; a loop unless there is a kernel for it.
  func apply(_ source: UnsafePointer<Input>, _ out: UnsafeMutablePointer<Output>, _ count: Int)
}

extension ElementMap {
  func apply(_ source: UnsafePointer<Input>, _ out: UnsafeMutablePointer<Output>, _ count: Int) {
    for index in 0..<count { out[index] = apply(source[index]) }
  }
}

/// A function of two elements.
protocol ElementPair: Sendable {
  associatedtype Input: TensorElement
  associatedtype Output: TensorElement
  func apply(_ a: Input, _ b: Input) -> Output
}

/// Loops over whole tensors. Operations are types, not closures, so that each loop is compiled
/// for its operation.
enum Elementwise {
  /// Elements that one iteration of the worker pool takes.
  static let chunk = 1 << 15

  static func map<Map: ElementMap>(_ map: Map, _ x: Tensor, pool: WorkerPool) -> Tensor {
    x.withElements(of: Map.Input.self) { source in
      Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Map.Output>) in
        guard let input = source.baseAddress, let output = out.baseAddress else { return }
        nonisolated(unsafe) let (from, to) = (input, output)
        let count = source.count
        pool.forEach((count + chunk - 1) / chunk) { index in
          let first = index * chunk
          map.apply(from + first, to + first, min(chunk, count - first))
        }
      }
    }
  }

  /// `plan` is the broadcast of `[a.shape, b.shape]`.
  static func zip<Pair: ElementPair>(
    _ pair: Pair, _ a: Tensor, _ b: Tensor, plan: Broadcast, pool: WorkerPool
  ) -> Tensor {
    a.withElements(of: Pair.Input.self) { left in
      b.withElements(of: Pair.Input.self) { right in
        Tensor(shape: plan.shape) { (out: UnsafeMutableBufferPointer<Pair.Output>) in
          guard let left = left.baseAddress, let right = right.baseAddress,
            let output = out.baseAddress
          else { return }
          nonisolated(unsafe) let (x, y, to) = (left, right, output)
          let count = out.count
          let last = plan.extents.count - 1
          let (stepA, stepB) = (plan.strides[0][last], plan.strides[1][last])
          pool.forEach((count + chunk - 1) / chunk) { index in
            let first = index * chunk
            plan.forEachRun(in: first..<min(first + chunk, count)) { start, run, offsets in
              apply(
                pair, x + offsets[0], stepA, y + offsets[1], stepB, to + start, run)
            }
          }
        }
      }
    }
  }

  private static func apply<Pair: ElementPair>(
    _ pair: Pair, _ a: UnsafePointer<Pair.Input>, _ stepA: Int, _ b: UnsafePointer<Pair.Input>,
    _ stepB: Int, _ out: UnsafeMutablePointer<Pair.Output>, _ count: Int
  ) {
    if stepA == 1, stepB == 1 {
      for index in 0..<count { out[index] = pair.apply(a[index], b[index]) }
    } else if stepA == 1 {
      let scalar = b[0]
      for index in 0..<count { out[index] = pair.apply(a[index], scalar) }
    } else if stepB == 1 {
      let scalar = a[0]
      for index in 0..<count { out[index] = pair.apply(scalar, b[index]) }
    } else {
      let value = pair.apply(a[0], b[0])
      for index in 0..<count { out[index] = value }
    }
  }
}
