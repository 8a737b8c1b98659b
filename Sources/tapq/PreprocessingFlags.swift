import ArgumentParser
import Pipeline

/// The flags that say how stored samples become the model's inputs.
struct PreprocessingFlags: ParsableArguments {
  @Option(
    name: .customLong("preprocess"),
    help: ArgumentHelp(
      "Preprocessing settings: the keys are the names of the flags below, which replace them.",
      valueName: "FILE.yaml"))
  var file: String?

  @Option(help: "Factor for every value, for example 1/255.")
  var scale: String?

  @Option(
    parsing: .unconditional,
    help: "Subtracted after scaling: one number, or one for each channel, with commas.")
  var mean: String?

  @Option(
    name: .customLong("std"), help: "Divisor after that: one number, or one for each channel.")
  var deviation: String?

  @Option(help: "Channel order of the model's input: rgb or bgr. Files hold rgb.")
  var channels: String?

  @Option(help: "Image layout of the model's input, nchw or nhwc; else read off its shape.")
  var layout: String?

  @Option(help: "Resize images first: the short side (256) or WIDTHxHEIGHT.")
  var resize: String?

  @Option(help: "Then keep the middle: SIDE or WIDTHxHEIGHT.")
  var crop: String?

  func resolved() throws -> Preprocessing { try resolved(file: file) }

  /// The settings of another file than `--preprocess` names, replaced by the flags.
  func resolved(file: String?) throws -> Preprocessing {
    let flags = try Preprocessing(texts: texts, origin: "preprocessing flag")
    guard let file else { return flags }
    return try Preprocessing(yamlFile: file).overridden(by: flags)
  }

  /// A wrong flag is a usage error; a wrong file is bad input, found later.
  func validate() throws {
    do {
      _ = try Preprocessing(texts: texts, origin: "preprocessing flag")
    } catch {
      throw ValidationError(error.description)
    }
  }

  private var texts: [String: String] {
    var texts: [String: String] = [:]
    texts["scale"] = scale
    texts["mean"] = mean
    texts["std"] = deviation
    texts["channels"] = channels
    texts["layout"] = layout
    texts["resize"] = resize
    texts["crop"] = crop
    return texts
  }
}
