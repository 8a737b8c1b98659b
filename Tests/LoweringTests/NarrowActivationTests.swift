import Foundation
import GraphIR
import Quantization
import Tensors
import Testing

@testable import Lowering

/// Activations of less than 8 bits: a `Clip` on the integers.
struct NarrowActivationTests {
  /// A plan for `LoweringTests.smallNetwork` whose value 'r' has `bits`.
  private func made(_ model: Model, bits: Int, value: String = "r") throws -> HandMadePlan {
    var made = try HandMadePlan(model)
    let site = try #require(
      QuantizationSites.analyze(model).activations.first { $0.value == value })
    made.plan.activations[value] = site.constrained(
      AffineParameters.covering(low: -2, high: 2, bits: bits))
    return made
  }

  private func lower(_ model: Model, _ made: HandMadePlan) throws -> Model {
    try Lowering.lower(model, plan: made.plan, weights: made.weights)
  }

  @Test func rangesOfFewBitsHoldZero() {
    for bits in 2...8 {
      let parameters = AffineParameters.covering(low: -1, high: 2, bits: bits)
      #expect(parameters.range == 0...(1 << bits) - 1)
      #expect(parameters.range.contains(parameters.zeroPoint))
      #expect(parameters.dequantize(parameters.quantize(0)) == 0)
      #expect(parameters.quantize(99) == (1 << bits) - 1 && parameters.quantize(-99) == 0)
    }
    #expect(AffineParameters.covering(low: 0, high: 1, bits: 4).zeroPoint == 0)
  }

  @Test(arguments: 2...7)
  func integersAreClipped(bits: Int) throws {
    let model = LoweringTests.smallNetwork().model
    let made = try made(model, bits: bits)
    let lowered = try lower(model, made)
    _ = try LoweringVerification.verify(lowered, against: made.plan)
    let clips = lowered.graph.nodes.filter { $0.isOperator("Clip") }
    #expect(clips.map(\.name) == ["r_Clip"])
    #expect(lowered.graph.initializers["r_least"]?.integers() == [0])
    #expect(lowered.graph.initializers["r_largest"]?.integers() == [(1 << bits) - 1])
    #expect(lowered.graph.initializers["r_largest"]?.elementType == .uint8)
    // The Relu stays: it vanishes in a quantizer whose zero point is the least integer.
    #expect(lowered.graph.nodes.contains { $0.isOperator("Relu") })
    #expect(made.plan.activations["r"]?.zeroPoint == 0)
  }

  @Test func aClipThatTheIntegersTakeOverIsGone() throws {
    var net = GraphBuilder(inputs: [("x", [1, 3, 8, 8])])
    net.conv("x", (3, 5), to: "a")
    net.constant("six", Tensor(scalar: Float(6)))
    net.constant("none", Tensor(scalar: Float(0)))
    net.node("Clip", ["a", "none", "six"], to: "r")
    net.conv("r", (5, 5), to: "y")
    net.output("y")
    let made = try made(net.model, bits: 4)
    #expect(try #require(made.plan.activations["r"]).representable.upperBound <= 6)
    let lowered = try lower(net.model, made)
    _ = try LoweringVerification.verify(lowered, against: made.plan)
    let quantizer = try #require(
      lowered.graph.nodes.first { $0.name == "r_QuantizeLinear" })
    #expect(quantizer.input(0) == "a")
    #expect(lowered.graph.nodes.count { $0.isOperator("Clip") } == 1)
  }

  @Test func verificationSeesAnotherWidth() throws {
    let model = LoweringTests.smallNetwork().model
    let made = try made(model, bits: 4)
    var lowered = try lower(model, made)
    lowered.graph.initializers["r_largest"] = Tensor(scalar: UInt8(31))
    #expect(
      throws: VerificationError.activation(value: "r", problem: "does not have the plan's 4 bits")
    ) {
      try LoweringVerification.verify(lowered, against: made.plan)
    }
  }

  @Test func plansWithoutWidthsAreOfTheType() throws {
    let text = #"{"scale": 0.5, "zeroPoint": 3, "elementType": \#(ElementType.uint8.rawValue)}"#
    let read = try JSONDecoder().decode(AffineParameters.self, from: Data(text.utf8))
    #expect(read == AffineParameters(scale: 0.5, zeroPoint: 3, elementType: .uint8, bits: 8))
  }

  @Test func zeroPointsBeyondTheWidthAreRefused() throws {
    let model = LoweringTests.smallNetwork().model
    var made = try made(model, bits: 4)
    made.plan.activations["x"] = AffineParameters(
      scale: 0.1, zeroPoint: 16, elementType: .uint8, bits: 4)
    do {
      _ = try lower(model, made)
      Issue.record("a zero point of 16 has no place in 4 bits")
    } catch let error as LoweringError {
      guard case .activationInvalid("x", _) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }
}
