import Foundation
public import GraphIR
public import Quantization

/// What ONNX Runtime will make of a written file, layer by layer.
public struct LoweringVerification: Sendable, Codable, Equatable {
  public struct Layer: Sendable, Codable, Equatable {
    public var name: String
    /// The kernel that ONNX Runtime's CPU provider runs after its fusions.
    public var kernel: String
    public var runsInIntegers: Bool
    /// Why the layer stays float.
    public var reason: String?
    public var macs: Int?
  }

  public var layers: [Layer]
  /// Multiply-accumulates of the layers that run in integers, and of all that were given.
  public var integerMACs: Int
  public var totalMACs: Int

  /// Compares a reloaded file with its plan: types, ranges, scales, zero points, bias scales bit
  /// for bit, and that every layer stands in a pattern that fuses.
  ///
  /// `macs` holds the multiply-accumulates of the network's layers by name, also of those that
  /// the plan leaves float.
  public static func verify(
    _ reloaded: Model, against plan: QuantizationPlan, macs: [String: Int] = [:]
  ) throws -> LoweringVerification {
    try checkMetadata(of: reloaded, plan)
    let reader = try QuantizedGraphReader(reloaded.graph, plan: plan)
    var report = LoweringVerification(
      layers: [], integerMACs: 0, totalMACs: macs.values.reduce(0) { $0.saturatingSum($1) })
    for layer in plan.layers {
      let kernel = try reader.kernel(of: layer)
      report.layers.append(
        Layer(
          name: layer.name, kernel: kernel.name, runsInIntegers: kernel.reason == nil,
          reason: kernel.reason, macs: macs[layer.name]))
      if kernel.reason == nil {
        report.integerMACs = report.integerMACs.saturatingSum(macs[layer.name] ?? 0)
      }
    }
    try plan.tables.forEach(reader.check)
    return report
  }

  private static func checkMetadata(
    of model: Model, _ plan: QuantizationPlan
  ) throws(VerificationError) {
    guard let entry = model.metadata.first(where: { $0.key == Lowering.metadataKey }) else {
      throw .planMissing
    }
    let stored = try? JSONDecoder().decode(QuantizationPlan.self, from: Data(entry.value.utf8))
    guard stored == plan else { throw .planDiffers }
  }
}

extension Int {
  fileprivate func saturatingSum(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
