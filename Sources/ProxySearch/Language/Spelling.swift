/// Finds the name that was probably meant.
enum Spelling {
  /// The known name that differs least, if by no more than a third of its letters.
  static func nearest(to name: String, in known: [String]) -> String? {
    guard name.count <= 32 else { return nil }
    let ranked = known.sorted().map { ($0, distance(name.lowercased(), $0.lowercased())) }
    guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 * 3 <= max(best.0.count, 3) else {
      return nil
    }
    return best.0
  }

  /// Letters to insert, delete or replace.
  private static func distance(_ a: String, _ b: String) -> Int {
    let target = Array(b)
    var row = Array(0...target.count)
    for (line, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = line + 1
      for (index, other) in target.enumerated() {
        let replaced = diagonal + (letter == other ? 0 : 1)
        diagonal = row[index + 1]
        row[index + 1] = min(replaced, row[index] + 1, diagonal + 1)
      }
    }
    return row[target.count]
  }
}
