import COpenBLAS
import Glibc
import GraphIR
import Tensors

struct RecurrentOptions: Sendable {
  /// Limit of what the activations of the gates are given; as in ONNX Runtime, the activation of
  /// LSTM's cell state is given all of it.
  var clip: Float?
  /// GRU: the reset gate acts after the recurrent product.
  var linearBeforeReset = false
  /// LSTM: the forget gate is one minus the input gate.
  var couplesForget = false
}

/// The parameters of one direction. Gate blocks follow each other in the order of the operator.
struct RecurrentWeights: Sendable {
  let gates: Int
  let hidden: Int
  /// gates * hidden rows, one column for each feature.
  let input: [Float]
  /// gates * hidden rows, hidden columns.
  let recurrent: [Float]
  /// Input biases, then recurrent biases; empty for none.
  let bias: [Float]
  /// LSTM: of the input, output and forget gate; empty for none.
  let peepholes: [Float]
  let activations: [RecurrentActivation]
  let options: RecurrentOptions

  /// `x W' + Wb` for all steps at once.
  func projectInput(_ x: [Float], rows: Int, _ features: Int) -> [Float] {
    product(x, input, rows: rows, inner: features, columns: 0..<gates * hidden, biasOffset: 0)
  }

  /// `h R' + Rb` for some of the gates.
  func projectState(_ h: [Float], rows: Int, gates range: Range<Int>) -> [Float] {
    product(
      h, recurrent, rows: rows, inner: hidden,
      columns: range.lowerBound * hidden..<range.upperBound * hidden, biasOffset: gates * hidden)
  }

  private func product(
    _ x: [Float], _ matrix: [Float], rows: Int, inner: Int, columns: Range<Int>, biasOffset: Int
  ) -> [Float] {
    let width = columns.count
    var result = Array(repeating: Float(0), count: rows * width)
    if !bias.isEmpty {
      for row in 0..<rows {
        for column in 0..<width {
          result[row * width + column] = bias[biasOffset + columns.lowerBound + column]
        }
      }
    }
    guard rows > 0, inner > 0, width > 0 else { return result }
    matrix.withUnsafeBufferPointer { table in
      guard let base = table.baseAddress else { return }
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(width), Int32(inner), 1, x,
        Int32(inner), base + columns.lowerBound * inner, Int32(inner), 1, &result, Int32(width))
    }
    return result
  }

  func activate(_ index: Int, _ value: Float) -> Float {
    guard let clip = options.clip else { return activations[index].apply(value) }
    return activations[index].apply(min(max(value, -clip), clip))
  }
}

/// One step of a recurrent layer.
protocol RecurrentCell: Sendable {
  var weights: RecurrentWeights { get }
  /// `gates` holds the projected input of each row; `h` and `c` are replaced by the next state.
  func advance(rows: Int, _ gates: [Float], _ h: inout [Float], _ c: inout [Float])
}

/// `h = f(x W' + h R' + b)`.
struct SimpleCell: RecurrentCell {
  let weights: RecurrentWeights
  init(_ weights: RecurrentWeights) { self.weights = weights }

  func advance(rows: Int, _ gates: [Float], _ h: inout [Float], _ c: inout [Float]) {
    let state = weights.projectState(h, rows: rows, gates: 0..<1)
    for index in h.indices { h[index] = weights.activate(0, gates[index] + state[index]) }
  }
}

/// GRU; gates update `z`, reset `r`, candidate `n`: `h = (1 - z) n + z h`.
struct GatedCell: RecurrentCell {
  let weights: RecurrentWeights
  init(_ weights: RecurrentWeights) { self.weights = weights }

  func advance(rows: Int, _ gates: [Float], _ h: inout [Float], _ c: inout [Float]) {
    let size = weights.hidden
    let state = weights.projectState(h, rows: rows, gates: 0..<2)
    var update = h
    var reset = h
    for row in 0..<rows {
      for unit in 0..<size {
        let (index, from) = (row * size + unit, row * 3 * size + unit)
        let at = row * 2 * size + unit
        update[index] = weights.activate(0, gates[from] + state[at])
        reset[index] = weights.activate(0, gates[from + size] + state[at + size])
      }
    }
    var candidate: [Float]
    if weights.options.linearBeforeReset {
      candidate = weights.projectState(h, rows: rows, gates: 2..<3)
      for index in candidate.indices { candidate[index] *= reset[index] }
    } else {
      let kept = h.indices.map { reset[$0] * h[$0] }
      candidate = weights.projectState(kept, rows: rows, gates: 2..<3)
    }
    for row in 0..<rows {
      for unit in 0..<size {
        let index = row * size + unit
        let value = weights.activate(
          1, gates[row * 3 * size + 2 * size + unit] + candidate[index])
        h[index] = (1 - update[index]) * value + update[index] * h[index]
      }
    }
  }
}

