public import GraphIR
public import Parallelism
public import Quantization
public import Tensors

/// Rounds layer after layer in the order of the graph. Every layer sees the inputs that the
/// network rounded so far gives it, and aims at the outputs of the float network, so that it takes
/// back what earlier layers did wrong.
public struct SequentialRounding {
  public struct Result: Sendable {
    /// By weight name.
    public var weights: [String: QuantizedWeight] = [:]
    /// Float biases that go with the weights, by initializer name.
    public var biases: [String: Tensor] = [:]
  }

  private let reference: NetworkFlow
  private let student: NetworkFlow
  private let settings: RoundingSettings
  private let masks: [TokenMask]?
  private let pool: WorkerPool

  /// - Parameters:
  ///   - reference: the float network.
  ///   - student: the same, or with quantized activations; weights and biases by the same names.
  ///   - samples: inputs by name.
  public init(
    reference: Model, student: Model, samples: [[String: Tensor]], settings: RoundingSettings,
    pool: WorkerPool
  ) throws {
    guard !samples.isEmpty else { throw WeightRoundingError.noSamples }
    self.reference = NetworkFlow(reference, samples: samples, pool: pool)
    self.student = NetworkFlow(student, samples: samples, pool: pool)
    self.settings = settings
    let masks = samples.compactMap { TokenMask(sample: $0) }
    self.masks = masks.count == samples.count ? masks : nil
    self.pool = pool
  }

  /// Rounds every layer to its width in `bits`, by weight name. `progress` hears of layers done.
  public func run(
    _ layers: [RoundingLayer], bits: [String: Int], progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> Result {
    var result = Result()
    var positions: [(layer: RoundingLayer, node: Int)] = []
    var seen: Set<String> = []
    for layer in layers where bits[layer.weight] != nil && seen.insert(layer.weight).inserted {
      guard let node = student.layer(of: layer.weight) else {
        throw WeightRoundingError.layerMissing(layer: layer.name, weight: layer.weight)
      }
      positions.append((layer, node))
    }
    positions.sort { $0.node < $1.node }
    for (index, (layer, node)) in positions.enumerated() {
      guard let width = bits[layer.weight] else { continue }
      try round(layer, at: node, bits: width, into: &result)
      progress(index + 1, positions.count)
    }
    return result
  }

  /// The layer also takes back what is wrong with the shortcut that is added to its output.
  private func addShortcutError(to outputs: [Tensor], of value: String) -> [Tensor] {
    guard let expected = reference.summand(of: value), let found = student.summand(of: value),
      zip(outputs, zip(expected, found)).allSatisfy({
        $0.shape == $1.0.shape && $0.shape == $1.1.shape
      })
    else { return outputs }
    return zip(outputs, zip(expected, found)).map { output, pair in
      let sums = output.elements(of: Float.self).indices
      return output.withElements(of: Float.self) { output in
        pair.0.withElements(of: Float.self) { expected in
          pair.1.withElements(of: Float.self) { found in
            Tensor(sums.map { output[$0] + expected[$0] - found[$0] }, shape: pair.0.shape)
          }
        }
      }
    }
  }

  private func round(
    _ layer: RoundingLayer, at node: Int, bits: Int, into result: inout Result
  ) throws {
    let (inputs, outputs, floatNode) = try values(of: layer, at: node)
    let moments = try MomentReader(
      layer: layer, arithmetic: settings.effort.momentArithmetic, masks: masks, pool: pool
    ).moments(inputs: inputs, outputs: outputs)
    let bias = layer.bias.flatMap { student.initializer($0) }
      .flatMap { $0.elementType == .float32 && $0.count == layer.rows.count ? $0 : nil }
    let rounding = LayerRounding(
      layer: layer, moments: moments, centered: bias != nil, corrects: settings.correctsErrors,
      damping: settings.damping, pool: pool)
    let quantized = rounding.quantize(bits: bits, effort: settings.effort, pool: pool).weight
    result.weights[layer.weight] = quantized
    let rounded = quantized.dequantized()
    student.replace(layer.weight, by: rounded)
    guard let name = layer.bias, let bias else { return }
    let corrected = layer.biasRestoringMeans(
      bias, isWithinOutputs: floatNode.inputs.contains(name), rounded: rounded, moments: moments)
    guard corrected.allSatisfy(\.isFinite) else { return }
    let tensor = Tensor(corrected, shape: bias.shape)
    student.replace(name, by: tensor)
    result.biases[name] = tensor
  }

  /// What the layer reads in the network rounded so far, and what it should give.
  private func values(
    of layer: RoundingLayer, at node: Int
  ) throws -> (inputs: [Tensor], outputs: [Tensor], node: Node) {
    guard let position = reference.layer(of: layer.weight) else {
      throw WeightRoundingError.layerMissing(layer: layer.name, weight: layer.weight)
    }
    let input = student.node(node).inputs[0]
    let output = reference.node(position).identity
    try student.advance(to: node)
    try reference.advance(to: position + 1, keeping: output)
    guard let inputs = student.tensors(input) else {
      throw WeightRoundingError.valueMissing(layer: layer.name, value: input)
    }
    guard let outputs = reference.tensors(output) else {
      throw WeightRoundingError.valueMissing(layer: layer.name, value: output)
    }
    let wanted =
      settings.correctsErrors
      ? addShortcutError(to: outputs, of: output) : outputs
    return (inputs, wanted, reference.node(position))
  }
}
