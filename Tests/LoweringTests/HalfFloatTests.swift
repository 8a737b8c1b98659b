import GraphIR
import Tensors
import Testing

@testable import Lowering

struct HalfFloatTests {
  @Test func largeConstantsTakeHalfTheBytes() throws {
    var net = GraphBuilder(inputs: [("x", [4, 64])])
    net.weight("w", [64, 16])
    net.weight("kept", [64, 16])
    net.weight("vector", [512])
    net.weight("small", [4, 8])
    net.constant("huge", Tensor([Float](repeating: 1e6, count: 512), shape: [16, 32]))
    net.node("MatMul", ["x", "w"], to: "y")
    net.output("y")
    let model = net.model
    let stored = try model.applying([.storeHalfFloats(except: ["kept"])])
    let half = try #require(stored.graph.initializers["w_half"])
    #expect(half.elementType == .float16 && half.shape == [64, 16])
    #expect(stored.graph.nodes.map(\.op) == ["Cast", "MatMul"])
    #expect(stored.graph.nodes[0].outputs == ["w"])
    let exact = try #require(model.graph.initializers["w"]).elements(of: Float.self)
    for (a, b) in zip(exact, half.elements(of: Float16.self)) {
      #expect(abs(a - Float(b)) <= abs(a) / 2048 + 1e-7)
    }
    for name in ["kept", "vector", "small", "huge"] {
      #expect(stored.graph.initializers[name] == model.graph.initializers[name])
    }
  }
}
