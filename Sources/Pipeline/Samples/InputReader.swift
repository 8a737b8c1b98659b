import Tensors

/// Gives the samples of one input, one by one.
protocol InputReader: Sendable {
  /// File, folder or list, for messages.
  var source: String { get }
  /// Number of rows; a sample takes `InputTarget.rowsPerSample` of them.
  var rowCount: Int { get }
  /// The converted rows, a batch axis first. Throws where they do not fit the input.
  func rows(_ range: Range<Int>) throws -> Tensor
  /// How images lie in the rows; nil where they are none.
  var imageLayout: Preprocessing.Layout? { get }
  /// Everything at once.
  func whole() throws -> Tensor
}

extension InputReader {
  func whole() throws -> Tensor { try rows(0..<rowCount) }
}

/// Rows of an array in a file: images where it holds uint8 `[N, H, W, C]`, else tensors that are
/// fed as they are.
struct ArrayReader: InputReader {
  let source: String
  let tensor: Tensor
  let conversion: InputConversion
  let rowCount: Int
  private let holdsImages: Bool
  var imageLayout: Preprocessing.Layout? { holdsImages ? conversion.layout : nil }

  /// A scalar counts as one row.
  init(source: String, tensor: Tensor, conversion: InputConversion) {
    self.source = source
    self.tensor = tensor
    self.conversion = conversion
    holdsImages = conversion.isImageStack(tensor)
    rowCount = tensor.shape.first ?? 1
  }

  func whole() throws -> Tensor {
    if holdsImages { return try rows(0..<rowCount) }
    let result = try conversion.array(tensor, source: source)
    guard conversion.target.fits(result.shape) else { throw mismatch }
    return result
  }

  func rows(_ range: Range<Int>) throws -> Tensor {
    if tensor.rank == 0 { return try whole() }
    guard let slice = tensor.rows(range) else { throw mismatch }
    let result =
      holdsImages
      ? try Tensor(
        joiningRows: range.map { index in
          let row = index - range.lowerBound
          guard let image = slice.rows(row..<row + 1) else { throw mismatch }
          return try conversion.image(
            image.reshaped(to: Array(image.shape.dropFirst())), source: source)
        })
      : try conversion.array(slice, source: source)
    guard let result else { throw mismatch }
    if conversion.target.fits(result.shape) { return result }
    // One axis more than the input has: the axis of samples is not the model's.
    let inner = Array(result.shape.dropFirst())
    guard range.count == 1, conversion.target.fits(inner) else { throw mismatch }
    return result.reshaped(to: inner)
  }

  private var mismatch: SampleError {
    .shape(
      source: source, found: tensor.shape, input: conversion.target.name,
      expected: conversion.target.shapeDescription)
  }
}

/// Image files, decoded when they are asked for.
struct ImageReader: InputReader {
  let source: String
  let paths: [String]
  let conversion: InputConversion
  var rowCount: Int { paths.count }
  var imageLayout: Preprocessing.Layout? { conversion.layout }

  func rows(_ range: Range<Int>) throws -> Tensor {
    let images = try paths[range].map { path in
      let image = try ImageFile.read(path: path)
      let converted = try conversion.image(image, source: path)
      let fitting = [range.count] + converted.shape.dropFirst()
      guard conversion.target.fits(fitting) else {
        throw SampleError.shape(
          source: path, found: image.shape, input: conversion.target.name,
          expected: conversion.target.shapeDescription + "; --resize and --crop make it fit")
      }
      return converted
    }
    guard let result = Tensor(joiningRows: images) else {
      throw SampleError.image(source: source, problem: "its images differ in size")
    }
    return result
  }
}
