import Tensors
import Testing

@Suite struct AxisTests {
  private let matrix = Tensor((0..<12).map(Float.init), shape: [2, 3, 2])

  @Test func placesOfAnAxisComeInTheOrderGiven() {
    #expect(
      matrix.picking([2, 0], axis: 1).elements(of: Float.self) == [4, 5, 0, 1, 10, 11, 6, 7])
    let last = matrix.picking(1..<2, axis: 2)
    #expect(last.shape == [2, 3, 1])
    #expect(last.elements(of: Float.self) == [1, 3, 5, 7, 9, 11])
  }

  @Test(arguments: 0..<3)
  func partsJoinToTheWhole(axis: Int) {
    let cut = matrix.shape[axis] - 1
    let parts = [
      matrix.picking(0..<cut, axis: axis), matrix.picking(cut..<cut + 1, axis: axis),
    ]
    #expect(Tensor.joining(parts, axis: axis) == matrix)
  }

  @Test func integersMoveAsTheyAre() {
    let bytes = Tensor([Int8(-1), 2, -3, 4], shape: [2, 2])
    #expect(bytes.picking([1, 0], axis: 1).elements(of: Int8.self) == [2, -1, 4, -3])
  }
}
