import Foundation

/// Folders of profiles, the first of a name counts.
public struct ProfileLibrary: Sendable, Equatable {
  public var folders: [String]

  public init(folders: [String]) { self.folders = folders }

  /// The folder that `$TAPQ_PROFILES` names, then those that ship: `hardware-profiles` in a folder
  /// above the executable, or `share/tapq/hardware-profiles` beside the executable's folder.
  public static let standard = ProfileLibrary(
    folders: standardFolders(
      environment: ProcessInfo.processInfo.environment,
      executable: URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path))

  static func standardFolders(environment: [String: String], executable: String) -> [String] {
    var candidates = environment["TAPQ_PROFILES"].map { [$0] } ?? []
    var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
    let installed = folder.deletingLastPathComponent()
      .appendingPathComponent("share/tapq/hardware-profiles").path
    while folder.path != "/" {
      candidates.append(folder.appendingPathComponent("hardware-profiles").path)
      folder = folder.deletingLastPathComponent()
    }
    candidates.append(installed)
    return candidates.filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        && isFolder.boolValue
    }
  }

  /// In order, each once.
  public var names: [String] {
    let files = folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
    let names = files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }
    return Set(names.filter(ProfileDecoder.isName)).sorted()
  }

  /// The file of a profile.
  public func path(of name: String) -> String? {
    guard ProfileDecoder.isName(name) else { return nil }
    return folders.map { $0 == "." ? name + ".yaml" : "\($0)/\(name).yaml" }
      .first { FileManager.default.fileExists(atPath: $0) }
  }

  /// By its name, or by the path of its file: what has a slash or ends in `.yaml` is a path.
  public func profile(_ nameOrPath: String) throws(ProfileError) -> HardwareProfile {
    if nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") || nameOrPath.hasSuffix(".yml") {
      return try ProfileFile.load(path: nameOrPath, library: self)
    }
    guard let path = path(of: nameOrPath) else {
      throw .unknownProfile(
        name: nameOrPath, folders: folders, nearest: Spelling.nearest(to: nameOrPath, in: names))
    }
    return try ProfileFile.load(path: path, library: self)
  }
}
