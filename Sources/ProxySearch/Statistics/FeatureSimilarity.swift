/// How alike the features of layers are over a few samples: OMPQ's orthogonality matrix.
///
/// With `F` the features of a layer as `[samples, values]` and `K = F F'` centered in rows and
/// columns, `ORM(i, j) = <K_i, K_j> / (|K_i| |K_j|)`: the linear CKA, by way of the biased HSIC.
public enum FeatureSimilarity {
  /// `features` holds a list of values for each sample, by layer; lists of a layer are equally long.
  public static func matrix(_ features: [[[Float]]]) -> [[Double]] {
    let kernels = features.map(centeredKernel)
    let norms = kernels.map { product($0, $0).squareRoot() }
    return kernels.indices.map { i in
      kernels.indices.map { j in
        guard norms[i] > 0, norms[j] > 0 else { return i == j ? 1 : 0 }
        return product(kernels[i], kernels[j]) / (norms[i] * norms[j])
      }
    }
  }

  private static func product(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func centeredKernel(_ samples: [[Float]]) -> [Double] {
    let count = samples.count
    var kernel = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in i..<count {
        var sum = 0.0
        for (a, b) in zip(samples[i], samples[j]) { sum += Double(a) * Double(b) }
        kernel[i * count + j] = sum
        kernel[j * count + i] = sum
      }
    }
    let means = (0..<count).map { row in
      (0..<count).reduce(0) { $0 + kernel[row * count + $1] } / Double(count)
    }
    let mean = means.reduce(0, +) / Double(max(count, 1))
    for i in 0..<count {
      for j in 0..<count { kernel[i * count + j] += mean - means[i] - means[j] }
    }
    return kernel
  }
}
