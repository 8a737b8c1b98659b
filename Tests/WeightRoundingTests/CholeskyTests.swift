import Parallelism
import TestSupport
import Testing

@testable import WeightRounding

@Suite struct CholeskyTests {
  @Test(arguments: [1, 5, 191, 192, 193, 450])
  func theFactorGivesTheMatrixBack(size: Int) throws {
    var generator = SeededGenerator(seed: 7)
    let samples = Matrix(rows: size + 8, columns: size)
    for index in 0..<samples.rows * size {
      samples.values[index] = Float.random(in: -1...1, using: &generator)
    }
    let matrix = Matrix(rows: size, columns: size)
    Products.multiply(
      samples.values, size, transposedA: true, samples.values, size, into: matrix.values, size,
      m: size, n: size, k: samples.rows)
    for index in 0..<size { matrix[index, index] += 0.1 }
    let one = try #require(CholeskyFactor.upper(of: matrix, pool: WorkerPool(threadCount: 1)))
    let two = try #require(CholeskyFactor.upper(of: matrix, pool: WorkerPool(threadCount: 2)))
    #expect(one.elements == two.elements)
    let product = Matrix(rows: size, columns: size)
    Products.multiply(
      one.values, size, transposedA: true, one.values, size, into: product.values, size, m: size,
      n: size, k: size)
    let scale = matrix.elements.map(abs).max() ?? 1
    for (found, expected) in zip(product.elements, matrix.elements) {
      #expect(abs(found - expected) < 1e-4 * scale)
    }
  }

  @Test func indefiniteMatricesHaveNone() {
    let matrix = Matrix([1, 2, 2, 1], rows: 2, columns: 2)
    #expect(CholeskyFactor.upper(of: matrix, pool: WorkerPool(threadCount: 1)) == nil)
  }
}
