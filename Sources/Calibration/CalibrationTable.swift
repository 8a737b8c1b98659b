/// What calibration learned of a network's activations, by value name.
public struct CalibrationTable: Sendable, Codable, Equatable {
  public var samples: Int
  public var values: [String: ValueHistogram]

  public init(samples: Int, values: [String: ValueHistogram]) {
    self.samples = samples
    self.values = values
  }

  /// The histogram of several values together; those that were not observed add nothing.
  public func histogram(of names: [String]) -> ValueHistogram {
    names.reduce(into: ValueHistogram()) { sum, name in
      if let histogram = values[name] { sum.merge(histogram) }
    }
  }
}
