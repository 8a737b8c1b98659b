import GraphIR
import Quantization
import Tensors
import Testing

@testable import Lowering

struct LoweringErrorTests {
  private func error(
    bits: [Int] = [8], storage: QuantizationPlan.Storage = .cast,
    _ change: (inout HandMadePlan) -> Void
  ) throws -> LoweringError? {
    let model = LoweringTests.smallNetwork().model
    var made = try HandMadePlan(model, bits: bits, storage: storage)
    change(&made)
    do {
      _ = try Lowering.lower(model, plan: made.plan, weights: made.weights)
    } catch let error as LoweringError {
      return error
    }
    return nil
  }

  @Test func plansThatCannotBeWritten() throws {
    #expect(try error { $0.plan.layers[0].name = "conv9" } == .unknownLayer("conv9"))
    #expect(try error { $0.plan.layers[0].axis = 1 } == .unknownLayer("a.node"))
    #expect(
      try error { $0.plan.activations["b"] = nil } == .activationMissing(value: "b"))
    #expect(
      try error { $0.plan.activations["q"] = $0.plan.activations["b"] } == .unknownActivation("q"))
    #expect(
      try error { $0.plan.activations["f"]?.scale = 0.5 }
        == .activationsDiffer(value: "f", source: "g"))
    #expect(
      try error { $0.weights["a.w"] = nil } == .weightMissing(layer: "a.node", weight: "a.w"))
    #expect(
      try error(bits: [2], storage: .native) { _ in }
        == .nativeTwoBits(layers: ["a.node", "b.node", "y.node"]))
  }

  @Test func numbersThatAreNotAllowed() throws {
    for scale in [0, -1, .nan, .infinity, 1e-42] as [Float] {
      guard case .activationInvalid("b", _) = try error({ $0.plan.activations["b"]?.scale = scale })
      else {
        Issue.record("activation scale \(scale) was accepted")
        continue
      }
    }
    for scale in [0, -1, .nan, .infinity] as [Float] {
      guard
        case .weightInvalid("a.node", _, _) = try error({ $0.weights["a.w"]?.scales[1] = scale })
      else {
        Issue.record("weight scale \(scale) was accepted")
        continue
      }
    }
    guard case .activationInvalid("r", _) = try error({ $0.plan.activations["r"]?.zeroPoint = 9 })
    else {
      Issue.record("a range below zero was accepted behind a Relu")
      return
    }
    guard case .weightInvalid = try error(bits: [8], { $0.plan.layers[0].weightBits = 4 }) else {
      Issue.record("other bits than the plan's were accepted")
      return
    }
  }

  @Test(arguments: [
    [QuantizationPlan.ChannelGroup(channels: 3, bits: 8)], [.init(channels: 5, bits: 4)],
    [.init(channels: 0, bits: 8), .init(channels: 5, bits: 8)],
    [.init(channels: 3, bits: 8), .init(channels: 2, bits: 9)],
    [.init(channels: 3, bits: 8), .init(channels: 2, bits: 2)], [],
  ])
  func groupsMustBeThoseOfTheChannels(groups: [QuantizationPlan.ChannelGroup]) throws {
    guard case .weightInvalid("a.node", _, _) = try error({ $0.plan.layers[0].groups = groups })
    else {
      Issue.record("\(groups) were accepted")
      return
    }
  }

  @Test func groupsOfNarrowChannelsAreVerified() throws {
    let model = LoweringTests.smallNetwork().model
    var made = try HandMadePlan(model, bits: [8])
    let weight = try #require(made.weights["a.w"])
    let length = weight.integers.count / 5
    let narrow = weight.integers.elements(of: Int8.self).enumerated().map {
      $0.offset < 2 * length ? min(max($0.element, -2), 1) : $0.element
    }
    made.weights["a.w"]?.integers = Tensor(narrow, shape: weight.integers.shape)
    made.plan.layers[0].groups = [.init(channels: 2, bits: 2), .init(channels: 3, bits: 8)]
    let lowered = try Lowering.lower(model, plan: made.plan, weights: made.weights)
    _ = try LoweringVerification.verify(lowered, against: made.plan)
    var others = made.plan
    others.layers[0].groups = [.init(channels: 3, bits: 2), .init(channels: 2, bits: 8)]
    let renamed = try lowered.applying([.recordPlan(others)])
    #expect(throws: VerificationError.self) {
      try LoweringVerification.verify(renamed, against: others)
    }
  }

  @Test func verificationFindsChanges() throws {
    let model = LoweringTests.smallNetwork().model
    let made = try HandMadePlan(model, bits: [4, 8])
    let good = try Lowering.lower(model, plan: made.plan, weights: made.weights)
    func broken(_ change: (inout Model) -> Void) -> VerificationError? {
      var model = good
      change(&model)
      do {
        _ = try LoweringVerification.verify(model, against: made.plan)
      } catch { return error as? VerificationError }
      return nil
    }
    #expect(broken { $0.metadata = [] } == .planMissing)
    #expect(broken { $0.metadata[0].value = "{}" } == .planDiffers)
    let scaled = broken { model in
      model.graph.initializers["a.b_scale"] = Tensor([Float](repeating: 1, count: 5), shape: [5])
    }
    guard case .bias("a.node", _) = scaled else {
      Issue.record("a wrong bias scale was accepted")
      return
    }
    let zeroPoint = broken { $0.graph.initializers["x_zero_point"] = Tensor(scalar: UInt8(7)) }
    guard case .activation("x", _) = zeroPoint else {
      Issue.record("a wrong zero point was accepted")
      return
    }
    let unquantized = broken { model in
      for position in model.graph.nodes.indices where model.graph.nodes[position].name == "b.node" {
        model.graph.nodes[position].inputs[0] = "r"
      }
    }
    guard case .notFused("a.node", _) = unquantized else {
      Issue.record("a float input was accepted")
      return
    }
  }
}
