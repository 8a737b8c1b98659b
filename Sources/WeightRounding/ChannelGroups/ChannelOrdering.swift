public import GraphIR
import Tensors

/// Puts the output channels of layers in the order of the damage that rounding them does, the order undone
/// in the layers that read them, so that channels which may have the same width lie side by side (the idea
/// of CMPQ, arXiv 2410.13056, there for the inputs of layers).
///
/// Channels of a layer see the same inputs: what a step of the weights does to an output is the same for
/// all but for the step's size. `damage[c] = largest[c]^2 * gain[c]`, the gain being the power of the
/// weights that read the channel, times that of what it is multiplied by on the way.
public struct ChannelOrdering {
  /// The patch that orders the channels.
  public let patch: GraphPatch
  /// Channels of each group, those of least damage first, by layer name. Layers whose channels do not
  /// differ, are few, or are seen by other things than layers have none.
  public let groups: [String: [Int]]

  /// Groups are of a multiple of so many channels, which kernels compute at once.
  static let channelStep = 16
  /// By how much the last group's mean damage must exceed the first one's: a bit more is worth a factor of 4.
  private static let worthwhile = 2.0

  /// At most `count` groups of about the same size for each layer.
  public init(_ model: Model, layers: [RoundingLayer], count: Int) throws {
    let finder = ChannelFollowerFinder(model.graph)
    var changed: [String: Tensor] = [:]
    var groups: [String: [Int]] = [:]
    func tensor(_ name: String) -> Tensor? { changed[name] ?? model.graph.initializers[name] }
    for layer in layers where layer.rows.blocks == 1 {
      let sizes = Self.sizes(channels: layer.rows.count, count: count)
      guard sizes.count > 1, let followers = try finder.followers(of: layer) else { continue }
      let damage = followers.damage(largest: layer.rows.largest, tensor: tensor)
      let order = damage.indices.sorted { (damage[$0], $0) < (damage[$1], $1) }
      guard
        Self.mean(damage, order.suffix(sizes[sizes.count - 1]))
          >= Self.worthwhile * Self.mean(damage, order.prefix(sizes[0]))
      else { continue }
      for (name, axis) in followers.constants + followers.readers {
        changed[name] = tensor(name)?.picking(order, axis: axis)
      }
      groups[layer.name] = sizes
    }
    self.groups = groups
    patch = GraphPatch("order channels") { [changed] model in
      for (name, tensor) in changed { model.graph.initializers[name] = tensor }
    }
  }

  static func sizes(channels: Int, count: Int) -> [Int] {
    let ends = (1..<max(count, 1)).map { part in
      let end = Double(channels * part) / Double(count)
      return Int((end / Double(channelStep)).rounded()) * channelStep
    }
    let edges = Set(ends.filter { $0 > 0 && $0 < channels } + [0, channels]).sorted()
    return zip(edges, edges.dropFirst()).map { $1 - $0 }
  }

  private static func mean(_ damage: [Double], _ places: ArraySlice<Int>) -> Double {
    places.reduce(0) { $0 + damage[$1] } / Double(places.count)
  }
}

extension ChannelFollowers {
  fileprivate func damage(largest: [Float], tensor: (String) -> Tensor?) -> [Double] {
    var gains = [Double](repeating: 0, count: largest.count)
    func change(_ constants: [Constant], _ body: (inout Double, _ power: Double) -> Void) {
      for (name, axis) in constants {
        for (channel, power) in (tensor(name)?.powers(axis: axis) ?? []).enumerated() {
          body(&gains[channel], power)
        }
      }
    }
    change(readers) { $0 += $1 }
    change(factors) { $0 *= $1 }
    change(divisors) { if $1 > 0 { $0 /= $1 } }
    return zip(largest, gains).map { Double($0) * Double($0) * $1 }
  }
}

extension Tensor {
  /// Sums of squares for each place of an axis.
  fileprivate func powers(axis: Int) -> [Double] {
    let inner = Tensor.count(of: Array(shape[(axis + 1)...]))
    var sums = [Double](repeating: 0, count: shape[axis])
    withElements(of: Float.self) { values in
      for index in values.indices {
        sums[index / inner % sums.count] += Double(values[index]) * Double(values[index])
      }
    }
    return sums
  }
}
