import Testing

@testable import HardwareProfiles

/// Every mistake is found on its line, and the message says what was expected.
@Suite struct ProfileErrorTests {
  private static let good = [
    "schema: 1",
    "name: device",
    "title: A device",
    "cores: 2",
    "clock: 100MHz",
    "memory: {flash: 1MiB, ram: 256KiB, weights: flash}",
    "precisions:",
    "  - {weights: [8], activations: [8], granularity: channel, symmetric: true}",
    "kernels:",
    "  - kind: product",
    "    tile: {rows: 2, columns: 8, lanes: 4, depth: 4}",
    "    cost: {call: 2us, mac: 1.5cycles}",
    "  - {kind: depthwise, cost: {mac: 3cycles}}",
    "inference: 10us",
    "provenance:",
    "  kind: datasheet",
    "  source: the manual",
  ]

  /// The problems of the good profile with one line replaced.
  private func problems(_ line: Int, _ text: String) throws -> [String] {
    var lines = Self.good
    lines[line - 1] = text
    return try ProfileFolder().problems(lines.joined(separator: "\n"))
  }

  @Test func theGoodProfileIsGood() throws {
    #expect(try problems(1, "schema: 1") == [])
  }

  @Test(arguments: [
    (
      4, "core: 2",
      [
        "1: 'cores' is missing: a number of cores",
        "4: there is no key 'core' (is it 'cores'?); there are "
          + ProfileDecoder.keys.joined(separator: ", "),
      ]
    ),
    (
      6, "memory: {flash: 1MiB, rom: 4KiB}",
      ["6: there is no key 'memory.rom' (is it 'ram'?); there are flash, ram, weights, cache"]
    ),
    (
      6, "memory: {flash: 96K}",
      ["6: memory.flash '96K' has half a unit: write 96KiB (98304 bytes) or 96kB (96000 bytes)"]
    ),
    (
      6, "memory: {ram: 65536}",
      [
        "6: memory.ram '65536' has no unit: write one of B, KiB, kB, MiB, MB, GiB, GB after the "
          + "number"
      ]
    ),
    (6, "memory: {ram: -1KiB}", ["6: memory.ram '-1KiB' is negative"]),
    (6, "memory: {weights: rom}", ["6: 'memory.weights' is 'rom', expected one of flash, ram"]),
    (6, "memory: 1MiB", ["6: 'memory' is '1MiB', expected a mapping"]),
    (
      5, "clock: 100",
      ["5: clock '100' has no unit: write one of Hz, kHz, MHz, GHz after the number"]
    ),
    (5, "clock: 0Hz", ["5: clock '0Hz' is out of range"]),
    (4, "cores: 0", ["4: 'cores' is '0', expected a whole number from 1 to 4096"]),
    (
      1, "schema: 2",
      ["1: 'schema' is 2, expected 1, the version that this tapq reads"]
    ),
    (
      2, "name: My Device",
      [
        "2: 'name' is 'My Device', expected lower-case letters, digits, dots, dashes and "
          + "underscores"
      ]
    ),
    (
      8, "  - {weights: [9], activations: [8], granularity: channel}",
      ["8: 'precisions.weights' is '9', expected a width: 2 to 8, 16 or 32 bits"]
    ),
    (
      8, "  - {weights: [8], activations: [12], granularity: channel}",
      ["8: 'precisions.activations' is '12', expected a width: 2 to 8, 16 or 32 bits"]
    ),
    (
      8, "  - {weights: [8], activations: [8], granularity: block}",
      ["8: 'precisions.block_sizes' is missing: the sizes that blocks can have"]
    ),
    (
      8, "  - {weights: [8], activations: [8], granularity: tensor, block_sizes: [32]}",
      [
        "8: precisions.block_sizes: blocks have sizes only where the granularity is block, not "
          + "tensor"
      ]
    ),
    (
      8, "  - {operators: [Conf], weights: [8], activations: [8], granularity: channel}",
      ["8: precisions.operators: ONNX has no operator 'Conf' (is it 'Conv'?)"]
    ),
    (
      8, "  - {weights: [8], activations: [8]}",
      [
        "8: 'precisions.granularity' is missing: tensor, channel or block"
      ]
    ),
    (
      10, "  - kind: products",
      [
        "10: 'kernels.kind' is 'products', expected one of product, blocked, depthwise, binary, "
          + "unary, window, average, movement, conversion, float"
      ]
    ),
    (
      11, "    tile: {rows: 2, columns: 8, lanes: 3}",
      ["11: kernels.tile.lanes: 3 lanes do not divide 8 columns"]
    ),
    (
      11, "    tile: {rows: 0}",
      ["11: 'kernels.tile.rows' is '0', expected a whole number from 1 to 65536"]
    ),
    (11, "    threads: [3]", ["11: kernels.threads: 3 threads on 2 cores"]),
    (11, "    threads: [1, 1]", ["11: kernels.threads: 1 is listed twice"]),
    (
      11, "    weights: [4]",
      [
        "8: no kernel covers Conv with 8-bit weights and 8-bit activations: add one of kind "
          + "product, or drop the width",
        "8: no kernel covers Gemm with 8-bit weights and 8-bit activations: add one of kind "
          + "product, or drop the width",
        "8: no kernel covers MatMul with 8-bit weights and 8-bit activations: add one of kind "
          + "product, or drop the width",
      ]
    ),
    (
      12, "    cost: {mac: 1.5}",
      [
        "12: kernels.cost.mac '1.5' has no unit: write one of fs, ps, ns, us, ms, s, cycles, "
          + "cycle after the number"
      ]
    ),
    (
      12, "    cost: {macs: 1ns}",
      [
        "12: 'kernels.cost' is empty, expected a cost",
        "12: there is no key 'kernels.cost.macs' (is it 'mac'?); there are call, mac, tile, run, "
          + "input, output, float_output, weight, far_weight, streamed_weight, far_input",
      ]
    ),
    (12, "    cost: {mac: -1ns}", ["12: kernels.cost.mac '-1ns' is negative"]),
    (
      12, "    weights: [8]",
      ["10: 'kernels.cost' is missing: a mapping like {call: 2us, mac: 1.3cycles}"]
    ),
    (
      13, "  - {kind: product, weights: [8], cost: {mac: 3cycles}}",
      [
        "13: kernels: this kernel never counts: the one of line 10 comes first and covers all "
          + "that it covers",
        "8: no kernel covers Conv",
      ]
    ),
    (
      14, "inference: 10",
      [
        "14: inference '10' has no unit: write one of fs, ps, ns, us, ms, s, cycles, cycle after "
          + "the number"
      ]
    ),
    (
      14, "kernel_scale: -2",
      ["14: 'kernel_scale' is '-2', expected a number above zero"]
    ),
    (14, "clock: 3GHz", ["14: 'clock' is here a second time, first on line 5"]),
    (
      16, "  kind: measured",
      [
        "16: 'provenance.tool' is missing: the tool that measured, with its version",
        "16: 'provenance.date' is missing: when, like 2026-05-31",
        "16: 'provenance.host' is missing: on which machine",
        "16: 'provenance.fit_error' is missing: how well the costs fit, like 4%",
      ]
    ),
    (
      16, "  kind: published",
      ["16: 'provenance.figures' is missing: which figures they are"]
    ),
    (
      16, "  kind: guess",
      ["16: 'provenance.kind' is 'guess', expected one of measured, published, datasheet"]
    ),
    (
      16, "  {kind: datasheet, fit_error: 4}",
      ["17: it is not YAML: did not find expected key"]
    ),
    (3, "title: [A, device]", ["3: 'title' is a list, expected a text"]),
    (3, "title: \"A device", ["17: it is not YAML: found unexpected end of stream"]),
  ])
  func mistakesAreFoundOnTheirLines(line: Int, text: String, expected: [String]) throws {
    let problems = try problems(line, text)
    #expect(problems.count >= expected.count, "\(problems)")
    for text in expected {
      #expect(problems.contains { $0 == text || $0.hasPrefix(text + " ") }, "\(problems)")
    }
  }

