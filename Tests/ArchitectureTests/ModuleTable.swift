/// What every module may import, as README.md and Package.swift say it.
struct ModuleTable {
  /// Module names in the order of the table.
  var names: [String] = []
  var imports: [String: Set<String>] = [:]
  /// Products of other packages.
  var products: [String: Set<String>] = [:]

  /// The README's table with the column `may import`.
  static func readme() throws -> ModuleTable {
    var table = ModuleTable()
    var columns: [String]?
    for line in try Repository.text("README.md").split(separator: "\n") {
      guard line.hasPrefix("|") else {
        columns = nil
        continue
      }
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
        .dropFirst().dropLast().map { $0.trimmed }
      guard let header = columns else {
        columns = cells
        continue
      }
      guard let nameColumn = header.firstIndex(of: "module"),
        let importColumn = header.firstIndex(of: "may import"), cells.count == header.count,
        !cells[nameColumn].hasPrefix("-")
      else { continue }
      let name = String(cells[nameColumn].prefix { $0 != " " })
      table.names.append(name)
      table.imports[name] = Set(
        cells[importColumn].split(separator: ",").map { $0.trimmed }.filter { $0 != "nothing" })
    }
    return table
  }

  /// The `modules` of Package.swift, and the executable.
  static func package() throws -> ModuleTable {
    var table = ModuleTable()
    let text = try Repository.text("Package.swift")
    let row = /Module\(\s*name: "(?<name>\w+)",\s*imports: \[(?<imports>[^\]]*)\]/
    let product = /\.product\(name: "(\w+)"/
    let rows = text.matches(of: row)
    for (index, match) in rows.enumerated() {
      let name = String(match.name)
      table.names.append(name)
      table.imports[name] = quoted(match.imports)
      let end = index + 1 < rows.count ? rows[index + 1].range.lowerBound : nil
      var rest = text[match.range.upperBound..<(end ?? text.endIndex)]
      // The last row ends where the list does.
      if let close = rest.firstRange(of: "\n]") { rest = rest[..<close.lowerBound] }
      table.products[name] = Set(rest.matches(of: product).map { String($0.1) })
    }
    let executable =
      /executableTarget\(\s*name: "(?<name>\w+)",\s*dependencies: \[(?<list>[^\]]*)\]/
    if let match = text.firstMatch(of: executable) {
      let name = String(match.name)
      let products = Set(match.list.matches(of: product).map { String($0.1) })
      table.names.append(name)
      table.products[name] = products
      let own = match.list.replacing(/\.product\([^)]*\)/, with: "")
      table.imports[name] = quoted(own)
    }
    return table
  }

  private static func quoted(_ text: some StringProtocol) -> Set<String> {
    Set(String(text).matches(of: /"(\w+)"/).map { String($0.1) })
  }
}

extension StringProtocol {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
