import Testing

/// Data flows one way: modules import what the table in README.md lets them, and nothing else.
/// SwiftPM does not notice an import that no dependency declares.
@Suite struct ImportTests {
  /// What comes with Swift and the system.
  private static let system: Set<String> = [
    "Dispatch", "Foundation", "FoundationNetworking", "Glibc", "Synchronization",
  ]

  @Test func tableIsThatOfThePackage() throws {
    let readme = try ModuleTable.readme()
    let package = try ModuleTable.package()
    #expect(package.names.count > 5)
    for name in package.names {
      #expect(readme.imports[name] == package.imports[name], "\(name)")
    }
    let listed = Set(readme.names)
    #expect(Set(Repository.swiftModules).isSubset(of: listed))
    #expect(Set(Repository.swiftModules) == Set(package.names))
  }

  @Test func rowsOnlyImportRowsAbove() throws {
    let table = try ModuleTable.readme()
    var above: Set<String> = []
    for name in table.names {
      let own = (table.imports[name] ?? []).filter { table.names.contains($0) }
      #expect(own.isSubset(of: above), "\(name) imports a module below it")
      #expect(above.insert(name).inserted, "\(name) is listed twice")
    }
  }

  @Test(arguments: Repository.swiftModules)
  func filesImportWhatTheTableAllows(module: String) throws {
    let table = try ModuleTable.readme()
    let package = try ModuleTable.package()
    let allowed = (table.imports[module] ?? []).union(package.products[module] ?? [])
    for file in Repository.files(below: "Sources/\(module)") where file.hasSuffix(".swift") {
      for name in try Repository.imports(of: file) {
        #expect(
          allowed.contains(name) || Self.system.contains(name),
          "\(file) imports \(name), which the table in README.md does not allow")
      }
    }
  }

  @Test func cSourcesKnowNothingOfModules() throws {
    for file in Repository.files(below: "Sources") where file.hasSuffix(".h") {
      let text = try Repository.text(file)
      #expect(!text.contains("-Swift.h"), "\(file)")
    }
  }
}
