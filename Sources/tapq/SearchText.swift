import Foundation
import Pipeline

/// A search in words.
enum SearchText {
  static func text(_ report: SearchReport) -> String {
    let head =
      ["generation", "best", "mean"] + PromptTemplate.allCases.map(\.rawValue) + ["failed"]
    let rows = report.generations.map { row in
      ["\(row.generation)", number(row.bestFitness), number(row.meanFitness)]
        + PromptTemplate.allCases.map { template in
          String(
            format: "%.2f (%d)", row.controller[template.rawValue] ?? 0,
            row.chosen[template.rawValue] ?? 0)
        } + ["\(row.failures)"]
    }
    var parts = [Console.table([head] + rows)]
    if let best = report.population.first {
      parts.append("\(report.proxy): \(best.formula)\n\(best.thought)")
      parts += best.networks.map { network in
        let ranks = network.correlations.map { String(format: "%.3f", $0) }
        return "\(network.network): rank correlation \(ranks.joined(separator: " ")), fidelity "
          + number(network.fidelity)
          + (network.agreement.map { String(format: ", agreement %.2f %%", 100 * $0) } ?? "")
      }
    }
    let tokens = report.promptTokens + report.completionTokens
    let price = report.cost.map { String(format: ", %.4f dollars", $0) } ?? ""
    parts.append(
      "\(report.output): \(report.replies) replies (\(report.resumed) from the log), "
        + "\(report.failures) of them no proxy, \(tokens) tokens\(price), "
        + String(format: "%.0f s", report.seconds))
    return parts.joined(separator: "\n")
  }

  private static func number(_ value: Double) -> String { String(format: "%.4f", value) }
}

/// Says on standard error, once a generation and where that is a terminal at every step, how far a
/// search is.
final class SearchClock {
  private let start = Date()
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var generation = -1

  func report(_ progress: SearchProgress) {
    let isNew = progress.generation != generation
    generation = progress.generation
    guard isNew || isTerminal else { return }
    let best = progress.bestFitness.map { String(format: "%.4f", $0) } ?? "-"
    let chances = zip(PromptTemplate.allCases, progress.controller).map {
      "\($0.rawValue) " + String(format: "%.2f", $1)
    }
    let spent = Date().timeIntervalSince(start)
    let left =
      progress.done > 0
      ? String(
        format: "%.0f s left",
        spent / Double(progress.done) * Double(progress.count - progress.done))
      : ""
    let line =
      "generation \(progress.generation), \(progress.done) / \(progress.count), best \(best), "
      + chances.joined(separator: " ") + (left.isEmpty ? "" : ", " + left)
    if isTerminal {
      FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
    } else {
      Console.note(line)
    }
  }
}
