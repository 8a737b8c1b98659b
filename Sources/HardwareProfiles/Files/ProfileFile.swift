import Foundation

/// Profiles as YAML files. `hardware-profiles/README.md` states the schema.
public enum ProfileFile {
  /// Longer chains are a mistake.
  private static let generations = 16

  /// The profile with what it inherits: from files beside it, then from those of the library.
  public static func load(
    path: String, library: ProfileLibrary = .standard
  ) throws(ProfileError) -> HardwareProfile {
    let result = read(path: path, library: library)
    if let profile = result.profile { return profile }
    let error = result.errors.first ?? .unreadable(file: path, problem: "it has no profile")
    throw result.errors.count > 1 ? .several(result.errors) : error
  }

  /// Everything that is wrong with the file and with what it inherits.
  public static func errors(
    path: String, library: ProfileLibrary = .standard
  ) -> [ProfileError] {
    read(path: path, library: library).errors
  }

  private static func read(
    path: String, library: ProfileLibrary
  ) -> (profile: HardwareProfile?, errors: [ProfileError]) {
    do {
      let root = try ProfileNode.load(path: path)
      return ProfileDecoder.decode(try resolve(root, path: path, library: library, chain: []))
    } catch {
      return (nil, [error])
    }
  }

  /// The tree with the keys of its ancestors. `chain` holds the paths of its descendants.
  private static func resolve(
    _ root: ProfileNode, path: String, library: ProfileLibrary, chain: [String]
  ) throws(ProfileError) -> ProfileNode {
    guard let field = root["inherits"] else { return root }
    guard case .scalar(let parent) = field.value, ProfileDecoder.isName(parent) else {
      throw .wrongValue(
        field.place, key: "inherits", found: field.kind, expected: "the name of a profile")
    }
    let own = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    let chain = chain + [own.path]
    var folders = library.folders
    let beside = URL(fileURLWithPath: path).deletingLastPathComponent().relativePath
    folders.removeAll { $0 == beside }
    let nearby = ProfileLibrary(folders: [beside] + folders)
    guard let file = nearby.path(of: parent) else {
      throw .missingParent(
        field.place, name: parent, folders: nearby.folders,
        nearest: Spelling.nearest(to: parent, in: nearby.names))
    }
    let next = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
    guard !chain.contains(next), chain.count < generations else {
      let names = (chain + [next]).map {
        URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent
      }
      throw .inheritanceLoop(field.place, chain: names)
    }
    var inherited = try resolve(
      ProfileNode.load(path: file), path: file, library: library, chain: chain)
    inherited.remove(["schema", "name", "title", "inherits"])
    return root.inheriting(inherited)
  }
}

extension ProfileNode {
  fileprivate mutating func remove(_ keys: Set<String>) {
    guard case .mapping(let entries) = value else { return }
    value = .mapping(entries.filter { !keys.contains($0.key) })
  }
}