/// LSTM; gates input, output, forget, candidate.
struct MemoryCell: RecurrentCell {
  let weights: RecurrentWeights
  init(_ weights: RecurrentWeights) { self.weights = weights }

  func advance(rows: Int, _ gates: [Float], _ h: inout [Float], _ c: inout [Float]) {
    let size = weights.hidden
    let state = weights.projectState(h, rows: rows, gates: 0..<4)
    let peepholes = weights.peepholes
    for row in 0..<rows {
      for unit in 0..<size {
        let (index, at) = (row * size + unit, row * 4 * size + unit)
        func gate(_ block: Int) -> Float { gates[at + block * size] + state[at + block * size] }
        func peep(_ block: Int, _ value: Float) -> Float {
          peepholes.isEmpty ? 0 : peepholes[block * size + unit] * value
        }
        let memory = c[index]
        let input = weights.activate(0, gate(0) + peep(0, memory))
        let forget =
          weights.options.couplesForget
          ? 1 - input : weights.activate(0, gate(2) + peep(2, memory))
        let next = forget * memory + input * weights.activate(1, gate(3))
        let output = weights.activate(0, gate(1) + peep(1, next))
        c[index] = next
        h[index] = output * weights.activations[2].apply(next)
      }
    }
  }
}

/// An activation function of a recurrent layer.
struct RecurrentActivation: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    case relu, tanh, sigmoid, affine, leakyrelu, thresholdedrelu, scaledtanh, hardsigmoid, elu,
      softsign, softplus

    /// Default values of alpha and beta; nil where the function has none.
    var defaults: (alpha: Float?, beta: Float?) {
      switch self {
      case .relu, .tanh, .sigmoid, .softsign, .softplus: (nil, nil)
      case .affine: (1, 0)
      case .leakyrelu: (0.01, nil)
      case .thresholdedrelu, .elu: (1, nil)
      case .scaledtanh: (1, 1)
      case .hardsigmoid: (0.2, 0.5)
      }
    }
  }

  let kind: Kind
  let alpha: Float
  let beta: Float

  /// The functions that a node names. `activation_alpha` and `activation_beta` are consumed in
  /// order by the functions that have them.
  static func list(_ node: Node, defaults: [Kind]) throws -> [RecurrentActivation] {
    let kinds =
      try node.strings("activations")?.map { name -> Kind in
        guard let kind = Kind(rawValue: name.lowercased()) else {
          throw node.failure("activation '\(name)' is not known")
        }
        return kind
      } ?? defaults
    guard kinds.count == defaults.count else {
      throw node.failure("needs \(defaults.count) activations, has \(kinds.count)")
    }
    var alphas = (try node.floats("activation_alpha") ?? []).makeIterator()
    var betas = (try node.floats("activation_beta") ?? []).makeIterator()
    return kinds.map { kind in
      let (alpha, beta) = kind.defaults
      return RecurrentActivation(
        kind: kind, alpha: alpha.map { alphas.next() ?? $0 } ?? 0,
        beta: beta.map { betas.next() ?? $0 } ?? 0)
    }
  }

  func apply(_ x: Float) -> Float {
    switch kind {
    case .relu: max(x, 0)
    case .tanh: tanhf(x)
    case .sigmoid: 1 / (1 + expf(-x))
    case .affine: alpha * x + beta
    case .leakyrelu: x < 0 ? alpha * x : x
    case .thresholdedrelu: x >= alpha ? x : 0
    case .scaledtanh: alpha * tanhf(beta * x)
    case .hardsigmoid: min(max(alpha * x + beta, 0), 1)
    case .elu: x < 0 ? alpha * expm1f(x) : x
    case .softsign: x / (1 + abs(x))
    case .softplus: max(x, 0) + log1pf(expf(-abs(x)))
    }
  }
}
