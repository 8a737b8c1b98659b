import BitAllocation
import Foundation
import Quantization

/// Turns the limits of a request into an allocation.
struct BitChoice {
  static let flash = "flash"
  static let ram = "ram"
  static let latency = "latency"
  static let averageBits = "average-bits"

  let layers: [WeightLayer]
  let options: QuantizeOptions
  /// What each layer may take, by its name.
  var precisions: [String: [Precision]]
  /// Layers that read one value.
  let sharedInputs: [[String]]
  /// Channel groups of one layer.
  let channelGroups: [[String]]
  /// Whether these take one width.
  var keepsLayersWhole = false
  /// What the device stores besides the layers.
  let unquantizedBytes: Int
  /// Nil where neither RAM nor latency matters.
  let device: DeviceCosts?

  func allocate(_ sensitivities: SensitivityTable) throws -> BitPlan {
    try allocate(sensitivities, limits: limits)
  }

  /// Throws which limit cannot be met, where no precisions meet them all: that takes no samples to know.
  func checkFeasible(_ limits: [Budget.Limit]) throws {
    // Uniform noise, so that the search has a direction.
    let noise = layers.map { layer in
      SensitivityTable.Layer(
        name: layer.name,
        damage: (precisions[layer.name] ?? []).reduce(into: [:]) {
          $0[$1.weightBits] = exp2(-2 * Double($1.weightBits))
        })
    }
    _ = try allocate(SensitivityTable(layers: noise), limits: limits)
  }

  /// With no narrower weights and activations than these.
  func allocate(_ sensitivities: SensitivityTable, from least: Precision) throws -> BitPlan {
    let wide = precisions.mapValues { list in
      list.filter {
        $0.weightBits >= least.weightBits && $0.activationBits >= least.activationBits
      }
    }
    var choice = self
    choice.precisions = wide
    return try choice.allocate(sensitivities)
  }

  func allocate(_ sensitivities: SensitivityTable, limits: [Budget.Limit]) throws -> BitPlan {
    let byWeight = Dictionary(grouping: layers, by: \.site.weight).values
    let sharedWeights = byWeight.map { $0.map(\.name) }.filter { $0.count > 1 }
    return try BitAllocator.allocate(
      sensitivities: sensitivities, costs: try costTable(), budget: Budget(limits: limits),
      ties: Ties(
        weights: sharedWeights + (keepsLayersWhole ? channelGroups : []), activations: sharedInputs)
    )
  }

  /// The limits of the request.
  var limits: [Budget.Limit] {
    let target = options.device
    var limits: [Budget.Limit] = []
    if let bytes = target.flash {
      limits.append(.init(resource: BitChoice.flash, maximum: bytes, unit: "bytes"))
    }
    if let bytes = target.ram, target.weightsAreInRAM {
      limits.append(.init(resource: BitChoice.ram, maximum: bytes, unit: "bytes"))
    }
    if let seconds = target.latency {
      limits.append(
        .init(
          resource: BitChoice.latency, maximum: BitChoice.nanoseconds(seconds), unit: "ms",
          divisor: 1e6))
    }
    if let average = options.averageBits { limits.append(averageLimit(average)) }
    return limits
  }

  func averageLimit(_ average: Double) -> Budget.Limit {
    let weights = layers.reduce(0) { $0 + BitChoice.weightCount($1) }
    // A hair more, so that 4.8 of 10 weights allows 48 bits.
    return .init(
      resource: BitChoice.averageBits, maximum: Int(average * Double(weights) * (1 + 1e-12)),
      unit: "bits a weight", divisor: Double(max(weights, 1)))
  }

  private func costTable() throws -> CostTable {
    let bound = options.device.latency != nil
    return CostTable(
      resources: [BitChoice.flash, BitChoice.averageBits, BitChoice.ram, BitChoice.latency],
      fixed: [
        unquantizedBytes, 0, unquantizedBytes + (device?.arenaBytes ?? 0),
        BitChoice.nanoseconds(device?.fixedSeconds ?? 0),
      ],
      layers: try layers.map { layer in
        let costs = try (precisions[layer.name] ?? []).map { precision -> (Precision, [Int]) in
          let bytes = layer.bytes(bits: precision.weightBits)
          let seconds = device?.seconds(layer: layer.name, at: precision)
          if seconds == nil, bound, let profile = options.device.profile {
            throw DeviceError.noKernel(
              profile: profile.name, layer: layer.name, precision: precision)
          }
          return (
            precision,
            [
              bytes, BitChoice.weightCount(layer) * precision.weightBits, bytes,
              BitChoice.nanoseconds(seconds ?? 0),
            ]
          )
        }
        return .init(name: layer.name, costs: Dictionary(costs) { first, _ in first })
      })
  }

  /// Exact integers for the allocation; what no clock counts is the largest of them.
  private static func nanoseconds(_ seconds: Double) -> Int {
    Int(exactly: (seconds * 1e9).rounded()) ?? Int.max / 4
  }

  /// Weights, shared ones once.
  static func weightCount(_ layer: WeightLayer) -> Int {
    layer.repeatsWeight ? 0 : layer.rows.count * layer.rows.length
  }
}

extension AllocationError: UnmetRequestError {}
