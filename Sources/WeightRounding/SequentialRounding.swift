import Calibration
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

  /// A layer, its node in the student, and its width.
  struct Placed {
    let layer: RoundingLayer
    let node: Int
    let bits: Int
  }

  var reference: NetworkFlow
  var student: NetworkFlow
  private let graph: Graph
  let split: BlockSplit
  let settings: RoundingSettings
  private let masks: [TokenMask]?
  let pool: WorkerPool

  /// - Parameters:
  ///   - reference: the float network.
  ///   - student: the same, or with quantized activations; weights and biases by the same names.
  ///   - samples: inputs by name.
  ///   - originals: how many of them are no variants of earlier ones; nil for all.
  public init(
    reference: Model, student: Model, samples: [[String: Tensor]], originals: Int? = nil,
    settings: RoundingSettings, pool: WorkerPool
  ) throws {
    guard !samples.isEmpty else { throw WeightRoundingError.noSamples }
    self.reference = NetworkFlow(reference, samples: samples, pool: pool)
    self.student = NetworkFlow(student, samples: samples, pool: pool)
    self.settings = settings
    graph = student.graph
    split = BlockSplit(samples: samples.count, originals: originals ?? samples.count)
    masks = TokenMask.of(samples)
    self.pool = pool
  }

  /// Rounds every layer to its width in `bits`, by weight name. `progress` hears of layers done.
  public mutating func run(
    _ layers: [RoundingLayer], bits: [String: Int], progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> Result {
    var result = Result()
    var seen: Set<String> = []
    let placed = try layers.compactMap { layer -> Placed? in
      guard let bits = bits[layer.weight], seen.insert(layer.weight).inserted else { return nil }
      guard let node = student.layer(of: layer.weight) else {
        throw WeightRoundingError.layerMissing(layer: layer.name, weight: layer.weight)
      }
      return Placed(layer: layer, node: node, bits: bits)
    }.sorted { $0.node < $1.node }
    let extent = LearningExtent(settings, layers: placed)
    let blocks =
      settings.method == .block
      ? BlockPartition(graph, layers: Set(placed.map(\.node))).blocks : []
    var done = 0
    while done < placed.count {
      let block = blocks.first { $0.layers.contains(placed[done].node) }
      if let block {
        let inside = placed[done...].prefix { block.layers.contains($0.node) }
        try reconstruct(
          block, layers: Array(inside), share: 1 / Double(blocks.count), into: &result)
        done += inside.count
      } else {
        try round(placed[done], learning: extent.steps, into: &result)
        done += 1
      }
      progress(done, placed.count)
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

  /// Rounds a layer; gives its multiply-accumulates for a sample.
  @discardableResult
  func round(
    _ placed: Placed, learning: Int = 0, into result: inout Result
  ) throws -> Int {
    let layer = placed.layer
    let (inputs, moments, bias) = try moments(of: placed)
    let rounding = LayerRounding(
      layer: layer, moments: moments, centered: bias != nil,
      dampingFactor: settings.dampingFactor, pool: pool)
    let quantized = rounding.quantize(
      bits: placed.bits, effort: settings.effort, learning: learning, pool: pool
    ).weight
    put(quantized, of: placed, moments: moments, bias: bias, into: &result)
    let columns = try LayerColumns(layer.observed, of: inputs.first?.shape ?? []).count
    return columns * layer.rows.count * layer.rows.length
  }

  /// What a layer's inputs and wanted outputs say, and the bias that takes back mean errors.
  func moments(
    of placed: Placed
  ) throws -> (inputs: [Tensor], moments: LayerMoments, bias: Tensor?) {
    let layer = placed.layer
    let (inputs, outputs) = try values(of: layer, at: placed.node)
    let moments = try MomentReader(
      layer: layer, arithmetic: settings.momentArithmetic, corrects: settings.correctsErrors,
      masks: masks, pool: pool
    ).moments(inputs: inputs, outputs: outputs)
    let bias = layer.bias.flatMap { student.initializer($0) }
      .flatMap { $0.elementType == .float32 && $0.count == layer.rows.count ? $0 : nil }
    return (inputs, moments, bias)
  }

  /// Gives the student a rounded weight and the bias that goes with it.
  func put(
    _ quantized: QuantizedWeight, of placed: Placed, moments: LayerMoments, bias: Tensor?,
    into result: inout Result
  ) {
    let layer = placed.layer
    result.weights[layer.weight] = quantized
    let rounded = quantized.dequantized()
    student.replace(layer.weight, by: rounded)
    guard let name = layer.bias, let bias else { return }
    let isWithinOutputs = student.node(placed.node).inputs.contains(name)
    let corrected = layer.biasRestoringMeans(
      bias, isWithinOutputs: isWithinOutputs, rounded: rounded, moments: moments)
    guard corrected.allSatisfy(\.isFinite) else { return }
    let tensor = Tensor(corrected, shape: bias.shape)
    student.replace(name, by: tensor)
    result.biases[name] = tensor
  }

  /// What the layer reads in the network rounded so far, and what it should give.
  private func values(
    of layer: RoundingLayer, at node: Int
  ) throws -> (inputs: [Tensor], outputs: [Tensor]) {
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
    return (inputs, wanted)
  }
}
