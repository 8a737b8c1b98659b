import Foundation

/// The three kinds of questions.
public enum PromptTemplate: String, Sendable, Codable, CaseIterable {
  case initialize, mutate, crossover

  /// Proxies that it shows to be changed.
  var parentCount: Int {
    switch self {
    case .initialize: 0
    case .mutate: 1
    case .crossover: 2
    }
  }

  var fileName: String { rawValue + ".txt" }
}

/// The texts of the templates; `{{language}}`, `{{examples}}`, `{{parents}}` and `{{failures}}` stand
/// for what a prompt fills in.
public struct PromptTemplates: Sendable {
  static let largestFile = 1 << 16
  private var texts: [PromptTemplate: String]

  public static let shipped = PromptTemplates(texts: [
    .initialize: String(decoding: PackageResources.initialize_txt, as: UTF8.self),
    .mutate: String(decoding: PackageResources.mutate_txt, as: UTF8.self),
    .crossover: String(decoding: PackageResources.crossover_txt, as: UTF8.self),
  ])

  private init(texts: [PromptTemplate: String]) { self.texts = texts }

  /// The files of a folder; those that it lacks are the shipped ones.
  public init(folder: String) throws(SearchError) {
    self = .shipped
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue
    else { throw .templates(path: folder, problem: "there is no such folder") }
    for template in PromptTemplate.allCases {
      let path = folder + "/" + template.fileName
      guard FileManager.default.fileExists(atPath: path) else { continue }
      guard let data = FileManager.default.contents(atPath: path), data.count <= Self.largestFile,
        let text = String(validating: data, as: UTF8.self)
      else {
        throw .templates(
          path: path, problem: "it is not UTF-8 text of at most \(Self.largestFile) bytes")
      }
      for wanted in ["{{language}}"] + (template.parentCount > 0 ? ["{{parents}}"] : []) {
        guard text.contains(wanted) else {
          throw .templates(path: path, problem: "it has no \(wanted)")
        }
      }
      texts[template] = text
    }
  }

  /// File names and texts, as a folder may hold them.
  public var files: [(name: String, text: String)] {
    PromptTemplate.allCases.map { ($0.fileName, texts[$0] ?? "") }
  }

  subscript(template: PromptTemplate) -> String { texts[template] ?? "" }
}