  @Test func provenanceMustNotBeMissing() throws {
    let text = Self.good.dropLast(3).joined(separator: "\n")
    #expect(
      try ProfileFolder().problems(text)
        == ["1: 'provenance' is missing: a mapping whose kind is measured, published or datasheet"])
  }

  @Test func fitErrorsAreShares() throws {
    let head = Self.good.dropLast(1).joined(separator: "\n")
    #expect(
      try ProfileFolder().problems(head + "\n  source: x\n  fit_error: 130%")
        == ["18: provenance.fit_error: a fit that is off by more than 100 % is none"])
    #expect(
      try ProfileFolder().problems(head + "\n  source: x\n  fit_error: 0.04")
        == ["18: provenance.fit_error '0.04' has no unit: write one of % after the number"])
  }

  @Test func allMistakesAreFoundAtOnce() throws {
    var lines = Self.good
    lines[3] = "cores: many"
    lines[5] = "memory: {flash: 1M}"
    lines[11] = "    cost: {mac: 1.5}"
    lines[16] = "  sauce: the manual"
    let found = try ProfileFolder().problems(lines.joined(separator: "\n"))
    #expect(found.compactMap { $0.split(separator: ":").first } == ["4", "6", "12", "16", "17"])
  }

  @Test(arguments: ["", "- a", "text", "{", "\u{0}", "a: b\n---\nc: d", "? [a]\n: b"])
  func whatIsNoProfileIsRefused(text: String) throws {
    #expect(try !ProfileFolder().problems(text).isEmpty)
  }

  @Test func manyfoldAliasesAreRefused() throws {
    let levels = (1..<30).map { "a\($0): &l\($0) [*l\($0 - 1), *l\($0 - 1)]" }
    let text = (["a0: &l0 [x]"] + levels).joined(separator: "\n")
    let problems = try ProfileFolder().problems(text)
    #expect(problems.count == 1)
    #expect(problems.first?.hasSuffix("it is not YAML: it has more than 50000 values") == true)
  }

  @Test func deepNestingIsRefused() throws {
    let text = String(repeating: "[", count: 200_000)
    #expect(try ProfileFolder().problems(text).count == 1)
  }

  @Test func filesThatAreNotThereAreNamed() {
    #expect(
      ProfileFile.errors(path: "/nowhere/x.yaml", library: ProfileLibrary(folders: []))
        == [.unreadable(file: "/nowhere/x.yaml", problem: "no such file")])
  }
}
