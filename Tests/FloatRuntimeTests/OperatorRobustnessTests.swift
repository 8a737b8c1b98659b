import GraphIR
import Tensors
import TestSupport
import Testing

@testable import FloatRuntime

/// Inputs and attributes come from files: whatever they are, an operator answers or throws.
struct OperatorRobustnessTests {
  /// Attributes of all operators; unknown ones are ignored by those that do not have them.
  private static let integers = [
    "axis", "keepdims", "noop_with_empty_axes", "select_last_index", "largest", "exclusive",
    "reverse", "p", "size", "num_groups", "to", "fmod", "inverse", "onesided", "periodic",
    "output_datatype", "q_num_heads", "kv_num_heads", "num_heads", "interleaved", "is_causal",
    "rotary_embedding_dim", "ignore_index", "qk_matmul_output_mode", "group", "ceil_mode",
    "batch_dims", "block_size", "blocksize", "start", "end", "to", "k", "upper", "hidden_size",
    "storage_order", "count_include_pad", "allowzero", "num_outputs", "sorted", "dtype",
  ]
  private static let lists = [
    "axes", "kernel_shape", "strides", "pads", "dilations", "perm", "output_shape",
    "output_padding", "shape",
  ]

  @Test(
    "Random nodes give values or errors that name them",
    arguments: OperatorRegistry.definitions.keys.sorted())
  func survives(key: String) throws {
    let definition = try #require(OperatorRegistry.definitions[key])
    var random = SeededGenerator(
      seed: key.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    for _ in 0..<200 {
      let inputs = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        Int.random(in: 0..<8, using: &random) == 0 ? nil : tensor(&random)
      }
      do {
        _ = try OperatorHarness.run(
          definition.name, inputs, attributes(&random), domain: definition.domain, outputs: 3)
      } catch {
        #expect("\(error)".contains("'tested'"), "an error that does not name the node")
      }
    }
  }

  private func attributes(_ random: inout SeededGenerator) -> [Attribute] {
    var result: [Attribute] = []
    for name in Self.integers where Bool.random(using: &random) {
      result.append(Attribute(name, .int(integer(&random))))
    }
    for name in Self.lists where Int.random(in: 0..<3, using: &random) == 0 {
      let count = Int.random(in: 0...4, using: &random)
      result.append(Attribute(name, .ints((0..<count).map { _ in integer(&random) })))
    }
    return result
  }

  private func integer(_ random: inout SeededGenerator) -> Int {
    switch Int.random(in: 0..<24, using: &random) {
    case 0: .max
    case 1: .min
    case 2: -1 << 31
    case 3: 1 << 40
    default: Int.random(in: -3...5, using: &random)
    }
  }

  private func tensor(_ random: inout SeededGenerator) -> Tensor {
    let rank = Int.random(in: 0...4, using: &random)
    let shape = (0..<rank).map { _ in Int.random(in: 0...3, using: &random) }
    let types: [ElementType] = [.float32, .float32, .float32, .int64, .int64]
    let type =
      Int.random(in: 0..<2, using: &random) == 0
      ? types.randomElement(using: &random) : ElementType.allCases.randomElement(using: &random)
    // Extreme sizes are for int64: in narrower types they would name outputs that fit memory.
    let values = (0..<Tensor.count(of: shape)).map { _ in
      type == .int64 ? integer(&random) : Int.random(in: -3...5, using: &random)
    }
    let integers = Tensor(values.map { Int64($0) }, shape: shape)
    return TypeConversion().convert(integers, to: type ?? .float32) ?? integers
  }
}
