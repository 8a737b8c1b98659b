import Foundation
import Testing

@testable import HardwareProfiles

@Suite struct ProfileInheritanceTests {
  private static let core = """
    schema: 1
    name: core
    title: A core
    software: Some engine 1.0
    cores: 1
    clock: 100MHz
    memory: {flash: 1MiB, ram: 128KiB}
    precisions:
      - {weights: [8, 4], activations: [8], granularity: channel}
    kernels:
      - {kind: product, cost: {call: 1us, mac: 2cycles}}
      - {kind: depthwise, cost: {mac: 4cycles}}
    inference: 100cycles
    provenance: {kind: published, source: a report, figures: two networks, fit_error: 4%}
    """
  private static let board = """
    schema: 1
    name: board
    title: A board
    inherits: core
    clock: 200MHz
    kernel_scale: 2
    memory: {ram: 64KiB}
    """

  @Test func keysReplaceThoseOfTheParent() throws {
    let folder = try ProfileFolder()
    try folder.write(Self.core, as: "core")
    try folder.write(Self.board, as: "board")
    let board = try folder.load("board")
    #expect(board.name == "board")
    #expect(board.title == "A board")
    #expect(board.software == "Some engine 1.0")
    #expect(board.memory == .init(flash: 1 << 20, ram: 65536))
    #expect(board.kernels[0].seconds == [.call: 2e-6, .mac: 2e-8])
    #expect(board.kernels[1].seconds == [.mac: 4e-8])
    #expect(board.inferenceSeconds == 5e-7)
    #expect(board.provenance.fitError == 0.04)
    #expect(try folder.load("core").kernels[1].seconds == [.mac: 4e-8])
  }

  @Test func listsAndProvenanceAreReplacedWhole() throws {
    let folder = try ProfileFolder()
    try folder.write(Self.core, as: "core")
    try folder.write(
      Self.board + """

        precisions:
          - {weights: [8], activations: [8], granularity: tensor}
        provenance: {kind: datasheet, source: the manual}
        """, as: "board")
    let board = try folder.load("board")
    #expect(board.precisions == [.init(weights: [8], granularity: .tensor)])
    #expect(board.provenance == .init(kind: .datasheet, source: "the manual"))
  }

  @Test func mistakesOfTheParentAreFoundInItsFile() throws {
    let folder = try ProfileFolder()
    try folder.write(Self.core.replacing("cores: 1", with: "cores: none"), as: "core")
    #expect(
      try folder.problems(Self.board, as: "board") == [
        "core.yaml:5: 'cores' is 'none', expected a whole number from 1 to 4096"
      ])
  }

  @Test func aParentBesideTheFileComesFirst() throws {
    let shipped = try ProfileFolder()
    let own = try ProfileFolder()
    try shipped.write(Self.core, as: "core")
    let file = try own.write(Self.board, as: "board")
    let library = ProfileLibrary(folders: [shipped.path])
    #expect(try ProfileFile.load(path: file, library: library).cores == 1)
    try own.write(Self.core.replacing("cores: 1", with: "cores: 8"), as: "core")
    #expect(try library.profile(file).cores == 8)
    #expect(library.names == ["core"])
  }

  @Test func loopsAndMissingParentsAreExplained() throws {
    let folder = try ProfileFolder()
    let text = { (parent: String) in "schema: 1\nname: x\ninherits: \(parent)\n" }
    try folder.write(text("second"), as: "third")
    try folder.write(text("third"), as: "second")
    #expect(
      try folder.problems(text("second"), as: "first")
        == [
          "third.yaml:3: profiles inherit from each other in a loop: first -> second -> third -> "
            + "second"
        ])
    #expect(
      try folder.problems(text("self"), as: "self")
        == ["3: profiles inherit from each other in a loop: self -> self"])
    #expect(
      try folder.problems(text("secnod"), as: "first")
        == [
          "3: there is no profile 'secnod' to inherit from (is it 'second'?); looked in FOLDER"
        ])
    #expect(
      try folder.problems(text("../second"), as: "first")
        == ["3: 'inherits' is '../second', expected the name of a profile"])
  }

  @Test func unknownNamesAreExplained() throws {
    let folder = try ProfileFolder()
    try folder.write(Self.core, as: "core")
    #expect(
      throws: ProfileError.unknownProfile(name: "cores", folders: [folder.path], nearest: "core")
    ) { try folder.load("cores") }
    #expect(throws: ProfileError.unreadable(file: "./none.yaml", problem: "no such file")) {
      try folder.load("./none.yaml")
    }
  }

  @Test func foldersAreFoundFromTheExecutable() throws {
    let root = try ProfileFolder()
    let files = FileManager.default
    for name in ["hardware-profiles", "usr/share/tapq/hardware-profiles", "own", "build/release"] {
      try files.createDirectory(
        atPath: "\(root.path)/\(name)", withIntermediateDirectories: true)
    }
    #expect(
      ProfileLibrary.standardFolders(
        environment: ["TAPQ_PROFILES": root.path + "/own"],
        executable: root.path + "/build/release/tapq")
        == [root.path + "/own", root.path + "/hardware-profiles"])
    #expect(
      ProfileLibrary.standardFolders(
        environment: [:], executable: root.path + "/usr/bin/tapq"
      ).last
        == root.path + "/usr/share/tapq/hardware-profiles")
  }
}
