import Foundation

/// Where results are kept for later runs.
struct CacheFolder {
  let path: String

  /// Makes the folder where it is missing.
  init(_ path: String) throws(CacheError) {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .notMade(path: path)
    }
  }

  func file(_ name: String) -> String {
    URL(fileURLWithPath: path).appendingPathComponent(name).path
  }

  /// `$XDG_CACHE_HOME/tapq`, or `~/.cache/tapq`.
  static var standard: String {
    let environment = ProcessInfo.processInfo.environment
    let base =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(fileURLWithPath: $0) }
      ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache")
    return base.appendingPathComponent("tapq").path
  }
}

/// Why results cannot be kept.
public enum CacheError: Error, Equatable, Sendable {
  case notMade(path: String)
  case notWritten(path: String)
  case notFinite(path: String)
}

extension CacheError: CustomStringConvertible {
  public var description: String {
    let (path, problem) =
      switch self {
      case .notMade(let path): (path, "the folder cannot be made")
      case .notWritten(let path): (path, "it cannot be written")
      case .notFinite(let path): (path, "a result is not a finite number")
      }
    return "\(path): \(problem); give another --cache"
  }
}
