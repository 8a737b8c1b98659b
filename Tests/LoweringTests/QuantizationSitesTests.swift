import GraphIR
import Testing

@testable import Lowering

struct QuantizationSitesTests {
  private func sites(_ builder: GraphBuilder) throws -> QuantizationSites {
    try builder.model.graph.validate()
    return try .analyze(builder.model)
  }

  @Test func residualBlock() throws {
    var net = GraphBuilder(inputs: [("x", [1, 8, 8, 8])])
    net.conv("x", (8, 8), to: "a")
    net.node("Relu", ["a"], to: "r")
    net.conv("r", (8, 8), to: "b")
    net.node("Add", ["b", "r"], to: "s")
    net.node("Relu", ["s"], to: "t")
    net.node("GlobalAveragePool", ["t"], to: "g")
    net.node("Flatten", ["g"], to: "f")
    net.weight("fc.w", [10, 8])
    net.weight("fc.b", [10])
    net.node("Gemm", ["f", "fc.w", "fc.b"], to: "y", ["transB": .int(1)])
    net.output("y")
    let sites = try sites(net)
    #expect(sites.layers.map(\.name) == ["a.node", "b.node", "y.node"])
    #expect(sites.layers.map(\.axis) == [0, 0, 0])
    #expect(sites.activations.map(\.value) == ["x", "r", "b", "t", "g", "f"])
    let limits = Dictionary(
      uniqueKeysWithValues: sites.activations.map { ($0.value, $0.lowerLimit) })
    #expect(limits["r"] == 0 && limits["t"] == 0 && limits["b"] == .some(nil))
    #expect(sites.activations.last?.sameAs == "g")
    #expect(
      sites.limitedSums(in: net.model.graph) == [
        LimitedSum(operands: ["b", "r"], lowerLimit: 0, upperLimit: nil)
      ])
  }

  @Test func sumsThatAreReadAsTheyAreHaveNoLimits() throws {
    var net = GraphBuilder(inputs: [("x", [1, 8, 8, 8])])
    net.conv("x", (8, 8), to: "a")
    net.conv("a", (8, 8), to: "b")
    net.node("Add", ["a", "b"], to: "s")
    net.conv("s", (8, 8), to: "c")
    net.node("Relu", ["c"], to: "y")
    net.output("y")
    #expect(try sites(net).limitedSums(in: net.model.graph).isEmpty)
  }

  @Test func clipLimitsOfBothForms() throws {
    for opset in [6, 13] {
      var net = GraphBuilder(opset: opset, inputs: [("x", [1, 4, 8, 8])])
      net.conv("x", (4, 4), to: "a")
      if opset < 11 {
        net.node("Clip", ["a"], to: "c", ["min": .float(0), "max": .float(6)])
      } else {
        net.constant("lo", .init(scalar: Float(0)))
        net.constant("hi", .init(scalar: Float(6)))
        net.node("Clip", ["a", "lo", "hi"], to: "c")
      }
      net.conv("c", (4, 4), to: "y")
      net.output("y")
      let site = try #require(try sites(net).activations.first { $0.value == "c" })
      #expect(site.lowerLimit == 0 && site.upperLimit == 6)
    }
  }

  @Test func transformerResidualStaysFloat() throws {
    var net = GraphBuilder(inputs: [("x", [1, 4, 16])])
    net.weight("g", [16])
    net.node("LayerNormalization", ["x", "g"], to: "n")
    net.weight("w", [16, 16])
    net.weight("b", [16])
    net.node("MatMul", ["n", "w"], to: "m")
    net.node("Add", ["b", "m"], to: "mb")
    net.node("Add", ["n", "mb"], to: "s")
    net.node("LayerNormalization", ["s", "g"], to: "y")
    net.output("y")
    let sites = try sites(net)
    #expect(sites.layers.map(\.bias) == ["b"] && sites.layers[0].output == "mb")
    #expect(sites.layers[0].axis == 1)
    #expect(sites.activations.map(\.value) == ["n"])
    #expect(sites.activations[0].readers == [.init(node: "m", input: 0)])
    #expect(!sites.activations[0].replacesFloatValue)
  }

  @Test func productsOfAnAttention() throws {
    var net = GraphBuilder(inputs: [("x", [1, 4, 16])])
    for name in ["q", "k", "v"] {
      net.weight("\(name).w", [16, 16])
      net.node("MatMul", ["x", "\(name).w"], to: name)
    }
    net.node("Transpose", ["k"], to: "t", ["perm": .ints([0, 2, 1])])
    net.node("MatMul", ["q", "t"], to: "s")
    net.node("Softmax", ["s"], to: "p")
    net.node("MatMul", ["p", "v"], to: "y")
    net.output("y")
    #expect(try sites(net).activations.map(\.value) == ["x"])
    let sites = try QuantizationSites.analyze(net.model, products: { _, _ in true })
    #expect(sites.layers.map(\.node) == ["q", "k", "v"])
    #expect(sites.activations.map(\.value) == ["x", "q", "k", "v", "t", "p"])
    #expect(sites.activations.map(\.isCentered) == [false, false, true, true, true, false])
    #expect(sites.activations.map(\.sameAs) == [nil, nil, nil, nil, "k", nil])
    #expect(
      sites.activations.map(\.replacesFloatValue) == [false, true, true, true, true, false])
    let one = try QuantizationSites.analyze(net.model, products: { left, _ in left == "p" })
    #expect(one.activations.map(\.value) == ["x", "v", "p"])
    let values = sites.activations[2].parameters(low: -3, high: 1)
    #expect(values.zeroPoint == 128 && values.scale == Float(3) / 127)
    #expect(values.representable.contains(-3) && values.representable.contains(3))
  }

  @Test func dataMoversShareParametersAndFloatIslandsDoNot() throws {
    var net = GraphBuilder(inputs: [("x", [1, 4, 8, 8])])
    net.conv("x", (4, 4), to: "a")
    net.node("MaxPool", ["a"], to: "p", ["kernel_shape": .ints([2, 2])])
    net.conv("p", (4, 4), to: "b")
    net.node("HardSwish", ["b"], to: "h")
    net.conv("h", (4, 4), to: "c")
    net.node("Transpose", ["c"], to: "y", ["perm": .ints([0, 2, 3, 1])])
    net.output("y")
    let sites = try sites(net)
    #expect(sites.activations.map(\.value) == ["x", "a", "p", "b", "h", "c"])
    #expect(sites.activations.map(\.sameAs) == [nil, nil, "a", nil, nil, nil])
  }

  @Test func shortcutThroughZeroPaddingCopiesItsParameters() throws {
    var net = GraphBuilder(inputs: [("x", [1, 4, 8, 8])])
    net.conv("x", (4, 4), to: "a")
    net.node("Relu", ["a"], to: "r")
    net.constant("pads", .init([Int64](repeating: 1, count: 8), shape: [8]))
    net.node("Pad", ["r", "pads"], to: "p")
    net.conv("r", (4, 4), to: "b")
    net.node("Add", ["b", "p"], to: "s")
    net.conv("s", (4, 4), to: "y")
    net.output("y")
    let sites = try sites(net)
    let padded = try #require(sites.activations.first { $0.value == "p" })
    #expect(padded.sameAs == "r" && !padded.replacesFloatValue)
  }

  @Test func whatIsNoLayer() throws {
    var net = GraphBuilder(inputs: [("x", [4, 8])])
    net.weight("w", [8, 8])
    net.node("Gemm", ["x", "w"], to: "a", ["alpha": .float(0.5)])
    net.node("Gemm", ["a", "w"], to: "b", ["transA": .int(1)])
    net.node("MatMul", ["w", "b"], to: "c")
    net.weight("tied", [8, 8])
    net.node("MatMul", ["c", "tied"], to: "d")
    net.node("Gemm", ["d", "tied"], to: "e", ["transB": .int(1)])
    net.weight("read", [8, 8])
    net.node("MatMul", ["e", "read"], to: "f")
    net.node("Mul", ["f", "read"], to: "y")
    net.output("y")
    #expect(try sites(net).layers == [])
  }

  @Test func sharedWeightsAreMarked() throws {
    var net = GraphBuilder(inputs: [("x", [4, 8])])
    net.weight("w", [8, 8])
    net.node("MatMul", ["x", "w"], to: "a")
    net.node("Sigmoid", ["a"], to: "s")
    net.node("MatMul", ["s", "w"], to: "y")
    net.output("y")
    let sites = try sites(net)
    #expect(sites.layers.map(\.sharesWeight) == [true, true])
    #expect(sites.activations.map(\.value) == ["x", "s"])
  }

  @Test func constrainedParametersLieWithinTheLimits() {
    let limits: [(Float?, Float?)] = [(0, nil), (0, 6), (-1, 1), (nil, 2.5), (-0.3, 7.7)]
    for (lower, upper) in limits {
      let site = QuantizationSites.Activation(
        value: "v", sameAs: nil, lowerLimit: lower, upperLimit: upper, readers: [],
        replacesFloatValue: true)
      for step in 1..<200 {
        let given = [0, 3, 100, 128, 255].map {
          site.constrained(.init(scale: Float(step) * 0.00123, zeroPoint: $0, elementType: .uint8))
        }
        for parameters in given {
          #expect(site.satisfies(parameters))
          #expect(parameters.scale > 0)
        }
      }
    }
  }
}
