import Calibration
public import Parallelism
public import Quantization
import Tensors

/// The facts of all layers of a network, for one calibration set: what formulas are evaluated on.
/// Keeps what formulas have in common, so that evaluating a second one costs little.
public final class NetworkFacts {
  public let layers: [LayerFacts]
  private let costly: CostlyFacts
  private let pool: WorkerPool
  private var channels: [Int: [Int: [Double]]] = [:]
  private var power: [Int: [Double]] = [:]
  private var feedbackForms: [Key: QuantizedWeight] = [:]
  private var feedbackErrors: [Key: [Double]] = [:]
  private var measurements: [[Int: CostlyFacts.Measurement]]?
  private var trials: [CostlyFacts.Trial]?
  private var gammas: [Double]?
  private var gradients: [GradientFacts]?
  private var virtualGradients: [[Float]]?
  private var traces: [Double]?
  private var eigenvalues: [Double]?
  private var synapticFlows: [Double]?
  private var localTraces: [Double]?
  private var prunedDistances: [Double]?
  private var disturbedDistances: [Double]?
  /// Of parts of formulas that are read off the data.
  var numbers: [Part: Double] = [:]

  struct Key: Hashable {
    var layer: Int
    var bits: Int
  }

  struct Part: Hashable {
    var expression: Expression
    var layer: Int
    /// 0 where the part does not depend on it.
    var bits: Int
  }

  public init(layers: [LayerFacts], costly: CostlyFacts, pool: WorkerPool) {
    self.layers = layers
    self.costly = costly
    self.pool = pool
  }

  /// The value of a statistic. Throws where what it takes to compute it does.
  func value(_ statistic: Statistic, layer index: Int, bits: Int) throws -> LayerValue {
    let layer = layers[index]
    let type = statistic.type
    switch statistic {
    case .weights: return LayerValue(type, NetworkFacts.doubles(layer.rows.values))
    case .error: return LayerValue(type, error(try form(index, bits), of: layer.rows))
    case .feedbackError:
      return LayerValue(type, error(try feedbackForm(index, bits), of: layer.rows))
    case .inputPower: return columns(layer, layer.inputs.meanSquares)
    case .inputMean: return columns(layer, layer.inputs.means)
    case .outputPower:
      _ = try outputErrors(index)
      return LayerValue(type, power[index] ?? [])
    case .outputError: return LayerValue(type, try outputErrors(index)[bits] ?? [])
    case .feedbackOutputError: return LayerValue(type, try feedbackOutputErrors(index, bits))
    case .step: return LayerValue(type, NetworkFacts.steps(try form(index, bits)))
    case .measured: return LayerValue(try measurement(index, bits).distance)
    case .measuredSmooth: return LayerValue(try measurement(index, bits).smoothed)
    case .measuredDivergence: return LayerValue(try measurement(index, bits).divergence)
    case .measuredNoise: return LayerValue(try measurement(index, bits).noise)
    case .gamma: return LayerValue(try gamma()[index])
    case .gradient, .squaredGradient, .outputGradient, .channelFisher:
      return LayerValue(type, gradient(statistic, try kept(\.gradients, costly.gradients)[index]))
    case .virtualGradient:
      let values = try kept(\.virtualGradients, costly.virtualGradients)[index]
      return LayerValue(type, values.map { Double($0) })
    case .trace: return LayerValue(try kept(\.traces, costly.traces)[index])
    case .eigenvalue: return LayerValue(try kept(\.eigenvalues, costly.eigenvalues)[index])
    case .synapticFlow: return LayerValue(try kept(\.synapticFlows, costly.synapticFlows)[index])
    case .localTrace: return LayerValue(try kept(\.localTraces, costly.localTraces)[index])
    case .pruned: return LayerValue(try kept(\.prunedDistances, costly.prunedDistances)[index])
    case .disturbed:
      return LayerValue(try kept(\.disturbedDistances, costly.disturbedDistances)[index])
    default: return LayerValue(shapeNumber(statistic, index, bits))
    }
  }

  private func shapeNumber(_ statistic: Statistic, _ index: Int, _ bits: Int) -> Double {
    let layer = layers[index]
    let isConvolution = layer.op == "Conv"
    let isDepthwise = isConvolution && layer.groups > 1 && layer.groups == inputChannels(layer)
    return switch statistic {
    case .bits: Double(bits)
    case .fanIn: Double(layer.rows.length)
    case .fanOut: Double(layer.rows.count)
    case .groups: Double(layer.groups)
    case .parameters: Double(layer.rows.count) * Double(layer.rows.length)
    case .macs: layer.macs
    case .depth: Double(index)
    case .layers: Double(layers.count)
    case .isConvolution: isConvolution ? 1 : 0
    case .isDepthwise: isDepthwise ? 1 : 0
    case .isProduct: isConvolution ? 0 : 1
    default: .nan
    }
  }

  private func inputChannels(_ layer: LayerFacts) -> Int {
    layer.rows.shape.count > 1 ? layer.rows.shape[1] * layer.groups : 0
  }

  // MARK: Integers

  private func form(_ index: Int, _ bits: Int) throws(ProxyError) -> QuantizedWeight {
    guard let form = layers[index].forms[bits] else {
      throw .width(layer: layers[index].name, bits: bits)
    }
    return form
  }

