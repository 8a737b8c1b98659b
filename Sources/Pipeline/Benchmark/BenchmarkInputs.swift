import GraphIR
import Tensors

/// Made-up inputs that have the shapes of the model's.
enum BenchmarkInputs {
  /// Free axes become 1 unless `shapes` says otherwise. Floats are spread evenly over -1 to 1 by a
  /// fixed generator, integers are 1: small enough to be an index.
  static func make(
    for model: Model, shapes: [String: [Int]]
  ) throws -> [String: Tensor] {
    let sizes = try FreeAxes.bind(of: model, to: shapes)
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var inputs: [String: Tensor] = [:]
    for (target, shape) in sizes {
      inputs[target.name] = try tensor(shape, target: target, state: &state)
    }
    return inputs
  }

  private static func tensor(
    _ shape: [Int], target: InputTarget, state: inout UInt64
  ) throws -> Tensor {
    guard let count = Tensor.checkedCount(of: shape), count <= 1 << 32 else {
      throw SampleError.inputType(name: target.name, problem: "would be too large as \(shape)")
    }
    guard target.elementType.isFloatingPoint else {
      return try ConstantFill.tensor(1, shape: shape, as: target)
    }
    let values = (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 40) / Double(1 << 23) - 1
    }
    return try FloatConversion.tensor(values, shape: shape, as: target)
  }
}
