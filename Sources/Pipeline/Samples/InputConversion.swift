import Tensors

/// Turns stored values into what one input takes.
struct InputConversion: Sendable {
  let target: InputTarget
  let preprocessing: Preprocessing

  /// Layout of images in the model's input: as set, else read off the declared shape.
  var layout: Preprocessing.Layout {
    if let layout = preprocessing.layout { return layout }
    guard let shape = target.shape, shape.count == 4 else { return .nchw }
    let isChannels: (Int) -> Bool = { [1, 3].contains(shape[$0].size) }
    return isChannels(3) && !isChannels(1) ? .nhwc : .nchw
  }

  /// Whether an array is a stack of images `[N, H, W, C]`, as opposed to a tensor to be fed as it
  /// is.
  func isImageStack(_ tensor: Tensor) -> Bool {
    tensor.elementType == .uint8 && tensor.rank == 4 && [1, 3].contains(tensor.shape[3])
      && tensor.shape[1] > 0 && tensor.shape[2] > 0
      && (target.rank ?? 4) == 4
      && (target.elementType.isFloatingPoint || target.elementType == .uint8)
  }

  /// Converts one image `[H, W, C]` to `[1, C, H, W]` or `[1, H, W, C]`.
  func image(_ image: Tensor, source: String) throws -> Tensor {
    var image = try resized(image, source: source)
    if channelCount == 1, image.shape[2] == 3 { image = ImageChannels.grey(image) }
    if preprocessing.channels == .bgr { image = ImageChannels.reversed(image) }
    let planar = layout == .nchw
    let (height, width, channels) = (image.shape[0], image.shape[1], image.shape[2])
    let shape = planar ? [1, channels, height, width] : [1, height, width, channels]
    if target.elementType == .uint8, !preprocessing.normalizes {
      return planar ? ImageChannels.planar(image).reshaped(to: shape) : image.reshaped(to: shape)
    }
    let normalization = try Normalization(preprocessing, channels: channels, source: source)
    let values = normalization.apply(toImage: image, planar: planar)
    return try FloatConversion.tensor(values, shape: shape, as: target)
  }

  /// Converts an array that is fed with its own shape.
  func array(_ tensor: Tensor, source: String) throws -> Tensor {
    if tensor.elementType == target.elementType
      && !(preprocessing.normalizes && target.elementType.isFloatingPoint)
    {
      return tensor
    }
    guard target.elementType.isFloatingPoint, preprocessing.normalizes,
      let values = FloatConversion.values(of: tensor)
    else {
      let hint = target.elementType.isFloatingPoint ? " (--scale 1 converts numbers)" : ""
      throw SampleError.elementType(
        source: source, found: tensor.elementType.description, input: target.name,
        expected: target.elementType.description + hint)
    }
    let axis = layout == .nchw ? min(1, tensor.rank - 1) : tensor.rank - 1
    let channels = tensor.shape.isEmpty ? 1 : tensor.shape[axis]
    let inner = tensor.shape.dropFirst(axis + 1).reduce(1, *)
    let normalization = try Normalization(preprocessing, channels: channels, source: source)
    let normalized = values.enumerated().map { index, value in
      normalization.apply(value, channel: index / max(inner, 1) % max(channels, 1))
    }
    return try FloatConversion.tensor(normalized, shape: tensor.shape, as: target)
  }

  private var channelCount: Int? {
    guard let shape = target.shape, shape.count == 4 else { return nil }
    return shape[layout == .nchw ? 1 : 3].size
  }

  private func resized(_ image: Tensor, source: String) throws(SampleError) -> Tensor {
    var image = image
    if let (height, width) = resizedSize(height: image.shape[0], width: image.shape[1]) {
      guard width <= Preprocessing.Resize.pixelLimit / height else {
        throw .image(
          source: source, problem: "resizing would make it \(width) x \(height) pixels")
      }
      image = ImageResize.bilinear(image, height: height, width: width)
    }
    switch preprocessing.crop {
    case nil: return image
    case .exact(let width, let height):
      return try cropped(image, height: height, width: width, source: source)
    case .shortSide(let side):
      return try cropped(image, height: side, width: side, source: source)
    }
  }

  private func resizedSize(height: Int, width: Int) -> (height: Int, width: Int)? {
    switch preprocessing.resize {
    case nil: nil
    case .exact(let width, let height): (height, width)
    case .shortSide(let side) where height < width: (side, side * width / height)
    case .shortSide(let side): (side * height / width, side)
    }
  }

  private func cropped(
    _ image: Tensor, height: Int, width: Int, source: String
  ) throws(SampleError) -> Tensor {
    guard let cropped = ImageChannels.centerCrop(image, height: height, width: width) else {
      throw .image(
        source: source,
        problem: "an image of \(image.shape[1]) x \(image.shape[0]) pixels is smaller than "
          + "the crop of \(width) x \(height)")
    }
    return cropped
  }
}
