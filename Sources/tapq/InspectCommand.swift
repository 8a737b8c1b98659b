import ArgumentParser
import Foundation
import Pipeline

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show layers, operators and costs of a model, and what is not supported.")

  @Argument(help: "The .onnx file.")
  var model: String

  @OptionGroup var shapes: ShapeFlags

  @Flag(help: "Print the report as JSON.")
  var json = false

  func run() throws {
    let report = try Inspection.run(model: model, shapes: try shapes.parsed())
    if json { return try Console.json(report) }
    let statistics = report.statistics
    let layers = statistics.layers.map { layer in
      [
        layer.name, layer.op, layer.outputShape.map { "\($0)" } ?? "?",
        layer.macs.map(String.init) ?? "?", "\(layer.weightBytes)",
      ]
    }
    Console.result(
      Console.table([["layer", "operator", "output", "MACs", "weight bytes"]] + layers))
    let operators = statistics.operators.sorted { $0.key < $1.key }
      .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    Console.result(
      """

      operators: \(operators)
      multiply-accumulates: \(statistics.macs)
      weight bytes: \(statistics.weightBytes)
      peak RAM of activations: \(statistics.peakRAMBytes) bytes
      """)
    if let integers = report.integers {
      let float = integers.steps.filter { $0.kernel.hasPrefix("float") }
      Console.result(
        """
        integer engine: \(String(format: "%.1f", 100 * integers.share)) % of the \
        multiply-accumulates, packed weights \(integers.weightBytes) bytes, arena \
        \(integers.arenaBytes) bytes (at least \(integers.arenaLowerBound))
        """)
      for step in float { Console.result("in float: \(step.name) (\(step.kernel.dropFirst(6)))") }
    }
    if report.unsupportedLabels.isEmpty {
      Console.result("every operator is supported")
    } else {
      Console.result("not supported: " + report.unsupportedLabels.joined(separator: ", "))
    }
  }
}
