import Foundation
import ProxySearch
import Tensors

/// `tapq search`: looks for a proxy whose plans are good and that ranks plans, on networks of one's
/// own, and writes it as a `.tap` file.
public enum Search {
  public static func run(
    _ options: SearchOptions,
    progress: @escaping (_ what: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in },
    searching: (SearchProgress) -> Void = { _ in }
  ) throws -> SearchReport {
    try OutputFile.checkWritable(options.output, overwrite: options.overwrite)
    let model = try ModelSource.model(options)
    let trials = try options.networks.map { network in
      try ModelError.naming(network.model) {
        try NetworkTrial(network, options: options, progress: progress)
      }
    }
    let log = try options.state.map { state throws(SearchError) in
      try SearchLog(folder: state, settings: settings(options, trials))
    }
    let resumed = log?.count ?? 0
    let source: any ProposalSource =
      model.map {
        ModelSource(
          model: $0, templates: options.templates, temperature: options.temperature)
      } ?? GrammarGenerator()
    let started = Date()
    let result = try SearchRun(
      settings: options.settings,
      examples: try examples(measured: options.settings.fitness.readsMeasurements), source: source,
      judge: NetworkJudge(trials), log: log
    ).run(progress: searching)
    let proxy = try proxy(result, options: options)
    try OutputFile.write(
      Array(ProxyFile.text(of: proxy).utf8), to: options.output, overwrite: options.overwrite)
    return SearchReport(
      result, proxy: proxy, options: options, resumed: resumed,
      seconds: Date().timeIntervalSince(started))
  }

  /// Hand-made proxies; those that measure the network's outputs where formulas may.
  private static func examples(measured: Bool) throws -> [Proxy] {
    let names = [
      "relative-output-mse-gptq", "relative-output-mse", "relative-mse", "step-size", "sum-bits",
      "input-weighted-mse",
    ]
    return try (names + (measured ? ["measured", "measured-smooth", "kl", "sqnr"] : []))
      .map { try ProxyLibrary.proxy($0) }
  }

  /// Everything that the outcome depends on besides replies.
  private static func settings(_ options: SearchOptions, _ trials: [NetworkTrial]) -> String {
    let own = options.settings
    let device = options.quantize.device
    var prints = Fingerprint()
    for trial in trials { prints.add(trial.fingerprint) }
    for file in options.templates.files { prints.add(file.text) }
    prints.add("\(options.quantize.bits)")
    prints.add("\(String(describing: options.quantize.averageBits))")
    prints.add(
      "\(device.profile?.name ?? "") \(String(describing: device.flash)) "
        + "\(String(describing: device.ram)) \(String(describing: device.latency))")
    prints.add("\(options.budgets) \(options.plans) \(options.quantize.seed)")
    return "seed \(own.seed), \(own.generations) generations of \(own.population), "
      + "\(own.attempts) attempts, \(own.fitness.reading.rawValue) alpha \(own.fitness.alpha), "
      + "\(own.controller.rawValue), \(options.generator.name), "
      + (own.fitness.readsMeasurements ? "measured readings, " : "") + "networks \(prints.text)"
  }

  private static func proxy(_ result: SearchResult, options: SearchOptions) throws -> Proxy {
    let best = result.best
    let own = options.settings
    let name = URL(fileURLWithPath: options.output).deletingPathExtension().lastPathComponent
    let networks = best.verdict?.networks ?? []
    let figures = networks.flatMap { network in
      zip(options.budgets, network.correlations).map { bits, correlation in
        "correlation: \(fileWord(network.network)) \(bits) \(rounded(correlation))"
      }
    }
    let text =
      [
        "name: \(fileName(name))", "thought: \(best.thought)", "formula: \(best.formula)",
        "provenance: tapq search, seed \(own.seed), \(own.generations) generations of "
          + "\(own.population) by \(oneLine(options.generator.name)), \(own.controller.rawValue) controller, "
          + "fitness \(rounded(best.fitness)) (\(own.fitness.reading.rawValue), alpha "
          + "\(own.fitness.alpha)\(own.fitness.readsMeasurements ? ", measured readings" : "")) on "
          + networks.map { fileWord($0.network) }.joined(separator: " and "),
      ] + figures
    return try ProxyFile.parse(
      text.joined(separator: "\n") + "\n", path: options.output)
  }

  /// What a proxy may be called.
  private static func fileName(_ text: String) -> String {
    let letters = text.lowercased().map { character -> Character in
      character.isASCII && (character.isLetter || character.isNumber) ? character : "-"
    }
    return letters.isEmpty ? "proxy" : String(letters.prefix(64))
  }

  private static func fileWord(_ text: String) -> String {
    String(text.map { $0.isWhitespace ? "-" : $0 })
  }

  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}

extension PromptTemplates {
  /// Writes the files of the templates to a folder, which is made where it is missing; none replaces
  /// another. Returns their paths.
  public func write(to folder: String) throws -> [String] {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch { throw SearchError.templates(path: folder, problem: "the folder cannot be made") }
    return try files.map { file in
      let path = folder + "/" + file.name
      try OutputFile.write(Array(file.text.utf8), to: path, overwrite: false)
      return path
    }
  }
}
