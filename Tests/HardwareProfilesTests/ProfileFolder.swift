import Foundation

@testable import HardwareProfiles

/// A folder of profiles that a test writes.
final class ProfileFolder {
  let path: String

  init() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "profiles-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of the file.
  @discardableResult
  func write(_ text: String, as name: String) throws -> String {
    let file = "\(path)/\(name).yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  /// Each problem as `line: text`, of a file that finds others only in this folder.
  func problems(_ text: String, as name: String = "device") throws -> [String] {
    let file = try write(text, as: name)
    return ProfileFile.errors(path: file, library: ProfileLibrary(folders: [path])).map { error in
      let place = error.place.map {
        ($0.file == file ? "" : URL(fileURLWithPath: $0.file).lastPathComponent + ":")
          + "\($0.line): "
      }
      return (place ?? "") + error.problem.replacing(path, with: "FOLDER")
    }
  }

  func load(_ name: String) throws -> HardwareProfile {
    try ProfileLibrary(folders: [path]).profile(name)
  }
}
