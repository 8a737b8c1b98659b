/// Reads `.npz` files: zip archives of `.npy` members.
public enum NpzFile {
  /// The arrays with their names, in archive order. Stored members are borrowed from the file.
  public static func read(path: String) throws(TensorFileError) -> [(name: String, tensor: Tensor)]
  {
    let archive = try ZipArchive(path: path)
    var arrays: [(name: String, tensor: Tensor)] = []
    for member in archive.members where !member.name.hasSuffix("/") {
      guard member.name.hasSuffix(".npy") else { continue }
      let contents = try archive.contents(of: member)
      let tensor = try NpyFile.read(
        contents.bytes, owner: contents.owner, path: "\(path), member '\(member.name)',")
      arrays.append((String(member.name.dropLast(4)), tensor))
    }
    guard !arrays.isEmpty else {
      throw .unsupported(path: path, problem: "it holds no .npy member")
    }
    return arrays
  }
}
