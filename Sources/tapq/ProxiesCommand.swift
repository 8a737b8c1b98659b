import ArgumentParser
import Foundation
import Pipeline

struct ProxiesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proxies", abstract: "List, explain and judge what decides the bits.",
    subcommands: [List.self, Show.self, Explain.self, ProxiesScoreCommand.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "List the proxies that ship.")

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() throws {
      let proxies = try ProxyLibrary.all()
      if json { return try Console.json(proxies.map(ProxyExplanation.init)) }
      Console.result(
        Console.table([["name", "formula"]] + proxies.map { [$0.name, $0.source] }, leading: 2))
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Print a proxy as the text of a .tap file.")

    @OptionGroup var argument: ProxyArgument

    @Flag(help: "Print the proxy as JSON.")
    var json = false

    func run() throws {
      let proxy = try ProxyLibrary.proxy(argument.proxy)
      if json { return try Console.json(ProxyExplanation(proxy)) }
      Console.result(String(ProxyFile.text(of: proxy).dropLast()))
    }
  }

  struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "explain", abstract: "Say what a proxy thinks, reads and computes.")

    @OptionGroup var argument: ProxyArgument

    @Flag(help: "Print the explanation as JSON.")
    var json = false

    func run() throws {
      let explanation = ProxyExplanation(try ProxyLibrary.proxy(argument.proxy))
      if json { return try Console.json(explanation) }
      Console.result(Explain.text(explanation))
    }

    private static func text(_ explanation: ProxyExplanation) -> String {
      var rows = [
        ["thought", explanation.thought], ["formula", explanation.formula],
        ["canonical form", explanation.canonicalForm], ["provenance", explanation.provenance],
      ]
      for (index, term) in explanation.reads.enumerated() {
        rows.append([index == 0 ? "reads" : "", "\(term.name): \(term.meaning)"])
      }
      for (index, figure) in explanation.correlations.enumerated() {
        rows.append([
          index == 0 ? "rank correlation" : "",
          String(
            format: "%.2f on %@ at %g bits", figure.spearman, figure.network, figure.averageBits),
        ])
      }
      return explanation.name + "\n" + Console.table(rows, leading: 2)
    }
  }
}

struct ProxyArgument: ParsableArguments {
  @Argument(help: "A name that `tapq proxies list` shows, or a .tap file.")
  var proxy: String
}
