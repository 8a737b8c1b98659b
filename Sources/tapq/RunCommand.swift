import ArgumentParser
import Pipeline

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a model on files; write each output as NAME.npy.")

  @Argument(help: "The .onnx file.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "An input: .npy, .npz, .pb or image file, or a number that fills it.",
      valueName: "NAME=FILE"))
  var input: [String] = []

  @Option(help: "Folder for the outputs; it is made where it does not exist.")
  var outputDir: String

  @Flag(help: "Replace outputs that exist.")
  var overwrite = false

  @OptionGroup var preprocessing: PreprocessingFlags
  @OptionGroup var engine: EngineFlags

  @Flag(help: "Print the report as JSON.")
  var json = false

  func run() throws {
    let report = try ModelRun.run(
      .init(
        model: model, inputs: input, outputFolder: outputDir,
        preprocessing: try preprocessing.resolved(), engine: engine.engine,
        threads: engine.threadCount,
        overwrite: overwrite))
    if json { return try Console.json(report) }
    Console.result(
      Console.table(report.outputs.map { [$0.name, $0.type, "\($0.shape)", $0.file] }))
  }
}
