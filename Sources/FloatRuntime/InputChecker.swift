import GraphIR
import Tensors

/// Compares what a caller feeds with what the graph declares.
package struct InputChecker: Sendable {
  private let inputs: [ValueInfo]
  private let required: Set<String>

  package init(graph: Graph) {
    inputs = graph.inputs
    required = Set(graph.requiredInputs.map(\.name))
  }

  package func check(_ values: [String: RuntimeValue]) throws {
    var sizes: [String: (size: Int, input: String)] = [:]
    for input in inputs {
      guard let value = values[input.name] else {
        guard !required.contains(input.name) else {
          throw RuntimeError.inputMissing(name: input.name)
        }
        continue
      }
      if case .tensor(let type, let shape)? = input.type {
        try check(value, of: input.name, type: type, shape: shape, sizes: &sizes)
      }
    }
    if values.count > inputs.count || values.keys.contains(where: { !isKnown($0) }) {
      let unknown = values.keys.filter { !isKnown($0) }.min() ?? ""
      throw RuntimeError.unknownInput(name: unknown, known: inputs.map(\.name))
    }
  }

  private func isKnown(_ name: String) -> Bool { inputs.contains { $0.name == name } }

  private func check(
    _ value: RuntimeValue, of name: String, type: ElementType, shape: [Dimension]?,
    sizes: inout [String: (size: Int, input: String)]
  ) throws {
    guard case .tensor(let tensor) = value else {
      throw RuntimeError.inputType(
        name: name, expected: "a tensor of \(type)", found: "a sequence or optional")
    }
    guard tensor.elementType == type else {
      throw RuntimeError.inputType(
        name: name, expected: "\(type)", found: "\(tensor.elementType)")
    }
    guard let shape else { return }
    func mismatch() -> RuntimeError {
      .inputShape(name: name, expected: describe(shape), found: "\(tensor.shape)")
    }
    guard shape.count == tensor.rank else { throw mismatch() }
    for (dimension, size) in zip(shape, tensor.shape) {
      switch dimension {
      case .unknown: continue
      case .fixed(let expected): guard size == expected else { throw mismatch() }
      case .symbolic(let symbol):
        if let known = sizes[symbol], known.size != size {
          throw RuntimeError.inputShape(
            name: name,
            expected: "\(describe(shape)) with \(symbol) = \(known.size) as in '\(known.input)'",
            found: "\(tensor.shape)")
        }
        sizes[symbol] = (size, name)
      }
    }
  }

  private func describe(_ shape: [Dimension]) -> String {
    let axes = shape.map { dimension in
      switch dimension {
      case .fixed(let size): "\(size)"
      case .symbolic(let name): name
      case .unknown: "?"
      }
    }
    return "[" + axes.joined(separator: ", ") + "]"
  }
}
