import GraphIR
import Parallelism
import Tensors
import Testing

@testable import FloatRuntime

struct ElementwiseTests {
  @Test(
    "Broadcasting agrees with indexing one element at a time",
    arguments: [
      ([2, 3, 4], [2, 3, 4]), ([2, 3, 4], []), ([2, 3, 4], [3, 1]), ([2, 1, 4], [3, 1]),
      ([1], [5, 0]), ([4, 1, 2, 1], [3, 1, 5]),
    ])
  func broadcasting(left: [Int], right: [Int]) throws {
    let a = Tensor((0..<Tensor.count(of: left)).map { Float($0) }, shape: left)
    let b = Tensor((0..<Tensor.count(of: right)).map { Float($0) * 100 }, shape: right)
    let sum = try OperatorHarness.tensor("Add", [a, b])
    let shape = try #require(Broadcast.shape(of: [left, right]))
    #expect(sum.shape == shape)
    let (x, y, z) = (
      a.elements(of: Float.self), b.elements(of: Float.self), sum.elements(of: Float.self)
    )
    for index in z.indices {
      #expect(z[index] == x[source(index, shape, left)] + y[source(index, shape, right)])
    }
  }

  /// The element of an operand that lands at `index` of the result.
  private func source(_ index: Int, _ shape: [Int], _ operand: [Int]) -> Int {
    var (rest, step, result) = (index, 1, 0)
    for axis in shape.indices.reversed() {
      let own = axis - (shape.count - operand.count)
      if own >= 0 {
        result += operand[own] == 1 ? 0 : rest % shape[axis] * step
        step *= operand[own]
      }
      rest /= shape[axis]
    }
    return result
  }

  @Test("Results do not depend on the number of threads")
  func threads() {
    let a = Tensor((0..<200_000).map { Float($0 % 977) * 0.37 }, shape: [20, 100, 100])
    let b = Tensor((0..<100).map { Float($0) }, shape: [100, 1])
    let plan = Broadcast([a.shape, b.shape])
    let results = [1, 3].compactMap { count in
      plan.map {
        Elementwise.zip(
          Calculation<Power, Float>(op: Power()), a, b, plan: $0,
          pool: WorkerPool(threadCount: count))
      }
    }
    #expect(results.count == 2 && results.first == results.last)
  }

  @Test("Narrow integers wrap, division by zero and of the smallest integer do not trap")
  func integers() throws {
    let a = Tensor([Int8.min, 127, 5, -7], shape: [4])
    let b = Tensor([Int8(-1), 2, 0, 2], shape: [4])
    #expect(
      try OperatorHarness.tensor("Mul", [a, b]).elements(of: Int8.self) == [-128, -2, 0, -14])
    #expect(
      try OperatorHarness.tensor("Div", [a, b]).elements(of: Int8.self) == [-128, 63, 0, -3])
    let smallest = Tensor([Int64.min], shape: [1])
    let minusOne = Tensor([Int64(-1)], shape: [1])
    #expect(try OperatorHarness.tensor("Div", [smallest, minusOne]) == smallest)
    #expect(
      try OperatorHarness.tensor("Mod", [smallest, minusOne]).elements(of: Int64.self) == [0])
  }

  @Test("Shapes and types that do not fit are errors that name the node")
  func errors() {
    let a = Tensor([Float](repeating: 1, count: 6), shape: [2, 3])
    let b = Tensor([Float](repeating: 1, count: 4), shape: [4])
    #expect(
      throws: RuntimeError.input(
        node: "Add 'tested'", problem: "shapes [2, 3] and [4] do not broadcast")
    ) { try OperatorHarness.tensor("Add", [a, b]) }
    #expect(throws: RuntimeError.self) {
      try OperatorHarness.tensor("Add", [a, Tensor([Int64(1)], shape: [1])])
    }
    #expect(throws: RuntimeError.self) {
      try OperatorHarness.tensor("ReduceSum", [a, Tensor([Int64(2)], shape: [1])])
    }
  }

  @Test("Empty reductions give the identity of their type")
  func emptyReductions() throws {
    let none = Tensor([Int8](), shape: [0])
    #expect(try OperatorHarness.tensor("ReduceMax", [none]).elements(of: Int8.self) == [-128])
    #expect(try OperatorHarness.tensor("ReduceMin", [none]).elements(of: Int8.self) == [127])
    #expect(try OperatorHarness.tensor("ReduceProd", [none]).elements(of: Int8.self) == [1])
    let floats = Tensor([Float](), shape: [0])
    #expect(
      try OperatorHarness.tensor("ReduceMax", [floats]).elements(of: Float.self) == [-.infinity])
  }

  @Test("The error function is that of the C library to a few units in the last place")
  func errorFunction() {
    for step in -60_000...60_000 {
      let x = Float(step) * 1e-4
      let exact = Double.erf(Double(x))
      #expect((Double(Float.erf(x)) - exact).magnitude <= 5e-7 * exact.magnitude)
    }
    #expect(Float.erf(.infinity) == 1 && Float.erf(-.infinity) == -1 && Float.erf(.nan).isNaN)
    #expect(Float.erf(1e-30) > 0)
  }
}
