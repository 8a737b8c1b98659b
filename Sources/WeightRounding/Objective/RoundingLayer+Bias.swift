import Quantization
import Tensors

extension RoundingLayer {
  /// The bias that gives every output channel of the rounded weight the mean it should have.
  /// `isWithinOutputs`: the moments' outputs have the bias added already.
  func biasRestoringMeans(
    _ bias: Tensor, isWithinOutputs: Bool, rounded: Tensor, moments: LayerMoments
  ) -> [Float] {
    let old = bias.elements(of: Float.self)
    guard let rows = try? WeightRows(rounded, named: weight, axis: self.rows.axis) else {
      return old
    }
    let (inputMeans, outputMeans) = (moments.inputMeans, moments.outputMeans)
    let perGroup = max(rows.count / moments.groups, 1)
    return rows.values.withElements(of: Float.self) { weights in
      (0..<rows.count).map { row in
        let group = row / perGroup
        var sum: Float = 0
        for entry in 0..<rows.length {
          sum += weights[row * rows.length + entry] * inputMeans[group * rows.length + entry]
        }
        return outputMeans[row] - sum + (isWithinOutputs ? 0 : old[row])
      }
    }
  }
}
