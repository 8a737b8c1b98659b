import Tensors

/// Matrix products of the types that have no kernels of their own.
enum ScalarMatMul {
  /// Nil where the type cannot be multiplied.
  static func multiply(_ a: Tensor, _ b: Tensor, _ shapes: MatMulShapes) -> Tensor? {
    switch a.elementType {
    case .float64: product(a, b, shapes, zero: 0.0) { $0 + $1 * $2 }
    case .int32: integers(a, b, shapes, Int32.self)
    case .uint32: integers(a, b, shapes, UInt32.self)
    case .int64: integers(a, b, shapes, Int64.self)
    case .uint64: integers(a, b, shapes, UInt64.self)
    default: nil
    }
  }

  private static func integers<Element: TensorElement & FixedWidthInteger>(
    _ a: Tensor, _ b: Tensor, _ shapes: MatMulShapes, _ type: Element.Type
  ) -> Tensor {
    product(a, b, shapes, zero: Element.zero) { $0 &+ $1 &* $2 }
  }

  private static func product<Element: TensorElement>(
    _ a: Tensor, _ b: Tensor, _ shapes: MatMulShapes, zero: Element,
    step: (Element, Element, Element) -> Element
  ) -> Tensor {
    a.withElements(of: Element.self) { left in
      b.withElements(of: Element.self) { right in
        Tensor(shape: shapes.output) { (out: UnsafeMutableBufferPointer<Element>) in
          for batch in 0..<shapes.batch {
            let base = batch * shapes.rows * shapes.columns
            for row in 0..<shapes.rows {
              for column in 0..<shapes.columns {
                var sum = zero
                for k in 0..<shapes.depth {
                  sum = step(
                    sum, left[shapes.leftOffsets[batch] + row * shapes.depth + k],
                    right[shapes.rightOffsets[batch] + k * shapes.columns + column])
                }
                out[base + row * shapes.columns + column] = sum
              }
            }
          }
        }
      }
    }
  }
}
