import Tensors

/// Numbers of any type to and from double precision.
enum FloatConversion {
  /// Nil for strings, complex numbers and the small float types.
  static func values(of tensor: Tensor) -> [Double]? {
    switch tensor.elementType {
    case .float32: tensor.elements(of: Float.self).map(Double.init)
    case .float64: tensor.elements(of: Double.self)
    case .float16: halves(of: tensor)
    default: tensor.integers()?.map(Double.init)
    }
  }

  /// The values rounded to the input's type.
  static func tensor(
    _ values: [Double], shape: [Int], as target: InputTarget
  ) throws(SampleError) -> Tensor {
    switch target.elementType {
    case .float32: return Tensor(values.map { Float($0) }, shape: shape)
    case .float64: return Tensor(values, shape: shape)
    case .float16:
      let storage = TensorStorage(byteCount: 2 * values.count)
      for (index, value) in values.enumerated() {
        storage.mutableBytes.storeBytes(
          of: Float16(value).bitPattern.littleEndian, toByteOffset: 2 * index, as: UInt16.self)
      }
      return Tensor(elementType: .float16, shape: shape, storage: storage)
    default:
      throw .inputType(
        name: target.name,
        problem: "takes \(target.elementType), to which images and numbers are not converted")
    }
  }

  /// Whether any element is a NaN.
  static func hasNaN(_ tensor: Tensor) -> Bool {
    switch tensor.elementType {
    case .float32: tensor.withElements(of: Float.self) { $0.contains { $0.isNaN } }
    case .float64: tensor.withElements(of: Double.self) { $0.contains { $0.isNaN } }
    case .float16: halves(of: tensor).contains { $0.isNaN }
    default: false
    }
  }

  private static func halves(of tensor: Tensor) -> [Double] {
    (0..<tensor.count).map { index in
      let bits = tensor.storage.bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
      return Double(Float16(bitPattern: UInt16(littleEndian: bits)))
    }
  }
}
