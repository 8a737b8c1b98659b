import Foundation
import Tensors

/// Elements of a value at places that depend on nothing but the number of the calibration sample and
/// of the elements: tensors of one shape are looked at in the same places.
struct ElementSample {
  private(set) var values: [Float] = []
  private let perSample: Int

  init(perSample: Int) { self.perSample = perSample }

  mutating func take(from tensor: Tensor, sample: Int) {
    tensor.withElements(of: Float.self) { elements in
      let count = min(perSample, elements.count)
      guard count < elements.count else { return values.append(contentsOf: elements) }
      for pick in 0..<count {
        // A low-discrepancy sequence, which goes on from sample to sample.
        let share = (Double(sample * perSample + pick) * 0.618_033_988_749_895)
          .truncatingRemainder(dividingBy: 1)
        values.append(elements[min(Int(share * Double(elements.count)), elements.count - 1)])
      }
    }
  }
}
