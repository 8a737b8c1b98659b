import Foundation
public import Tensors

/// How far a network's outputs are from those of the float network, without labels.
///
/// Rows of class scores count by the Kullback-Leibler divergence of their softmax and by the
/// relative squared error of their logits; other outputs by their relative squared error.
public struct OutputDistance: Sendable {
  public struct Parts: Sendable {
    /// Relative squared error.
    public var noise = 0.0
    /// Divergence of the class distribution in nats; 0 for outputs that are no classes.
    public var divergence = 0.0
  }

  /// By output name: rows of logits or values, for all samples.
  private let expected: [(name: String, rows: Rows)]
  private let masks: [TokenMask]?

  /// `outputs` by name, a tensor for each of the `samples`. Where these say which positions hold no
  /// tokens, those do not count.
  public init(reference outputs: [String: [Tensor]], of samples: [[String: Tensor]]) {
    let masks = TokenMask.of(samples)
    self.masks = masks
    expected = outputs.sorted { $0.key < $1.key }.map { name, tensors in
      let isDistribution = Rows.areDistributions(tensors)
      return (name, Rows(tensors, isDistribution: isDistribution, masks: masks))
    }
  }

  /// Noise and divergence together; 0 where all outputs are equal.
  public func distance(to outputs: [String: [Tensor]]) -> Double {
    let parts = parts(to: outputs)
    return parts.noise + parts.divergence
  }

  /// Means over the outputs.
  public func parts(to outputs: [String: [Tensor]]) -> Parts {
    let parts = expected.compactMap { name, rows -> Parts? in
      guard let tensors = outputs[name] else { return nil }
      return rows.parts(
        to: Rows(tensors, isDistribution: rows.isDistribution, masks: masks))
    }
    let count = Double(max(parts.count, 1))
    return Parts(
      noise: parts.reduce(0) { $0 + $1.noise } / count,
      divergence: parts.reduce(0) { $0 + $1.divergence } / count)
  }
}

/// Values as rows of the last axis, about their mean where they are class scores.
private struct Rows: Sendable {
  let values: [[Double]]
  let isDistribution: Bool
  let areClasses: Bool

  static func areDistributions(_ tensors: [Tensor]) -> Bool {
    tensors.allSatisfy { tensor in
      guard tensor.elementType == .float32, let width = tensor.shape.last, width > 1 else {
        return false
      }
      let values = tensor.elements(of: Float.self)
      return stride(from: 0, to: values.count, by: width).allSatisfy { first in
        let row = values[first..<first + width]
        return row.allSatisfy { $0 >= 0 } && abs(row.reduce(0, +) - 1) < 1e-3
      }
    }
  }

  init(_ tensors: [Tensor], isDistribution: Bool, masks: [TokenMask]?) {
    self.isDistribution = isDistribution
    let areClasses = tensors.allSatisfy { $0.rank == 2 && $0.shape[1] > 1 }
    self.areClasses = areClasses
    values = tensors.enumerated().flatMap { sample, tensor -> [[Double]] in
      guard tensor.elementType == .float32 else { return [] }
      let width = max(tensor.shape.last ?? 1, 1)
      let rows = Array(0..<(tensor.count + width - 1) / width)
      let elements = tensor.elements(of: Float.self).map { value in
        isDistribution ? log(max(Double(value), 1e-12)) : Double(value)
      }
      return (masks?[sample].kept(rows, of: rows.count) ?? rows).map { index in
        let first = index * width
        let row = Array(elements[first..<min(first + width, elements.count)])
        guard areClasses || isDistribution else { return row }
        let mean = row.reduce(0, +) / Double(row.count)
        return row.map { $0 - mean }
      }
    }
  }

  func parts(to other: Rows) -> OutputDistance.Parts {
    var (signal, noise, divergence) = (0.0, 0.0, 0.0)
    for (expected, found) in zip(values, other.values) {
      for (a, b) in zip(expected, found) {
        signal += a * a
        noise += (a - b) * (a - b)
      }
      if areClasses || isDistribution { divergence += Self.divergence(of: found, from: expected) }
    }
    let relative = signal > 0 ? noise / signal : noise
    return .init(noise: relative, divergence: divergence / Double(max(values.count, 1)))
  }

  private static func divergence(of q: [Double], from p: [Double]) -> Double {
    let (logP, logQ) = (logSoftmax(p), logSoftmax(q))
    return zip(logP, logQ).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
  }

  private static func logSoftmax(_ row: [Double]) -> [Double] {
    let largest = row.max() ?? 0
    let total = log(row.reduce(0) { $0 + exp($1 - largest) }) + largest
    return row.map { $0 - total }
  }
}
