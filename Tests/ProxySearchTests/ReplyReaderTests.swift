import TestSupport
import Testing

@testable import ProxySearch

@Suite struct ReplyReaderTests {
  @Test(arguments: [
    #"{"thought": "t", "formula": "sum(dW)"}"#,
    "Sure! Here it is:\n```json\n{\"thought\": \"t\", \"formula\": \"sum(dW)\"}\n```\nHope it helps {}",
    #"<think>{"formula": "b"} no.</think>{"thought": "t", "formula": "sum(dW)"}"#,
    #"{"formula": "b", "thought": "draft"} better: {"formula": "sum(dW)", "thought": "t"}"#,
    "name: x\nthought: t\nformula: sum(dW)\nprovenance: me\n",
    "**thought:** no\nthought: t\nformula: `sum(dW)`",
    "Formula: sum(\n  dW)\nThought: t".replacing("(\n  ", with: "("),
    #"{"reply": 1} {broken {"thought": "t", "code": "sum(dW)"}"#,
    "{\"thought\": \"t\\n\\u202e\", \"formula\": \"sum(dW)\"}",
  ])
  func repliesWithAFormula(reply: String) {
    #expect(ReplyReader.read(reply) == .init(thought: "t", formula: "sum(dW)"), "\(reply)")
  }

  @Test(arguments: [
    "", "I cannot help with that.", "{}", #"{"formula": 3}"#, #"{"formula": ""}"#,
    #"{"formula": "sum(dW)"#, "formula:", String(repeating: "{", count: 100_000),
    String(repeating: "{\"a\":", count: 20_000), "\u{0}\u{1}{}",
  ])
  func repliesWithoutOne(reply: String) {
    #expect(ReplyReader.read(reply) == nil)
  }

  @Test func thoughtsStayOneShortLine() throws {
    let thought = String(repeating: "word\\n", count: 400)
    let idea = try #require(
      ReplyReader.read("{\"thought\": \"\(thought)\", \"formula\": \"b\"}"))
    #expect(idea.thought.count <= ReplyReader.longestThought)
    #expect(!idea.thought.contains { $0.isNewline })
  }
}
