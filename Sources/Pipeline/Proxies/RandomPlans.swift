import BitAllocation
import Tensors

/// Random plans of nearly equal size, the same for a seed on every machine.
struct RandomPlans {
  /// By layer name, in graph order: weights that a plan counts, and widths that it may choose from.
  /// Layers that share a weight are one.
  struct Layer {
    var name: String
    var weights: Int
    var widths: [Int]
  }

  /// How far below its budget a plan may stay.
  static let slack = 0.02

  let layers: [Layer]
  private var generator: SplitMix64

  init(layers: [Layer], seed: Int) {
    self.layers = layers
    generator = SplitMix64(
      seed: UInt64(bitPattern: Int64(seed)) &* 0x9E37_79B9_7F4A_7C15 &+ 0x2545_F491_4F6C_DD1D)
  }

  /// Up to `count` different plans, widths by layer, with between 98 and 100 % of the bits that the
  /// mean width allows. Fewer where there are no more.
  mutating func plans(averageBits: Double, count: Int) -> [[Int]] {
    let total = layers.reduce(0) { $0 + $1.weights }
    let most = Int(averageBits * Double(total) * (1 + 1e-12))
    let least = Int((averageBits * Double(total) * (1 - Self.slack)).rounded(.up))
    var found: [[Int]] = []
    var seen: Set<[Int]> = []
    for _ in 0..<count * 50 where found.count < count {
      guard let plan = plan(least: least, most: most), seen.insert(plan).inserted else { continue }
      found.append(plan)
    }
    return found
  }

  /// Random widths, then random steps toward the budget; nil where they do not get there.
  private mutating func plan(least: Int, most: Int) -> [Int]? {
    var choice = layers.map { generator.draw($0.widths.count) }
    func size(_ layer: Int, _ position: Int) -> Int {
      layers[layer].weights * layers[layer].widths[position]
    }
    var bits = choice.indices.reduce(0) { $0 + size($1, choice[$1]) }
    for _ in 0..<layers.count * 16 {
      if (least...max(most, least)).contains(bits) {
        return choice.indices.map { layers[$0].widths[choice[$0]] }
      }
      let step = bits > most ? -1 : 1
      let movable = choice.indices.filter { layer in
        let next = choice[layer] + step
        guard layers[layer].widths.indices.contains(next) else { return false }
        return step < 0 || bits + size(layer, next) - size(layer, choice[layer]) <= most
      }
      guard !movable.isEmpty else { return nil }
      let layer = movable[generator.draw(movable.count)]
      bits += size(layer, choice[layer] + step) - size(layer, choice[layer])
      choice[layer] += step
    }
    return nil
  }
}
