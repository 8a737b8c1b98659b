/// How stored samples become what the model's input takes. Every step is optional; the order is
/// resize, crop, channel order, `(x * scale - mean) / std`, layout.
public struct Preprocessing: Sendable, Codable, Equatable {
  public enum Channels: String, Sendable, Codable, CaseIterable { case rgb, bgr }
  /// Axis order of an image input of the model.
  public enum Layout: String, Sendable, Codable, CaseIterable { case nchw, nhwc }

  public enum Resize: Sendable, Equatable {
    case shortSide(Int)
    case exact(width: Int, height: Int)
  }

  public var scale: Double?
  /// One value, or one for each channel.
  public var mean: [Double]?
  public var std: [Double]?
  public var channels: Channels?
  /// Nil: read off the shape of the model's input.
  public var layout: Layout?
  public var resize: Resize?
  public var crop: Resize?

  public init(
    scale: Double? = nil, mean: [Double]? = nil, std: [Double]? = nil, channels: Channels? = nil,
    layout: Layout? = nil, resize: Resize? = nil, crop: Resize? = nil
  ) {
    self.scale = scale
    self.mean = mean
    self.std = std
    self.channels = channels
    self.layout = layout
    self.resize = resize
    self.crop = crop
  }

  /// These settings, with those of `other` in their place where it has any.
  public func overridden(by other: Preprocessing) -> Preprocessing {
    Preprocessing(
      scale: other.scale ?? scale, mean: other.mean ?? mean, std: other.std ?? std,
      channels: other.channels ?? channels, layout: other.layout ?? layout,
      resize: other.resize ?? resize, crop: other.crop ?? crop)
  }

  /// Whether the values change, as opposed to the geometry.
  var normalizes: Bool { scale != nil || mean != nil || std != nil }
}

extension Preprocessing.Resize: Codable {
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let size = Preprocessing.Resize(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not a size"))
    }
    self = size
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Preprocessing.Resize: CustomStringConvertible {
  /// Reads `256` or `320x240` (width first); nil for anything else.
  public init?(_ text: String) {
    let parts = text.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    let sizes = parts.compactMap { Int($0) }.filter(Self.sizeRange.contains)
    switch sizes.count {
    case parts.count where parts.count == 1: self = .shortSide(sizes[0])
    case parts.count where parts.count == 2: self = .exact(width: sizes[0], height: sizes[1])
    default: return nil
    }
  }

  public var description: String {
    switch self {
    case .shortSide(let side): "\(side)"
    case .exact(let width, let height): "\(width)x\(height)"
    }
  }

  static let sizeRange = 1...16384
  static let pixelLimit = 1 << 28
}
