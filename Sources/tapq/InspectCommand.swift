import ArgumentParser
import Foundation
import Pipeline

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show layers, operators and costs of a model, and what is not supported.")

  @Argument(help: "The .onnx file.")
  var model: String

  @OptionGroup var device: DeviceFlags

  @OptionGroup var shapes: ShapeFlags

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws { try device.check() }

  func run() throws {
    let report = try Inspection.run(
      model: model, shapes: try shapes.parsed(), limits: try device.limits())
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
    if let device = report.device { Console.result(InspectCommand.text(device)) }
    if report.unsupportedLabels.isEmpty {
      Console.result("every operator is supported")
    } else {
      Console.result("not supported: " + report.unsupportedLabels.joined(separator: ", "))
    }
  }

  private static func text(_ device: DeviceFit) -> String {
    func row(_ title: String, _ form: DeviceFit.Form) -> [String] {
      [
        title, form.fits ? "yes" : "no", ByteSize.text(form.flashBytes),
        ByteSize.text(form.ramBytes), form.ramPeakAt ?? "?",
        form.predictedLatencyMilliseconds.map { String(format: "%.3f ms", $0) } ?? "?",
      ]
    }
    let limits = [
      device.profile, "", device.flashLimit.map(ByteSize.text) ?? "-",
      device.ramLimit.map(ByteSize.text) ?? "-", "", "",
    ]
    var rows = [["on the device", "fits", "flash", "RAM", "RAM peak at", "predicted"], limits]
    rows.append(row("as it is", device.asItIs))
    if let quantized = device.at8Bits { rows.append(row("at 8 bits", quantized)) }
    return "\n" + Console.table(rows)
  }
}
