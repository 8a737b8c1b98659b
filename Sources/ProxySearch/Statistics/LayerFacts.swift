public import Calibration
public import Quantization

/// What is known of a layer without any gradient: its weight, what calibration saw of its inputs,
/// and its integers at every width.
public struct LayerFacts: Sendable {
  /// `QuantizationPlan.Layer.name`.
  public var name: String
  public var op: String
  public var rows: WeightRows
  public var inputs: LayerInputSample
  /// By bits: rounded to nearest.
  public var forms: [Int: QuantizedWeight]
  /// Of the forms from the narrowest to the widest; nil where it is to be computed.
  public var outputErrors: OutputError.Channels?

  public init(
    name: String, op: String, rows: WeightRows, inputs: LayerInputSample,
    forms: [Int: QuantizedWeight], outputErrors: OutputError.Channels? = nil
  ) {
    self.name = name
    self.op = op
    self.rows = rows
    self.inputs = inputs
    self.forms = forms
    self.outputErrors = outputErrors
  }

  var groups: Int { inputs.layer.group }

  var shape: LayerShape {
    LayerShape(outputs: rows.count, fanIn: rows.length, groups: groups)
  }

  /// Multiply-accumulates for one sample.
  public var macs: Double { inputs.positionsPerSample * Double(rows.count) * Double(rows.length) }
}

/// Sizes of a layer's vectors and matrices.
struct LayerShape: Sendable, Equatable {
  var outputs: Int
  var fanIn: Int
  var groups: Int

  var rowsPerGroup: Int { max(outputs / max(groups, 1), 1) }

  func count(_ type: ValueType) -> Int {
    switch type {
    case .scalar: 1
    case .rows: outputs
    case .columns: groups * fanIn
    case .matrix: outputs * fanIn
    }
  }
}
