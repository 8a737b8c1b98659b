public import GraphIR
public import Tensors

/// Samples for the inputs of a model, read one by one: what `--calibration` and `--data` give.
///
/// A source is `FILE.npy`, `FILE.npz`, `FILE.pb`, an image, a folder of images or a list of them
/// (`LIST.txt`); `NAME=SOURCE` says which input takes it, `NAME=NUMBER` fills an input.
public struct SampleSource: Sendable {
  /// Number of samples.
  public let count: Int
  /// How messages name the data.
  public let name: String
  /// Rows in one sample: the model's batch where it is fixed, else one.
  public let rowsPerSample: Int
  /// Class of each row, where a list of images gives it.
  public let labels: [Int]?
  /// The image files where the samples are images.
  public let imagePaths: [String]?
  /// Whether all inputs have a free first axis, so that samples can be joined.
  public let canBatch: Bool

  private let readers: [(target: InputTarget, reader: any InputReader)]
  private let constants: [(target: InputTarget, value: Double)]

  /// Opens the sources; `limit` keeps the first samples.
  public init(
    _ sources: [String], model: Model, preprocessing: Preprocessing = Preprocessing(),
    limit: Int? = nil
  ) throws {
    let targets = try model.graph.requiredInputs.map { input throws(SampleError) in
      try InputTarget(input)
    }
    let bindings = try SampleSourceParser(targets: targets, preprocessing: preprocessing)
      .parse(sources)
    readers = bindings.readers
    constants = bindings.constants
    guard let first = readers.first else { throw SampleError.noSource }
    name = first.reader.source
    labels = bindings.labels
    imagePaths = (first.reader as? ImageReader)?.paths
    canBatch =
      constants.isEmpty && readers.allSatisfy { $0.target.hasFreeBatch } && !targets.isEmpty
    var count: Int?
    for (target, reader) in readers {
      let rows = target.rowsPerSample
      guard reader.rowCount > 0 else { throw SampleError.noSamples(source: reader.source) }
      guard reader.rowCount % rows == 0 else {
        throw SampleError.batch(source: reader.source, count: reader.rowCount, batch: rows)
      }
      let samples = reader.rowCount / rows
      if let count, count != samples {
        throw SampleError.countMismatch(
          source: reader.source, count: samples, other: first.reader.source, otherCount: count)
      }
      count = samples
    }
    rowsPerSample = first.target.rowsPerSample
    self.count = min(count ?? 0, limit ?? .max)
    guard self.count > 0 else { throw SampleError.noSamples(source: name) }
  }

  /// Which samples are looked at where `wanted` of them are: evenly spread.
  func spread(_ wanted: Int) -> [Int] { SampleSource.spread(wanted, of: count) }

  /// `wanted` of `count` positions, evenly spread; all where there are no more.
  static func spread(_ wanted: Int, of count: Int) -> [Int] {
    let taken = min(wanted, count)
    return (0..<taken).map { $0 * count / taken }
  }

  /// The inputs of one sample by name. Throws where they do not fit the model or hold a NaN.
  public func feed(_ index: Int) throws -> [String: Tensor] {
    precondition((0..<count).contains(index))
    var feed: [String: Tensor] = [:]
    var bound: [String: Int] = [:]
    for (target, reader) in readers {
      let rows = target.rowsPerSample
      let tensor = try reader.rows(index * rows..<(index + 1) * rows)
      guard !FloatConversion.hasNaN(tensor) else {
        throw SampleError.notANumber(source: reader.source, sample: index)
      }
      bound.merge(target.bindings(of: tensor.shape)) { first, _ in first }
      feed[target.name] = tensor
    }
    for (target, value) in constants {
      let shape = target.shape(binding: bound)
      feed[target.name] = try ConstantFill.tensor(value, shape: shape, as: target)
    }
    return feed
  }

  /// The inputs that take images.
  var imageInputs: Set<String> {
    Set(readers.filter { $0.reader.imageLayout != nil }.map(\.target.name))
  }

  /// Another look of a sample's images; the other inputs stay as they are.
  func variant(
    of feed: [String: Tensor], number: Int, generator: inout SplitMix64
  ) -> [String: Tensor] {
    var variant = feed
    for (target, reader) in readers {
      guard let layout = reader.imageLayout, let image = feed[target.name] else { continue }
      variant[target.name] = ImageVariation(layout: layout)
        .variant(image, number: number, generator: &generator)
    }
    return variant
  }

  /// The inputs of several samples, joined along the first axis; nil where their shapes differ.
  /// Only for sources that `canBatch`.
  public func batch(_ range: Range<Int>) throws -> [String: Tensor]? {
    precondition(canBatch)
    let feeds = try range.map { try feed($0) }
    var joined: [String: Tensor] = [:]
    for (target, _) in readers {
      guard let tensor = Tensor(joiningRows: feeds.compactMap { $0[target.name] }) else {
        return nil
      }
      joined[target.name] = tensor
    }
    return joined
  }
}

/// An input whose elements are all one number.
enum ConstantFill {
  static func tensor(
    _ value: Double, shape: [Int], as target: InputTarget
  ) throws(SampleError) -> Tensor {
    guard let count = Tensor.checkedCount(of: shape), count <= 1 << 32 else {
      throw .inputType(name: target.name, problem: "is too large to be filled")
    }
    if target.elementType.isFloatingPoint {
      return try FloatConversion.tensor(
        Array(repeating: value, count: count), shape: shape, as: target)
    }
    guard let integer = Int(exactly: value),
      let tensor = Tensor(
        integers: Array(repeating: integer, count: count), elementType: target.elementType,
        shape: shape)
    else {
      throw .inputType(
        name: target.name, problem: "takes \(target.elementType), which cannot be \(value)")
    }
    return tensor
  }
}
