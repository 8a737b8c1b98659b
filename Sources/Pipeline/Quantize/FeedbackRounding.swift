import Calibration
import Parallelism
import Quantization
import WeightRounding

/// Error feedback from what calibration saw of a layer's inputs, where that pays: below 7 bits.
struct FeedbackRounding {
  let pool: WorkerPool

  /// `weight` is the form that is rounded to nearest; its scales stay.
  func round(
    _ weight: QuantizedWeight, layer: RoundingLayer, inputs: LayerInputSample?
  ) -> QuantizedWeight {
    guard weight.bits < 7, let inputs,
      inputs.length == layer.rows.length * layer.observed.group
    else { return weight }
    return BlockwiseRounding(pool: pool).quantize(
      layer, scales: weight.scales, bits: weight.bits, inputs: inputs)
  }
}
