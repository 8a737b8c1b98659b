import ArgumentParser
import Foundation
import Pipeline

struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search", abstract: "Search for a proxy that decides bits well, on your networks.",
    discussion: """
      Generations of formulas, proposed by a language model or by a built-in grammar, are judged by \
      how they rank random plans of equal size and by how good the plans are that they lead to, on \
      samples that they do not see. With --state an interrupted search goes on where it stopped. \
      The key of --llm is $TAPQ_LLM_KEY, else $OPENAI_API_KEY.
      """)

  @Argument(help: "The float .onnx files.")
  var models: [String] = []

  @OptionGroup var flags: SearchFlags

  @OptionGroup var generator: GeneratorFlags

  @OptionGroup var device: DeviceFlags

  @OptionGroup var preprocessing: PreprocessingFlags

  @Option(
    help: ArgumentHelp("Write the prompt templates to a folder, and no more.", valueName: "DIR"))
  var printTemplates: String?

  @Flag(help: "Replace the output where it exists.")
  var overwrite = false

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws {
    if printTemplates != nil { return }
    guard !models.isEmpty else { throw ValidationError("Missing expected argument '<models> ...'") }
    _ = try options()
    try device.check()
  }

  func run() throws {
    if let printTemplates {
      return try PromptTemplates.shipped.write(to: printTemplates).forEach(Console.result)
    }
    var options = try options()
    options.quantize.device = try device.limits()
    options.networks = try networks()
    if let folder = generator.templates { options.templates = try PromptTemplates(folder: folder) }
    let progress = Progress(label: "")
    let clock = SearchClock()
    let report = try Search.run(
      options, progress: { progress.report($0, done: $1, count: $2) },
      searching: { clock.report($0) })
    progress.finish()
    if json { return try Console.json(report) }
    Console.result(SearchText.text(report))
  }

  private func options() throws -> SearchOptions {
    guard let output = flags.output else {
      throw ValidationError("Missing expected argument '--output <PROXY.tap>'")
    }
    var quantize = QuantizeOptions(model: "", output: "", calibration: [])
    try flags.apply(to: &quantize)
    var options = SearchOptions(networks: [], quantize: quantize, output: output)
    options.overwrite = overwrite
    try flags.apply(to: &options)
    try generator.apply(to: &options)
    let count = flags.settings.count
    guard count <= 1 || count == models.count else {
      throw ValidationError("--settings is given once for all models or once for each")
    }
    return options
  }

  /// Samples and preprocessing: one for all models, or one for each in their order.
  private func networks() throws -> [SearchOptions.Network] {
    let sources = flags.calibration
    let each = sources.count == models.count && !sources.contains { $0.contains("=") }
    return try models.enumerated().map { index, model in
      let files = flags.settings
      let own = files.count == models.count ? files[index] : files.first
      return SearchOptions.Network(
        model: model, calibration: each ? [sources[index]] : sources,
        preprocessing: try own.map { try preprocessing.resolved(file: $0) }
          ?? preprocessing.resolved())
    }
  }
}

/// What a search is to do.
struct SearchFlags: ParsableArguments {
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Unlabeled samples, as `quantize` takes them: for all models, or given once for each.",
      valueName: "SRC"))
  var calibration: [String] = []

  @Option(
    name: .customLong("settings"), parsing: .singleValue,
    help: ArgumentHelp(
      "Preprocessing of the models: a file as for --preprocess, for all or given once for each.",
      valueName: "FILE.yaml"))
  var settings: [String] = []

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "PROXY.tap"))
  var output: String?

  @Option(help: "Generations after the first.")
  var generations = 5

  @Option(help: "Proxies in a generation.")
  var population = 10

  @Option(help: "Weight of the rank correlation in the fitness.")
  var alpha = 0.1

  @Option(
    help:
      "mixed: alpha * correlation + (1 - alpha) * fidelity; added: fidelity + alpha * correlation.")
  var fitness = "mixed"

  @Flag(
    help: """
      Formulas may read what rounding one layer at a time does to the network's outputs, which takes \
      a pass for each layer and width.
      """)
  var measured = false

  @Option(help: "What chooses the templates: dpo, uniform, ucb1 or fixed.")
  var controller = "dpo"

  @Option(
    help: ArgumentHelp(
      "Sizes of the random plans, in bits on average; without limits also of the chosen plans.",
      valueName: "3,4,5"))
  var budgets = "3,4,5"

  @Option(
    help: ArgumentHelp("Limit for the mean width of the chosen plans.", valueName: "B"))
  var averageBits: Double?

  @OptionGroup var trials: PlanFlags

  @Option(help: "Calibration samples, spread evenly over the source.")
  var samples = 16

  @Option(help: ArgumentHelp("Widths that a layer may take, 2 to 8.", valueName: "2,3,4,5,6,8"))
  var bits = "2,3,4,5,6,8"

  @Option(help: "Time for rounding each plan: fast, balanced or best.")
  var effort = "fast"

  @Option(help: "Fixes all that is drawn by lot.")
  var seed = 0

  @Option(help: "Threads; results do not depend on it. Default: one for each processor.")
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Folder that keeps the search; one that was interrupted goes on.", valueName: "DIR"))
  var state: String?

  func apply(to quantize: inout QuantizeOptions) throws {
    guard !calibration.isEmpty else {
      throw ValidationError("Missing expected argument '--calibration <SRC>'")
    }
    try CalibrationFlags.apply(samples: samples, threads: threads, to: &quantize)
    quantize.bits = try WidthList.parse(bits)
    if let averageBits {
      guard averageBits > 0, averageBits <= 32 else {
        throw ValidationError("--average-bits must be between 0 and 32")
      }
      quantize.averageBits = averageBits
    }
    try RoundingFlags.apply("gptq", effort: effort, to: &quantize)
  }

  func apply(to options: inout SearchOptions) throws {
    options.budgets = try BudgetList.parse(budgets)
    try trials.check()
    guard (0...1000).contains(generations) else {
      throw ValidationError("--generations must be between 0 and 1000")
    }
    guard (1...1000).contains(population) else {
      throw ValidationError("--population must be between 1 and 1000")
    }
    guard (0...1).contains(alpha) else {
      throw ValidationError("--alpha must be between 0 and 1")
    }
    guard let reading = SearchFitness.Reading(rawValue: fitness) else {
      throw ValidationError("--fitness must be mixed or added, not '\(fitness)'")
    }
    guard let kind = TemplateController.Kind(rawValue: controller) else {
      throw ValidationError("--controller must be dpo, uniform, ucb1 or fixed, not '\(controller)'")
    }
    (options.plans, options.heldOut) = (trials.plans, trials.heldOut)
    options.settings.generations = generations
    options.settings.population = population
    options.settings.fitness = SearchFitness(
      alpha: alpha, reading: reading, readsMeasurements: measured)
    options.settings.controller = kind
    options.settings.seed = seed
    (options.state, options.cache) = (state, trials.cache)
  }
}
