import GraphIR
import Quantization
import Tensors

/// How a weight stands in the file: its types, its scales, and what tells its `DequantizeLinear` where
/// these lie.
struct WeightForm {
  /// Of the initializer.
  let stored: ElementType
  /// Of what `DequantizeLinear` reads; a `Cast` leads there from another.
  let dequantized: ElementType
  let scales: Tensor
  let attributes: [Attribute]

  init(of weight: QuantizedWeight, op: String, plan: QuantizationPlan) {
    let channels = weight.scales.count / weight.blocks
    let isPacked = Self.isPacked(inBlocks: weight.blocks > 1, plan: plan)
    stored = Self.elementType(bits: weight.bits, op: op, channels: channels, isPacked: isPacked)
    dequantized = isPacked || plan.storage == .native ? stored : .int8
    guard weight.blocks > 1 else {
      scales = Tensor(weight.scales, shape: [channels])
      attributes = [Attribute("axis", .int(weight.axis))]
      return
    }
    let ordered = Tensor(weight.scales, shape: [channels, weight.blocks])
    scales = weight.axis == 0 ? ordered : ordered.transposedMatrix()
    attributes = [
      Attribute("axis", .int(1 - weight.axis)), Attribute("block_size", .int(weight.block)),
    ]
  }

  /// Weights alone, and those in blocks, go straight into `DequantizeLinear`, so that runtimes can keep
  /// them packed: ONNX Runtime fuses that with a product of float inputs (MatMulNBits).
  static func isPacked(inBlocks: Bool, plan: QuantizationPlan) -> Bool {
    plan.isWeightOnly || inBlocks
  }

  /// Packed products of 2 bits ONNX Runtime computes wrongly where the channels are no multiple of 4, and
  /// it has no kernel for them outside products: these are stored as INT4.
  static func elementType(
    bits: Int, op: String, channels: Int, isPacked: Bool
  ) -> ElementType {
    let type = WeightEncoding.elementType(bits: bits)
    guard isPacked, type == .int2 else { return type }
    return op != "Conv" && channels % 4 == 0 ? .int2 : .int4
  }
}
