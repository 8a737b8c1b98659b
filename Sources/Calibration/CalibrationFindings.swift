/// What a calibration run gathered.
public struct CalibrationFindings: Sendable {
  public var table: CalibrationTable
  /// Columns that layers multiply, by layer name.
  public var inputs: [String: LayerInputSample]
  /// Elements of the values that they were asked of; those of one shape have them at the same places.
  public var elements: [String: [Float]]

  public init(
    table: CalibrationTable, inputs: [String: LayerInputSample], elements: [String: [Float]]
  ) {
    self.table = table
    self.inputs = inputs
    self.elements = elements
  }
}
