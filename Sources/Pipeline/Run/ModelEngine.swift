import FloatRuntime
public import GraphIR
import IntegerRuntime
import Tensors

/// What computes a model.
public enum EngineKind: String, Sendable, Codable, CaseIterable {
  case float, integer

  /// The integer engine for quantized models, the float engine for others.
  public init(for model: Model) {
    let quantized: Set = ["QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul"]
    let isQuantized = model.graph.nodes.contains { node in
      node.domain.isEmpty ? quantized.contains(node.op) : node.domain == "com.microsoft"
    }
    self = isQuantized ? .integer : .float
  }
}

/// A model ready to run on the engine that was asked for.
enum ModelEngine: Sendable {
  case float(FloatEngine)
  case integer(IntegerEngine)

  init(_ kind: EngineKind, model: Model, threads: Int) throws {
    switch kind {
    case .float: self = .float(try FloatEngine(model: model, threads: threads))
    case .integer: self = .integer(try IntegerEngine(model: model, threads: threads))
    }
  }

  func run(_ inputs: [String: Tensor]) throws -> [String: RuntimeValue] {
    switch self {
    case .float(let engine): try engine.run(inputs.mapValues { .tensor($0) })
    case .integer(let engine): try engine.run(inputs).mapValues { .tensor($0) }
    }
  }
}
