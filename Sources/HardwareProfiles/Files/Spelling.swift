/// What a misspelt name may have meant.
enum Spelling {
  /// The known name with the fewest edits; nil where more than a third of it would change.
  static func nearest(to name: String, in known: [String]) -> String? {
    guard name.utf8.count <= 64 else { return nil }
    let ranked = known.map { (name: $0, edits: edits($0.lowercased(), name.lowercased())) }
    guard let best = ranked.min(by: { $0.edits < $1.edits }),
      best.edits <= max(1, max(name.count, best.name.count) / 3)
    else { return nil }
    return best.name
  }

  /// Levenshtein's distance.
  private static func edits(_ first: String, _ second: String) -> Int {
    let second = Array(second)
    var row = Array(0...second.count)
    for (line, letter) in first.enumerated() {
      var diagonal = row[0]
      row[0] = line + 1
      for column in 1..<row.count {
        let change = diagonal + (letter == second[column - 1] ? 0 : 1)
        diagonal = row[column]
        row[column] = min(change, row[column] + 1, row[column - 1] + 1)
      }
    }
    return row[second.count]
  }
}
