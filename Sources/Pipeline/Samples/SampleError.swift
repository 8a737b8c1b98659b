/// What is wrong with the samples that a command was given.
public enum SampleError: Error, Equatable, Sendable {
  case preprocessing(origin: String, problem: String)
  case noSource
  case inputUnnamed(source: String, inputs: [String])
  case inputUnknown(source: String, input: String, inputs: [String])
  case inputMissing(name: String)
  case inputRepeated(name: String)
  case inputType(name: String, problem: String)
  case shape(source: String, found: [Int], input: String, expected: String)
  case elementType(source: String, found: String, input: String, expected: String)
  case notANumber(source: String, sample: Int)
  case noSamples(source: String)
  case countMismatch(source: String, count: Int, other: String, otherCount: Int)
  case batch(source: String, count: Int, batch: Int)
  case list(path: String, line: Int, problem: String)
  case image(source: String, problem: String)
  case labels(path: String, problem: String)
}

extension SampleError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .preprocessing(let origin, let problem): "\(origin): \(problem)"
    case .noSource: "no data is given"
    case .inputUnnamed(let source, let inputs):
      "the model has the inputs \(SampleError.list(inputs)); say which one takes \(source): "
        + "NAME=\(source)"
    case .inputUnknown(let source, let input, let inputs):
      "\(source) gives '\(input)', the model has the inputs \(SampleError.list(inputs))"
    case .inputMissing(let name):
      "no data is given for input '\(name)'; \(name)=FILE gives it, \(name)=0 fills it"
    case .inputRepeated(let name): "input '\(name)' is given twice"
    case .inputType(let name, let problem): "input '\(name)' \(problem)"
    case .shape(let source, let found, let input, let expected):
      "\(source) has shape \(found), which does not fit input '\(input)' of shape \(expected)"
    case .elementType(let source, let found, let input, let expected):
      "\(source) holds \(found), input '\(input)' takes \(expected)"
    case .notANumber(let source, let sample): "sample \(sample) of \(source) holds a NaN"
    case .noSamples(let source): "\(source) holds no samples"
    case .countMismatch(let source, let count, let other, let otherCount):
      "\(source) has \(count) samples, \(other) has \(otherCount)"
    case .batch(let source, let count, let batch):
      "\(source) has \(count) samples, which is no multiple of the model's fixed batch of \(batch)"
    case .list(let path, let line, let problem): "\(path), line \(line): \(problem)"
    case .image(let source, let problem): "\(source): \(problem)"
    case .labels(let path, let problem): "\(path): \(problem)"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.map { "'\($0)'" }.joined(separator: ", ")
  }
}
