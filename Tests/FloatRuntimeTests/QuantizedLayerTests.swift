import GraphIR
import Tensors
import Testing

@testable import FloatRuntime

/// Layers of QDQ graphs against the scalar statement of the arithmetic, with ==.
@Suite struct QuantizedLayerTests {
  struct Layer: Sendable, CustomTestStringConvertible {
    var channels: Int
    var rows: Int
    var size: Int
    var kernel: Int
    var inputZero: Int
    var outputZero: Int
    var signedOutput = false
    var relu = false
    var weights = -127...127

    var testDescription: String { "\(channels)->\(rows) \(size) k\(kernel) z\(inputZero)" }
  }

  static let layers = [
    Layer(channels: 3, rows: 5, size: 9, kernel: 3, inputZero: 0, outputZero: 128),
    Layer(channels: 16, rows: 19, size: 7, kernel: 3, inputZero: 131, outputZero: 0, relu: true),
    Layer(
      channels: 600, rows: 4, size: 5, kernel: 3, inputZero: 255, outputZero: -128,
      signedOutput: true, relu: true, weights: 100...127),
    Layer(channels: 33, rows: 8, size: 6, kernel: 1, inputZero: 7, outputZero: 3),
  ]

  @Test(arguments: layers, [1, 2])
  func convolutionIsExact(layer: Layer, threads: Int) throws {
    var noise = IntegerNoise(seed: layer.channels)
    let x = (0..<layer.channels * layer.size * layer.size).map { _ in noise.next(in: 0...255) }
    let depth = layer.channels * layer.kernel * layer.kernel
    let w = (0..<layer.rows * depth).map { _ in noise.next(in: layer.weights) }
    let bias = (0..<layer.rows).map { _ in Int32(noise.next(in: -5000...5000)) }
    let inputScale: Float = 0.0173
    let weightScales = (0..<layer.rows).map { 0.003 + 0.0007 * Float($0) }
    let outputScale: Float = 0.041 * Float(depth) / 9
    let model = Self.convolutionModel(
      layer, w: w, bias: bias, inputScale: inputScale, weightScales: weightScales,
      outputScale: outputScale)
    let engine = try FloatEngine(model: model, threads: threads)
    let input = try #require(
      Tensor(
        integers: x, elementType: .uint8, shape: [1, layer.channels, layer.size, layer.size]))
    let profile = try engine.profile(["x": .tensor(input)])
    #expect(profile.nodes.map(\.op) == ["QLinearConv"])
    guard case .tensor(let y)? = try engine.run(["x": .tensor(input)])["y"] else {
      Issue.record("no output")
      return
    }
    let range = layer.signedOutput ? -128...127 : 0...255
    let out = layer.size
    var expected: [Int] = []
    for row in 0..<layer.rows {
      let multiplier = inputScale * weightScales[row] / outputScale
      for h in 0..<out {
        for v in 0..<out {
          var sum = Int(bias[row])
          for c in 0..<layer.channels {
            for i in 0..<layer.kernel {
              for j in 0..<layer.kernel {
                let (a, b) = (h + i - layer.kernel / 2, v + j - layer.kernel / 2)
                guard a >= 0, a < out, b >= 0, b < out else { continue }
                sum +=
                  (x[(c * out + a) * out + b] - layer.inputZero)
                  * w[row * depth + (c * layer.kernel + i) * layer.kernel + j]
              }
            }
          }
          let rounded = (Float(Int32(sum)) * multiplier).rounded(.toNearestOrEven)
          let value = Int(rounded) + layer.outputZero
          expected.append(min(max(value, range.lowerBound), range.upperBound))
        }
      }
    }
    #expect(y.integers() == expected)
  }

  /// x (uint8) -> DQ -> Conv -> (Relu) -> Q -> y.
  private static func convolutionModel(
    _ layer: Layer, w: [Int], bias: [Int32], inputScale: Float, weightScales: [Float],
    outputScale: Float
  ) -> Model {
    let pad = layer.kernel / 2
    var graph = Graph(
      inputs: [
        ValueInfo(
          name: "x",
          type: .tensor(
            .uint8,
            shape: [1, layer.channels, layer.size, layer.size].map { Dimension.fixed($0) }))
      ],
      outputs: [ValueInfo(name: "y", type: nil)])
    let kernel = [layer.rows, layer.channels, layer.kernel, layer.kernel]
    graph.initializers = [
      "sx": Tensor(scalar: inputScale),
      "zx": Tensor(scalar: UInt8(layer.inputZero)),
      "w": Tensor(w.map { Int8($0) }, shape: kernel),
      "sw": Tensor(weightScales, shape: [layer.rows]),
      "zw": Tensor([Int8](repeating: 0, count: layer.rows), shape: [layer.rows]),
      "b": Tensor(bias, shape: [layer.rows]),
      "sb": Tensor(weightScales.map { inputScale * $0 }, shape: [layer.rows]),
      "sy": Tensor(scalar: outputScale),
      "zy": layer.signedOutput
        ? Tensor(scalar: Int8(layer.outputZero)) : Tensor(scalar: UInt8(layer.outputZero)),
    ]
    let axis = Attribute("axis", .int(0))
    graph.nodes = [
      Node(op: "DequantizeLinear", inputs: ["x", "sx", "zx"], outputs: ["xf"]),
      Node(op: "DequantizeLinear", inputs: ["w", "sw", "zw"], outputs: ["wf"], attributes: [axis]),
      Node(op: "DequantizeLinear", inputs: ["b", "sb"], outputs: ["bf"], attributes: [axis]),
      Node(
        op: "Conv", inputs: ["xf", "wf", "bf"], outputs: ["c"],
        attributes: [Attribute("pads", .ints([pad, pad, pad, pad]))]),
    ]
    if layer.relu { graph.nodes.append(Node(op: "Relu", inputs: ["c"], outputs: ["r"])) }
    graph.nodes.append(
      Node(
        op: "QuantizeLinear", inputs: [layer.relu ? "r" : "c", "sy", "zy"], outputs: ["y"]))
    return Model(operatorSets: [OperatorSet(version: 21)], graph: graph)
  }

  @Test(arguments: [(1, 37, 11), (5, 700, 3), (20, 64, 33)])
  func matrixProductIsExact(rows: Int, depth: Int, columns: Int) throws {
    var noise = IntegerNoise(seed: depth)
    let a = (0..<rows * depth).map { _ in noise.next(in: 0...255) }
    let b = (0..<depth * columns).map { _ in noise.next(in: 90...127) }
    let inputs = [
      ("a", ElementType.uint8, [rows, depth]), ("b", ElementType.int8, [depth, columns]),
    ]
    let graph = Graph(
      inputs: inputs.map { name, type, shape in
        ValueInfo(name: name, type: .tensor(type, shape: shape.map { .fixed($0) }))
      },
      outputs: [ValueInfo(name: "y", type: nil)],
      nodes: [Node(op: "MatMulInteger", inputs: ["a", "b"], outputs: ["y"])])
    let engine = try FloatEngine(
      model: Model(operatorSets: [OperatorSet(version: 25)], graph: graph))
    let values = try zip([a, b], inputs).map { integers, input in
      try #require(Tensor(integers: integers, elementType: input.1, shape: input.2))
    }
    guard
      case .tensor(let y)? = try engine.run(["a": .tensor(values[0]), "b": .tensor(values[1])])["y"]
    else {
      Issue.record("no output")
      return
    }
    let expected = (0..<rows * columns).map { index in
      (0..<depth).reduce(0) {
        $0 + a[index / columns * depth + $1] * b[$1 * columns + index % columns]
      }
    }
    #expect(y.integers() == expected)
  }
}
