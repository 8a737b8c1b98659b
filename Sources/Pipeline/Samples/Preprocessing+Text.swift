import Foundation
import Yams

extension Preprocessing {
  /// Reads settings from their texts, as flags and preprocessing files spell them: `scale` and the
  /// entries of `mean` and `std` are numbers or fractions (`1/255`), lists are separated by commas.
  public init(texts: [String: String], origin: String) throws(SampleError) {
    self.init()
    for (key, text) in texts.sorted(by: { $0.key < $1.key }) {
      let problem: String?
      switch key {
      case "scale":
        scale = Preprocessing.number(text)
        problem = scale == nil ? "is not a number or a fraction" : nil
      case "mean":
        mean = Preprocessing.numbers(text)
        problem = mean == nil ? "is not a list of numbers" : nil
      case "std":
        std = Preprocessing.numbers(text)
        let usable = std.map { $0.allSatisfy { $0 != 0 } } ?? false
        problem = usable ? nil : "is not a list of numbers other than zero"
      case "channels":
        channels = Channels(rawValue: text.lowercased())
        problem = channels == nil ? "is not rgb or bgr" : nil
      case "layout":
        layout = Layout(rawValue: text.lowercased())
        problem = layout == nil ? "is not nchw or nhwc" : nil
      case "resize":
        resize = Resize(text)
        problem = resize == nil ? "is not a size like 256 or 320x240" : nil
      case "crop":
        crop = Resize(text)
        problem = crop == nil ? "is not a size like 224 or 320x240" : nil
      default:
        throw .preprocessing(
          origin: origin,
          problem: "there is no setting '\(key)'; there are "
            + "scale, mean, std, channels, layout, resize, crop")
      }
      if let problem {
        throw .preprocessing(origin: origin, problem: "\(key) '\(text)' \(problem)")
      }
    }
  }

  /// Reads a YAML file with the keys of the flags.
  public init(yamlFile path: String) throws(SampleError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .preprocessing(origin: path, problem: "the file cannot be read")
    }
    let root: Yams.Node?
    do {
      root = try Yams.compose(yaml: String(decoding: data, as: UTF8.self))
    } catch {
      throw .preprocessing(origin: path, problem: "it is not YAML")
    }
    guard let mapping = root?.mapping else {
      throw .preprocessing(origin: path, problem: "it is not a mapping of settings")
    }
    var texts: [String: String] = [:]
    for (key, value) in mapping {
      let items = value.sequence.map { Array($0) } ?? [value]
      guard let name = key.scalar?.string, items.allSatisfy({ $0.scalar != nil }) else {
        throw .preprocessing(
          origin: path, problem: "a setting must be one value or a list of values")
      }
      texts[name] = items.compactMap { $0.scalar?.string }.joined(separator: ",")
    }
    try self.init(texts: texts, origin: path)
  }

  static func number(_ text: String) -> Double? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      .map { Double($0.trimmingCharacters(in: .whitespaces)) ?? .nan }
    let value =
      switch parts.count {
      case 1: parts[0]
      case 2: parts[0] / parts[1]
      default: Double.nan
      }
    return value.isFinite ? value : nil
  }

  static func numbers(_ text: String) -> [Double]? {
    let values = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { number(String($0)) }
    let numbers = values.compactMap { $0 }
    return numbers.count == values.count ? numbers : nil
  }
}
