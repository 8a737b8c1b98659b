import Foundation

/// Real networks and data beside the repository; absent on most machines.
public enum SharedFiles {
  /// `$TAPQ_SHARED`, or `../shared` beside the repository; nil where neither exists.
  public static let root: URL? = {
    let environment = ProcessInfo.processInfo.environment["TAPQ_SHARED"]
    let candidate =
      environment.map { URL(fileURLWithPath: $0) }
      ?? repository
      .deletingLastPathComponent().appendingPathComponent("shared")
    return FileManager.default.fileExists(atPath: candidate.path) ? candidate : nil
  }()

  public static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The file, nil where it is absent.
  public static func file(_ path: String) -> URL? {
    guard let url = root?.appendingPathComponent(path),
      FileManager.default.fileExists(atPath: url.path)
    else { return nil }
    return url
  }
}
