import Quantization
import Tensors

extension QuantizationPlan.Layer {
  /// Whether the groups, where there are any, are those of so many channels, the widest of the layer's bits.
  func hasGroups(of channels: Int) -> Bool {
    guard let groups else { return true }
    return groups.allSatisfy { $0.channels > 0 && WeightRange.supportedBits.contains($0.bits) }
      && groups.map(\.bits).max() == weightBits
      && groups.reduce(0) { $0 + $1.channels } == channels
  }

  /// Whether every channel's integers lie in the range of its width; groups must be those of the channels.
  func fits(_ integers: Tensor) -> Bool {
    guard let groups else {
      let range = WeightRange.of(bits: weightBits)
      return integers.elementType == .int8
        ? integers.withElements(of: Int8.self) { $0.allSatisfy { range.contains(Int($0)) } }
        : integers.integers()?.allSatisfy(range.contains) ?? false
    }
    let ranges = groups.flatMap {
      repeatElement(WeightRange.of(bits: $0.bits), count: $0.channels)
    }
    let inner = Tensor.count(of: Array(integers.shape[(axis + 1)...]))
    return integers.integers()?.enumerated().allSatisfy { index, value in
      ranges[index / inner % ranges.count].contains(value)
    } ?? false
  }
}
