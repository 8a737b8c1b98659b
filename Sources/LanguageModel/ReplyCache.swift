import Foundation

/// Replies on disk, so that a search can be run again without asking anyone.
public final class ReplyCache: LanguageModel {
  private struct Entry: Codable {
    var model: String
    var identity: String
    var prompt: String
    var reply: ChatReply
  }

  private let folder: URL
  private let name: String
  private let model: any LanguageModel
  /// Replies that were on disk.
  public private(set) var found = 0

  /// `name` tells models apart.
  public init(
    folder: String, name: String, model: any LanguageModel
  ) throws(LanguageModelError) {
    self.folder = URL(fileURLWithPath: folder)
    self.name = name
    self.model = model
    do {
      try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    } catch { throw .cache(path: folder, problem: "the folder cannot be made") }
  }

  public func reply(to request: ChatRequest) throws(LanguageModelError) -> ChatReply {
    let file = folder.appendingPathComponent("\(key(of: request)).json")
    if let data = FileManager.default.contents(atPath: file.path),
      let entry = try? JSONDecoder().decode(Entry.self, from: data), entry.model == name,
      entry.identity == request.identity, entry.prompt == request.prompt
    {
      found += 1
      return entry.reply
    }
    let reply = try model.reply(to: request)
    let entry = Entry(
      model: name, identity: request.identity, prompt: request.prompt, reply: reply)
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      try encoder.encode(entry).write(to: file, options: .atomic)
    } catch { throw .cache(path: file.path, problem: "the reply cannot be written") }
    return reply
  }

  /// FNV-1a; the file itself says whose reply it is.
  private func key(of request: ChatRequest) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in "\(name)\n\(request.identity)\n\(request.prompt)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return String(hash, radix: 16)
  }
}
