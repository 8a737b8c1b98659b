import FloatRuntime
import GraphIR
import Parallelism
import Tensors
import TestSupport
import Testing

/// Gradients of single operators and small networks against central differences of a random
/// projection of the outputs.
@Suite struct GradientTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var op: String
    /// Shapes of the float inputs that gradients go to.
    var shapes: [[Int]]
    var attributes: [Attribute] = []
    /// Further inputs.
    var constants: [Tensor?] = []
    var outputs = 1
    /// Inputs are `offset + scale * normal`.
    var offset: Float = 0
    var scale: Float = 1

    var testDescription: String { "\(op) \(shapes) \(attributes.map { "\($0.name)" })" }
  }

  static func ints(_ name: String, _ values: [Int]) -> Attribute { Attribute(name, .ints(values)) }
  static func int(_ name: String, _ value: Int) -> Attribute { Attribute(name, .int(value)) }

  static let cases: [Case] =
    [
      "Relu", "Sigmoid", "Tanh", "Exp", "Neg", "Abs", "Erf", "LeakyRelu", "Elu", "HardSigmoid",
      "HardSwish", "Gelu", "Softplus", "Sin", "Cos", "Identity", "Flatten", "Dropout",
    ].map { Case(op: $0, shapes: [[2, 3, 5]]) }
    + ["Sqrt", "Log", "Reciprocal"].map { Case(op: $0, shapes: [[2, 7]], offset: 4, scale: 0.5) }
    + ["Add", "Sub", "Mul"].flatMap { op in
      [Case(op: op, shapes: [[2, 3, 4], [3, 1]]), Case(op: op, shapes: [[4], [2, 1, 4]])]
    }
    + [
      Case(
        op: "Gelu", shapes: [[9]],
        attributes: [Attribute("approximate", .string(Array("tanh".utf8)))]),
      Case(op: "PRelu", shapes: [[2, 3, 4], [3, 1]]),
      Case(op: "Div", shapes: [[2, 3], [3]], offset: 4, scale: 0.5),
      Case(op: "Pow", shapes: [[2, 3], [3]], offset: 3, scale: 0.3),
      Case(op: "Pow", shapes: [[2, 5]], constants: [Tensor(scalar: Float(2))]),
      Case(op: "Max", shapes: [[2, 3], [3], [2, 1]]), Case(op: "Min", shapes: [[2, 3], [3]]),
      Case(op: "Sum", shapes: [[2, 3], [3], [1, 3]]),
      Case(
        op: "Clip", shapes: [[3, 7]],
        constants: [Tensor(scalar: Float(-0.5)), Tensor(scalar: Float(0.7))]),
      Case(
        op: "Reshape", shapes: [[2, 3, 4]], constants: [Tensor([Int64(4), -1], shape: [2])]),
      Case(op: "Squeeze", shapes: [[2, 1, 4]], constants: [Tensor([Int64(1)], shape: [1])]),
      Case(op: "Unsqueeze", shapes: [[2, 4]], constants: [Tensor([Int64(1)], shape: [1])]),
      Case(op: "Transpose", shapes: [[2, 3, 4]], attributes: [ints("perm", [1, 2, 0])]),
      Case(op: "Concat", shapes: [[2, 3, 2], [2, 1, 2]], attributes: [int("axis", 1)]),
      Case(
        op: "Split", shapes: [[2, 6]], attributes: [int("axis", 1), int("num_outputs", 2)],
        outputs: 2),
      Case(
        op: "Slice", shapes: [[3, 8]],
        constants: [[7], [0], [1], [-2]].map { Tensor([Int64($0[0])], shape: [1]) }),
      Case(
        op: "Gather", shapes: [[4, 3]], attributes: [int("axis", 0)],
        constants: [Tensor([Int64(1), 3, 1], shape: [3])]),
      Case(op: "Expand", shapes: [[3, 1]], constants: [Tensor([Int64(2), 3, 4], shape: [3])]),
      Case(op: "Tile", shapes: [[2, 3]], constants: [Tensor([Int64(2), 2], shape: [2])]),
      Case(
        op: "Pad", shapes: [[2, 3]], constants: [Tensor([Int64(1), -1, 0, 2], shape: [4])]),
      Case(
        op: "Pad", shapes: [[2, 4]],
        attributes: [Attribute("mode", .string(Array("reflect".utf8)))],
        constants: [Tensor([Int64(0), 2, 0, 1], shape: [4])]),
      Case(op: "DepthToSpace", shapes: [[1, 8, 2, 3]], attributes: [int("blocksize", 2)]),
      Case(op: "ReduceMean", shapes: [[2, 3, 4]], constants: [Tensor([Int64(1)], shape: [1])]),
      Case(
        op: "ReduceSum", shapes: [[2, 3, 4]], attributes: [int("keepdims", 0)],
        constants: [Tensor([Int64(0), 2], shape: [2])]),
      Case(op: "ReduceL2", shapes: [[2, 5]], constants: [Tensor([Int64(1)], shape: [1])]),
      Case(op: "ReduceSumSquare", shapes: [[2, 5]]),
      Case(op: "GlobalAveragePool", shapes: [[2, 3, 4, 5]]),
      Case(
        op: "AveragePool", shapes: [[1, 2, 7, 6]],
        attributes: [
          ints("kernel_shape", [3, 2]), ints("strides", [2, 1]), ints("pads", [1, 0, 1, 1]),
        ]),
      Case(
        op: "MaxPool", shapes: [[1, 2, 7, 6]],
        attributes: [
          ints("kernel_shape", [3, 3]), ints("strides", [2, 2]), ints("pads", [1, 1, 1, 1]),
        ]),
      Case(op: "Softmax", shapes: [[2, 5, 3]], attributes: [int("axis", 1)]),
      Case(op: "Softmax", shapes: [[4, 6]]), Case(op: "LogSoftmax", shapes: [[4, 6]]),
      Case(op: "LayerNormalization", shapes: [[2, 3, 8], [8], [8]]),
      Case(
        op: "BatchNormalization", shapes: [[2, 3, 4], [3], [3]],
        constants: [
          Tensor([Float(0.1), -0.2, 0.3], shape: [3]), Tensor([Float(1), 2, 0.5], shape: [3]),
        ]),
      Case(op: "MatMul", shapes: [[2, 3, 4], [4, 5]]),
      Case(op: "MatMul", shapes: [[2, 1, 3, 4], [3, 4, 2]]),
      Case(op: "MatMul", shapes: [[3, 4], [2, 4, 5]]), Case(op: "MatMul", shapes: [[4], [4, 3]]),
      Case(
        op: "Conv", shapes: [[2, 3, 6, 5], [4, 3, 3, 3], [4]],
        attributes: [ints("pads", [1, 1, 1, 1])]),
      Case(
        op: "Conv", shapes: [[1, 4, 7, 8], [6, 2, 3, 2]],
        attributes: [
          int("group", 2), ints("strides", [2, 3]), ints("pads", [2, 0, 1, 1]),
          ints("dilations", [1, 2]),
        ]),
      Case(op: "Conv", shapes: [[2, 4, 3, 3], [5, 4, 1, 1], [5]]),
      Case(
        op: "Conv", shapes: [[1, 3, 9, 20], [6, 1, 3, 3], [6]],
        attributes: [int("group", 3), ints("pads", [1, 1, 1, 1])]),
      Case(
        op: "Conv", shapes: [[2, 3, 8, 7], [3, 1, 3, 3]],
        attributes: [
          int("group", 3), ints("strides", [2, 2]),
          Attribute("auto_pad", .string(Array("SAME_UPPER".utf8))),
        ]),
      Case(op: "Conv", shapes: [[1, 2, 9], [3, 2, 4]], attributes: [ints("strides", [2])]),
    ]
    + [(0, 0), (0, 1), (1, 0), (1, 1)].map { transA, transB in
      Case(
        op: "Gemm",
        shapes: [transA == 1 ? [4, 3] : [3, 4], transB == 1 ? [5, 4] : [4, 5], [5]],
        attributes: [
          int("transA", transA), int("transB", transB), Attribute("alpha", .float(0.5)),
          Attribute("beta", .float(2)),
        ])
    }

  @Test(arguments: cases) func agreesWithDifferences(_ given: Case) throws {
    let names = given.shapes.indices.map { "x\($0)" }
    let constants = given.constants.enumerated().map { index, tensor in
      tensor == nil ? "" : "c\(index)"
    }
    // Pad keeps its inputs in order; others list constants behind the float inputs.
    let node = Node(
      name: "tested", op: given.op, inputs: names + constants,
      outputs: (0..<given.outputs).map { "y\($0)" }, attributes: given.attributes)
    var graph = Graph(
      name: "g", outputs: node.outputs.map { ValueInfo(name: $0, type: nil) }, nodes: [node])
    for (index, shape) in given.shapes.enumerated() {
      graph.initializers[names[index]] = Self.tensor(
        shape, seed: UInt64(index + 1), offset: given.offset, scale: given.scale)
    }
    for (name, tensor) in zip(constants, given.constants) where !name.isEmpty {
      if let tensor { graph.initializers[name] = tensor }
    }
    let model = Model(operatorSets: [OperatorSet(version: 20)], graph: graph)
    try Self.check(model, inputs: [:], targets: names)
  }

  /// A network of many operators, where values are read more than once.
  @Test func agreesWithDifferencesInNetworks() throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      var graph = Graph(
        name: "g",
        inputs: [
          ValueInfo(name: "x", type: .tensor(.float32, shape: [1, 3, 8, 8].map { .fixed($0) }))
        ],
        outputs: [ValueInfo(name: "logits", type: nil)])
      func weight(_ name: String, _ shape: [Int]) {
        graph.initializers[name] = Self.tensor(
          shape, seed: seed &* 31 &+ UInt64(name.utf8.reduce(0) { $0 + Int($1) }), scale: 0.4)
      }
      func add(_ op: String, _ inputs: [String], _ output: String, _ attributes: [Attribute] = []) {
        graph.nodes.append(
          Node(name: output, op: op, inputs: inputs, outputs: [output], attributes: attributes))
      }
      weight("w1", [4, 3, 3, 3])
      weight("w2", [4, 1, 3, 3])
      weight("w3", [4, 4, 1, 1])
      weight("w4", [4, 6])
      weight("bias", [4])
      add("Conv", ["x", "w1", "bias"], "c1", [Self.ints("pads", [1, 1, 1, 1])])
      add("Sigmoid", ["c1"], "s1")
      add("Mul", ["c1", "s1"], "a1")
      add("Conv", ["a1", "w2"], "c2", [Self.ints("pads", [1, 1, 1, 1]), Self.int("group", 4)])
      add("Add", ["c2", "a1"], "r1")
      add("Conv", ["r1", "w3"], "c3", [Self.ints("strides", [2, 2])])
      add("Tanh", ["c3"], "t1")
      add("GlobalAveragePool", ["t1"], "p1")
      add("Flatten", ["p1"], "f1")
      add("MatMul", ["f1", "w4"], "logits")
      let model = Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
      try Self.check(
        model, inputs: ["x": Self.tensor([1, 3, 8, 8], seed: seed)],
        targets: ["w1", "w2", "w3", "w4", "bias"])
    }
  }

  @Test func namesWhatHasNoGradient() throws {
    let node = Node(name: "odd", op: "Hardmax", inputs: ["w"], outputs: ["y"])
    let graph = Graph(
      name: "g", outputs: [ValueInfo(name: "y", type: nil)],
      initializers: ["w": Tensor([Float(1), 2], shape: [1, 2])], nodes: [node])
    let model = Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
    #expect(throws: RuntimeError.noGradient(["Hardmax 'odd'"])) {
      try GradientEngine(model: model, of: ["w"], pool: WorkerPool(threadCount: 1))
    }
    #expect(throws: RuntimeError.unknownValue(name: "v")) {
      try GradientEngine(model: model, of: ["v"], pool: WorkerPool(threadCount: 1))
    }
  }

  /// Replaced weights: a rerun computes what a run from the start does.
  @Test func rerunsWhatDependsOnAWeight() throws {
    var graph = Graph(
      name: "g",
      inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: [.fixed(2), .fixed(3)]))],
      outputs: [ValueInfo(name: "y", type: nil)],
      nodes: [
        Node(name: "a", op: "MatMul", inputs: ["x", "u"], outputs: ["h"]),
        Node(name: "b", op: "Relu", inputs: ["h"], outputs: ["r"]),
        Node(name: "c", op: "MatMul", inputs: ["r", "v"], outputs: ["y"]),
      ])
    graph.initializers["u"] = Self.tensor([3, 4], seed: 1)
    graph.initializers["v"] = Self.tensor([4, 2], seed: 2)
    let model = Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
    let engine = try GradientEngine(
      model: model, of: ["u", "v"], pool: WorkerPool(threadCount: 2))
    let x = Self.tensor([2, 3], seed: 3)
    let other = Self.tensor([4, 2], seed: 9)
    let first = try engine.run(["x": x])
    let again = try engine.run(first, replacing: ["v": other])
    let fresh = try engine.run(["x": x], replacing: ["v": other])
    #expect(again["y"]?.elements(of: Float.self) == fresh["y"]?.elements(of: Float.self))
    #expect(again["y"]?.elements(of: Float.self) != first["y"]?.elements(of: Float.self))
  }

  /// The model's own weights are packed ahead; given again they are not.
  @Test func ownWeightsGiveWhatTheSameWeightsGive() throws {
    var graph = Graph(
      inputs: [
        ValueInfo(
          name: "x", type: .tensor(.float32, shape: [.fixed(1), .fixed(3), .fixed(9), .fixed(9)]))
      ],
      outputs: [ValueInfo(name: "y", type: nil)],
      nodes: [Node(name: "a", op: "Conv", inputs: ["x", "w"], outputs: ["y"])])
    let weight = Self.tensor([5, 3, 3, 3], seed: 4)
    graph.initializers["w"] = weight
    let engine = try GradientEngine(
      model: Model(operatorSets: [OperatorSet(version: 17)], graph: graph), of: ["w"],
      pool: WorkerPool(threadCount: 2))
    let x = Self.tensor([1, 3, 9, 9], seed: 6)
    let own = try #require(try engine.run(["x": x])["y"])
    let given = try #require(try engine.run(["x": x], replacing: ["w": weight])["y"])
    for (a, b) in zip(own.elements(of: Float.self), given.elements(of: Float.self)) {
      #expect(abs(a - b) < 1e-5)
    }
  }

  static func tensor(
    _ shape: [Int], seed: UInt64, offset: Float = 0, scale: Float = 1
  ) -> Tensor {
    Tensor(
      normalValues(Tensor.count(of: shape), seed: seed &+ 77).map { offset + scale * $0 },
      shape: shape)
  }

  /// Compares with `(L(w + e v) - L(w - e v)) / 2e` along random directions, `L` a random projection.
  static func check(_ model: Model, inputs: [String: Tensor], targets: [String]) throws {
    let pool = WorkerPool(threadCount: 2)
    let engine = try GradientEngine(model: model, of: Set(targets), pool: pool)
    let run = try engine.run(inputs)
    var seeds: [String: Tensor] = [:]
    for (index, output) in model.graph.outputs.enumerated() {
      let value = try #require(run[output.name])
      seeds[output.name] = tensor(value.shape, seed: UInt64(100 + index))
    }
    let gradients = try engine.gradients(of: run, seeds: seeds)
    func loss(_ replacing: [String: Tensor]) throws -> Double {
      let run = try engine.run(inputs, replacing: replacing)
      return try seeds.reduce(0) { sum, seed in
        let value = try #require(run[seed.key]).elements(of: Float.self)
        return sum
          + zip(value, seed.value.elements(of: Float.self)).reduce(0) {
            $0 + Double($1.0) * Double($1.1)
          }
      }
    }
    for (index, name) in targets.enumerated() {
      let weight = try #require(model.graph.initializers[name])
      let gradient = try #require(gradients[name])
      #expect(gradient.shape == weight.shape)
      for probe in 0..<3 {
        let direction = normalValues(weight.count, seed: UInt64(7 + 13 * index + probe))
        let step: Float = 2e-3
        func moved(_ sign: Float) -> Tensor {
          Tensor(
            zip(weight.elements(of: Float.self), direction).map { $0 + sign * step * $1 },
            shape: weight.shape)
        }
        let numeric = try (loss([name: moved(1)]) - loss([name: moved(-1)])) / (2 * Double(step))
        let analytic = zip(gradient.elements(of: Float.self), direction).reduce(0.0) {
          $0 + Double($1.0) * Double($1.1)
        }
        let size = zip(gradient.elements(of: Float.self), direction).reduce(0.0) {
          $0 + abs(Double($1.0) * Double($1.1))
        }
        #expect(
          abs(numeric - analytic) <= 2e-3 * max(size, 0.5),
          "\(name), probe \(probe): \(analytic), by differences \(numeric)")
      }
    }
  }
}
