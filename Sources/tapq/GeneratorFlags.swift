import ArgumentParser
import Foundation
import Pipeline

/// Who proposes proxies.
struct GeneratorFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "An OpenAI-compatible chat endpoint, like http://localhost:8080/v1. Default: the built-in "
        + "grammar, without any network.", valueName: "URL"))
  var llm: String?

  @Option(help: ArgumentHelp("The model to ask there.", valueName: "NAME"))
  var llmModel: String?

  @Option(
    help: ArgumentHelp(
      "A command that reads a prompt from standard input and prints a reply.", valueName: "CMD"))
  var llmCommand: String?

  @Option(help: "Seconds for a reply.")
  var llmTimeout = 120.0

  @Option(help: "How often a reply is asked for where the endpoint fails.")
  var llmAttempts = 5

  @Option(help: "How freely the model answers, 0 to 2.")
  var temperature = 0.8

  @Option(
    help: ArgumentHelp(
      "Dollars for a million tokens of prompts and of replies, for the report.",
      valueName: "0.27,1.10"))
  var llmPrice: String?

  @Option(
    help: ArgumentHelp(
      "Folder of prompt templates; `--print-templates DIR` writes the shipped ones.",
      valueName: "DIR"))
  var templates: String?

  func apply(to options: inout SearchOptions) throws {
    guard llm == nil || llmCommand == nil else {
      throw ValidationError("--llm and --llm-command exclude each other")
    }
    guard (llm == nil) == (llmModel == nil) else {
      throw ValidationError("--llm and --llm-model go together")
    }
    guard llmTimeout > 0, llmTimeout <= 3600 else {
      throw ValidationError("--llm-timeout must be between 0 and 3600 seconds")
    }
    guard (1...20).contains(llmAttempts) else {
      throw ValidationError("--llm-attempts must be between 1 and 20")
    }
    guard (0...2).contains(temperature) else {
      throw ValidationError("--temperature must be between 0 and 2")
    }
    if let llm, let llmModel {
      let environment = ProcessInfo.processInfo.environment
      let key = ["TAPQ_LLM_KEY", "OPENAI_API_KEY"].compactMap { environment[$0] }
        .first { !$0.isEmpty }
      options.generator = .endpoint(address: llm, model: llmModel, key: key)
    } else if let llmCommand {
      options.generator = .command(llmCommand)
    }
    if let llmPrice {
      let parts = llmPrice.split(separator: ",", omittingEmptySubsequences: false)
        .map { Double($0) }
      guard parts.count == 2, let prompt = parts[0], let completion = parts[1], prompt >= 0,
        completion >= 0, prompt.isFinite, completion.isFinite
      else { throw ValidationError("--llm-price '\(llmPrice)' is not two prices like 0.27,1.10") }
      options.price = (prompt, completion)
    }
    options.timeout = llmTimeout
    options.llmAttempts = llmAttempts
    options.temperature = temperature
  }
}
