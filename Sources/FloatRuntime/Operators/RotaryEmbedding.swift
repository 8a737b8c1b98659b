import GraphIR
import Tensors

/// RotaryEmbedding (opset 23): rotates pairs of features by angles that depend on the position.
enum RotaryEmbedding {
  static let definitions: [OperatorDefinition] = [
    .tensors("RotaryEmbedding") { node in
      let interleaved = try node.flag("interleaved", default: false)
      let heads = try node.int("num_heads")
      let rotated = try node.int("rotary_embedding_dim") ?? 0
      return { inputs, _ in
        let x = try inputs.tensor(0)
        let layout = try Layout(x, heads: heads, inputs)
        let size = rotated == 0 ? layout.headSize : rotated
        guard size > 0, size % 2 == 0, size <= layout.headSize else {
          throw inputs.failure("cannot rotate \(size) of \(layout.headSize) features")
        }
        let angles = try Angles(layout, pairs: size / 2, inputs)
        let wide = try inputs.converted(inputs.widenedFloat(x), to: .float32)
        let result = wide.withElements(of: Float.self) { source in
          Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
            _ = out.initialize(from: source)
            layout.forEachToken { sample, token, start in
              for pair in 0..<size / 2 {
                let first = start + (interleaved ? 2 * pair : pair)
                let second = interleaved ? first + 1 : first + size / 2
                let (cosine, sine) = angles.at(sample, token, pair)
                out[first] = cosine * source[first] - sine * source[second]
                out[second] = sine * source[first] + cosine * source[second]
              }
            }
          }
        }
        return [result.narrowed(to: x.elementType)]
      }
    }
  ]

  /// [batch, heads, tokens, head size] or [batch, tokens, heads * head size].
  private struct Layout {
    let batch: Int
    let tokens: Int
    let heads: Int
    let headSize: Int
    let headsFirst: Bool

    init(_ x: Tensor, heads: Int?, _ inputs: OperatorInputs) throws {
      batch = x.shape.first ?? 0
      switch x.rank {
      case 4:
        (headsFirst, self.heads, tokens, headSize) = (true, x.shape[1], x.shape[2], x.shape[3])
      case 3:
        guard let heads, heads > 0, x.shape[2] % heads == 0 else {
          throw inputs.failure("num_heads must divide the \(x.shape[2]) features")
        }
        (headsFirst, self.heads, tokens, headSize) = (false, heads, x.shape[1], x.shape[2] / heads)
      default: throw inputs.failure("takes 3 or 4 dimensions, not \(x.shape)")
      }
    }

    func forEachToken(_ body: (_ sample: Int, _ token: Int, _ start: Int) -> Void) {
      for sample in 0..<batch {
        for head in 0..<heads {
          for token in 0..<tokens {
            let row =
              headsFirst
              ? (sample * heads + head) * tokens + token
              : (sample * tokens + token) * heads + head
            body(sample, token, row * headSize)
          }
        }
      }
    }
  }

  /// Cosines and sines, [positions, pairs] where positions are given, else [batch, tokens, pairs].
  private struct Angles {
    let cosines: [Float]
    let sines: [Float]
    let positions: [Int]?
    let tokens: Int
    let pairs: Int

    init(_ layout: Layout, pairs: Int, _ inputs: OperatorInputs) throws {
      let (cosine, sine) = (try inputs.tensor(1), try inputs.tensor(2))
      positions = try inputs.integers(3)
      tokens = layout.tokens
      self.pairs = pairs
      let expected =
        positions == nil
        ? [layout.batch, layout.tokens, pairs] : [cosine.shape.first ?? 0, pairs]
      guard cosine.shape == expected, sine.shape == expected else {
        throw inputs.failure("caches \(cosine.shape), \(sine.shape) must be \(expected)")
      }
      if let positions {
        guard positions.count == layout.batch * layout.tokens,
          positions.allSatisfy({ $0 >= 0 && $0 < expected[0] })
        else { throw inputs.failure("position_ids do not fit the input or the caches") }
      }
      cosines = try inputs.converted(cosine, to: .float32).elements(of: Float.self)
      sines = try inputs.converted(sine, to: .float32).elements(of: Float.self)
    }

    func at(_ sample: Int, _ token: Int, _ pair: Int) -> (Float, Float) {
      let row = positions?[sample * tokens + token] ?? sample * tokens + token
      return (cosines[row * pairs + pair], sines[row * pairs + pair])
    }
  }
}
