public import HardwareProfiles

// What commands need of the module below, so that they import this one alone.
public typealias ByteSize = HardwareProfiles.ByteSize
public typealias Frequency = HardwareProfiles.Frequency
public typealias HardwareProfile = HardwareProfiles.HardwareProfile
public typealias KernelCost = HardwareProfiles.KernelCost
public typealias TimeSpan = HardwareProfiles.TimeSpan
public typealias QuantityProblem = HardwareProfiles.QuantityProblem

/// `tapq profiles list`.
public struct ProfileListing: Sendable, Encodable {
  public struct Row: Sendable, Encodable {
    public var name: String
    public var title: String
    public var flash: Int?
    public var ram: Int?
    public var weightBits: [Int]
    public var provenance: HardwareProfile.Provenance.Kind
    public var file: String

    private enum CodingKeys: String, CodingKey {
      case name, title, flash, ram, provenance, file
      case weightBits = "weight_bits"
    }
  }

  public var folders: [String]
  public var profiles: [Row]
  /// Files that cannot be read.
  public var errors: [ProfileCheck.Problem]

  public static func run(library: ProfileLibrary = .standard) -> ProfileListing {
    var listing = ProfileListing(folders: library.folders, profiles: [], errors: [])
    for name in library.names {
      guard let path = library.path(of: name) else { continue }
      do {
        let profile = try ProfileFile.load(path: path, library: library)
        listing.profiles.append(
          Row(
            name: name, title: profile.title, flash: profile.memory.flash,
            ram: profile.memory.ram,
            weightBits: Set(profile.precisions.flatMap(\.weights)).sorted(),
            provenance: profile.provenance.kind, file: path))
      } catch {
        listing.errors += ProfileCheck.Problem.all(of: error)
      }
    }
    return listing
  }
}

/// `tapq profiles show`.
public enum ProfileLookup {
  /// By name, or by the path of a file.
  public static func run(
    _ nameOrPath: String, library: ProfileLibrary = .standard
  ) throws -> HardwareProfile {
    try library.profile(nameOrPath)
  }
}

/// `tapq profiles validate`.
public struct ProfileCheck: Sendable, Encodable {
  public struct Problem: Sendable, Encodable {
    public var file: String?
    public var line: Int?
    public var key: String?
    public var message: String

    static func all(of error: ProfileError) -> [Problem] {
      if case .several(let errors) = error { return errors.flatMap(all) }
      return [
        Problem(
          file: error.place?.file, line: error.place?.line, key: error.key,
          message: error.problem)
      ]
    }

    /// Like a compiler's.
    public var text: String {
      guard let file, let line else { return message }
      return "\(file):\(line): \(message)"
    }
  }

  public var files: [String]
  public var isValid: Bool
  public var errors: [Problem]

  private enum CodingKeys: String, CodingKey {
    case files, errors
    case isValid = "valid"
  }

  public static func run(files: [String], library: ProfileLibrary = .standard) -> ProfileCheck {
    var errors: [Problem] = []
    var seen: Set<String> = []
    for file in files {
      for error in ProfileFile.errors(path: file, library: library) {
        // What several files inherit is wrong once.
        errors += Problem.all(of: error).filter { seen.insert($0.text).inserted }
      }
    }
    return ProfileCheck(files: files, isValid: errors.isEmpty, errors: errors)
  }
}
