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

  /// `outputs` by name, a tensor for each sample.
  public init(reference outputs: [String: [Tensor]]) {
    expected = outputs.sorted { $0.key < $1.key }.map { name, tensors in
      (name, Rows(tensors, isDistribution: Rows.areDistributions(tensors)))
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
      return rows.parts(to: Rows(tensors, isDistribution: rows.isDistribution))
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

  init(_ tensors: [Tensor], isDistribution: Bool) {
    self.isDistribution = isDistribution
    let areClasses = tensors.allSatisfy { $0.rank == 2 && $0.shape[1] > 1 }
    self.areClasses = areClasses
    values = tensors.filter { $0.elementType == .float32 }.flatMap { tensor -> [[Double]] in
      let width = max(tensor.shape.last ?? 1, 1)
      let elements = tensor.elements(of: Float.self).map { value in
        isDistribution ? log(max(Double(value), 1e-12)) : Double(value)
      }
      return stride(from: 0, to: elements.count, by: width).map { first in
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
