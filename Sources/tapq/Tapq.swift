import ArgumentParser
import Pipeline

@main
struct Tapq: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tapq", abstract: "Quantize an ONNX network so that it fits a device.")
}
