import GraphIR
import Parallelism
import Tensors
import Testing

@testable import Calibration

@Suite struct LayerColumnsTests {
  static let pool = WorkerPool(threadCount: 2)
  /// Two samples of two channels, 3 x 3.
  static let input = Tensor((0..<36).map(Float.init), shape: [2, 2, 3, 3])

  /// What is read into memory that holds anything but zeros.
  static func read(_ columns: LayerColumns, _ tensor: Tensor, at positions: [Int]) -> [Float] {
    var values = [Float](repeating: .nan, count: positions.count * columns.length)
    values.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      columns.read(tensor, at: positions, into: base, pool: pool)
    }
    return values
  }

  @Test func windowsHoldZerosWhereTheyReachIntoThePadding() throws {
    let node = Node(
      name: "conv", op: "Conv", inputs: ["x", "w"], outputs: ["y"],
      attributes: [Attribute("pads", .ints([1, 1, 0, 0]))])
    let layer = try ObservedLayer(name: "conv", node: node, weightShape: [4, 2, 2, 2])
    let columns = try LayerColumns(layer, of: Self.input.shape)
    #expect(columns.count == 18 && columns.length == 8)
    // The first of the first sample, the middle and the last of the second one.
    #expect(
      Self.read(columns, Self.input, at: [0, 13, 17]) == [
        0, 0, 0, 0, 0, 0, 0, 9,
        18, 19, 21, 22, 27, 28, 30, 31,
        22, 23, 25, 26, 31, 32, 34, 35,
      ])
  }

  @Test func outputsHaveAnEntryForEachChannel() throws {
    let conv = Node(name: "conv", op: "Conv", inputs: ["x", "w"], outputs: ["y"])
    let window = LayerColumns(
      outputsOf: try ObservedLayer(name: "conv", node: conv, weightShape: [2, 5, 1, 1]),
      of: Self.input.shape)
    #expect(window.count == 18 && window.length == 2)
    #expect(Self.read(window, Self.input, at: [2, 9]) == [2, 11, 18, 27])
    let matMul = Node(name: "fc", op: "MatMul", inputs: ["x", "w"], outputs: ["y"])
    let rows = LayerColumns(
      outputsOf: try ObservedLayer(name: "fc", node: matMul, weightShape: [5, 3]),
      of: Self.input.shape)
    #expect(rows.count == 12 && rows.length == 3)
    #expect(Self.read(rows, Self.input, at: [11, 1]) == [33, 34, 35, 3, 4, 5])
  }
}
