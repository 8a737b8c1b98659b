import Foundation

/// A folder of JPEG and PNG files.
public enum ImageFolder {
  /// Paths of the images directly in the folder, sorted by the bytes of their names.
  public static func list(path: String) throws(TensorFileError) -> [String] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw .cannotOpen(path: path, reason: "it is not a readable folder")
    }
    let images = names.filter { name in
      guard let dot = name.lastIndex(of: "."), !name.hasPrefix(".") else { return false }
      return ImageFile.extensions.contains(name[name.index(after: dot)...].lowercased())
    }
    guard !images.isEmpty else {
      throw .unsupported(path: path, problem: "the folder holds no .jpg, .jpeg or .png file")
    }
    return images.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { path + "/" + $0 }
  }
}
