import Foundation
import Quantization
import TestSupport
import Testing

@testable import BitAllocation

/// The nine ResNet-18 allocations of HAWQ-V3, found by an integer program over published figures.
@Suite struct PublishedAllocationTests {
  static let url = SharedFiles.file("reference/hawq-v3-resnet18.json")

  struct Fixture: Decodable {
    var layers: [String]
    var tied: [[String]]
    var hessianTracePerParameter: [Double]
    var weightErrorSquared: [String: [Double]]
    var parameters: [Int]
    var macs: [Int]
    var latencyMs: [String: [Double]]
    var published: [String: [String: String]]
  }

  @Test(
    .enabled(if: url != nil, "reference/hawq-v3-resnet18.json is not here: skipped"),
    arguments: ["size", "bops", "latency"], ["0.25", "0.5", "0.75"])
  func isReproduced(constraint: String, fraction: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let fixture = try decoder.decode(
      Fixture.self, from: Data(contentsOf: try #require(Self.url)))
    func cost(_ index: Int, _ bits: Int) throws -> Int {
      switch constraint {
      case "size": return fixture.parameters[index] * bits
      case "bops": return fixture.macs[index] * bits * bits
      default:
        let time = try #require(fixture.latencyMs["\(bits)"])[index]
        return Int((time * 1e8).rounded())
      }
    }
    let layers = try fixture.layers.indices.map { index in
      CostTable.Layer(
        name: fixture.layers[index],
        costs: [4: [try cost(index, 4)], 8: [try cost(index, 8)]])
    }
    let sensitivities = try fixture.layers.indices.map { index in
      SensitivityTable.Layer(
        name: fixture.layers[index],
        damage: try Dictionary(
          uniqueKeysWithValues: [4, 8].map { bits in
            let error = try #require(fixture.weightErrorSquared["\(bits)"])[index]
            return (bits, fixture.hessianTracePerParameter[index] * error)
          }))
    }
    let low = layers.reduce(0) { $0 + ($1.costs[Precision(weightBits: 4)]?[0] ?? 0) }
    let high = layers.reduce(0) { $0 + ($1.costs[Precision(weightBits: 8)]?[0] ?? 0) }
    let share = try #require(Double(fraction))
    let plan = try BitAllocator.allocate(
      sensitivities: SensitivityTable(layers: sensitivities),
      costs: CostTable(resources: [constraint], layers: layers),
      budget: Budget(limits: [
        .init(resource: constraint, maximum: low + Int(share * Double(high - low)))
      ]), ties: Ties(weights: fixture.tied))
    let bits = fixture.layers.map { plan.bits[$0].map(String.init) ?? "?" }.joined()
    #expect(bits == fixture.published[constraint]?[fraction])
  }
}