  /// Integers with error feedback; computed once.
  public func feedbackForm(_ index: Int, _ bits: Int) throws -> QuantizedWeight {
    let key = Key(layer: index, bits: bits)
    if let known = feedbackForms[key] { return known }
    let form = try costly.feedbackForm(index, try form(index, bits))
    feedbackForms[key] = form
    return form
  }

  private static func doubles(_ tensor: Tensor) -> [Double] {
    tensor.withElements(of: Float.self) { values in values.map { Double($0) } }
  }

  private func error(_ form: QuantizedWeight, of rows: WeightRows) -> [Double] {
    let (scales, block) = (form.scales, form.block)
    let tasks = max(1, min(scales.count, rows.values.count >> 15))
    return rows.values.withElements(of: Float.self) { weights in
      rows.rows(of: form).withElements(of: Int8.self) { integers in
        [Double](unsafeUninitializedCapacity: weights.count) { errors, initialized in
          nonisolated(unsafe) let (weights, integers, errors) = (weights, integers, errors)
          pool.forEach(tasks) { task in
            for part in scales.count * task / tasks..<scales.count * (task + 1) / tasks {
              for index in part * block..<(part + 1) * block {
                errors[index] =
                  Double(Float(integers[index]) * scales[part]) - Double(weights[index])
              }
            }
          }
          initialized = weights.count
        }
      }
    }
  }

  /// By output channel; the root mean square where blocks have scales of their own.
  private static func steps(_ form: QuantizedWeight) -> [Double] {
    stride(from: 0, to: form.scales.count, by: form.blocks).map { first in
      guard form.blocks > 1 else { return Double(form.scales[first]) }
      let squares = form.scales[first..<first + form.blocks].map { Double($0) * Double($0) }
      return (squares.reduce(0, +) / Double(form.blocks)).squareRoot()
    }
  }

  // MARK: Inputs and outputs

  /// Zeros where the samples do not have the layer's columns.
  private func columns(_ layer: LayerFacts, _ moments: [[Float]]) -> LayerValue {
    let values = moments.joined().map { Double($0) }
    let count = layer.shape.count(.columns)
    return LayerValue(
      .columns, values.count == count ? values : Array(repeating: 0, count: count))
  }

  /// Mean squares by bits.
  private func outputErrors(_ index: Int) throws -> [Int: [Double]] {
    if let known = channels[index] { return known }
    let layer = layers[index]
    let bits = layer.forms.keys.sorted()
    let found = meanSquares(
      layer.outputErrors ?? sums(of: bits.compactMap { layer.forms[$0] }, layer), layer,
      forms: bits.count)
    power[index] = found.power
    let byBits = Dictionary(zip(bits, found.errors), uniquingKeysWith: { first, _ in first })
    channels[index] = byBits
    return byBits
  }

  private func feedbackOutputErrors(_ index: Int, _ bits: Int) throws -> [Double] {
    let key = Key(layer: index, bits: bits)
    if let known = feedbackErrors[key] { return known }
    let layer = layers[index]
    let found = meanSquares(
      sums(of: [try feedbackForm(index, bits)], layer), layer, forms: 1
    ).errors[0]
    feedbackErrors[key] = found
    return found
  }

  private func sums(of forms: [QuantizedWeight], _ layer: LayerFacts) -> OutputError.Channels? {
    OutputError.channels(of: forms, rows: layer.rows, inputs: layer.inputs, pool: pool)
  }

  /// Zeros where there are no sums.
  private func meanSquares(
    _ sums: OutputError.Channels?, _ layer: LayerFacts, forms: Int
  ) -> (power: [Double], errors: [[Double]]) {
    let zeros = Array(repeating: 0.0, count: layer.rows.count)
    guard let sums, sums.errors.count == forms else {
      return (zeros, Array(repeating: zeros, count: forms))
    }
    let count = Double(max(layer.inputs.count, 1))
    return (sums.power.map { $0 / count }, sums.errors.map { $0.map { $0 / count } })
  }

  // MARK: The whole network

  /// Random plans and what they do; measured once.
  func planTrials() throws -> [CostlyFacts.Trial] { try kept(\.trials, costly.trials) }

  private func measurement(_ index: Int, _ bits: Int) throws -> CostlyFacts.Measurement {
    let all = try measurements ?? costly.measurements()
    measurements = all
    guard all.indices.contains(index), let found = all[index][bits] else {
      throw ProxyError.width(layer: layers[index].name, bits: bits)
    }
    return found
  }

  private func gradient(_ statistic: Statistic, _ facts: GradientFacts) -> [Double] {
    switch statistic {
    case .gradient: facts.mean.map { Double($0) }
    case .squaredGradient: facts.meanSquare.map { Double($0) }
    case .outputGradient: facts.outputMeanSquare
    default: facts.channelFisher
    }
  }

  /// Computed once.
  private func kept<Facts>(
    _ path: ReferenceWritableKeyPath<NetworkFacts, Facts?>, _ compute: () throws -> Facts
  ) rethrows -> Facts {
    if let known = self[keyPath: path] { return known }
    let facts = try compute()
    self[keyPath: path] = facts
    return facts
  }

  private func gamma() throws -> [Double] {
    if let gammas { return gammas }
    let matrix = try costly.similarities()
    let sums = matrix.indices.map { i in
      matrix[i].indices.reduce(0) { $1 == i ? $0 : $0 + matrix[i][$1] }
    }
    gammas = sums
    return sums
  }
}
