import Pipeline

/// A profile for people.
enum ProfileText {
  static func text(_ profile: HardwareProfile) -> String {
    [facts(profile), precisions(profile), kernels(profile)].joined(separator: "\n\n")
  }

  private static func facts(_ profile: HardwareProfile) -> String {
    let memory = profile.memory
    let provenance = profile.provenance
    var rows = [["name", profile.name], ["device", profile.title]]
    if let software = profile.software { rows.append(["software", software]) }
    rows += [["cores", "\(profile.cores)"], ["clock", Frequency.text(profile.clock)]]
    if let flash = memory.flash { rows.append(["flash", ByteSize.text(flash)]) }
    if let ram = memory.ram { rows.append(["RAM", ByteSize.text(ram)]) }
    rows.append(["weights run from", memory.weights == .flash ? "flash" : "RAM"])
    if let cache = memory.cache { rows.append(["cache", ByteSize.text(cache)]) }
    rows += [
      ["each inference", TimeSpan.rounded(profile.inferenceSeconds)],
      ["figures are", provenance.kind.rawValue],
    ]
    let sources = [
      ("source", provenance.source), ("of", provenance.figures), ("tool", provenance.tool),
      ("date", provenance.date), ("host", provenance.host),
    ]
    rows += sources.compactMap { title, text in text.map { [title, $0] } }
    if let error = provenance.fitError { rows.append(["fit error", percent(error)]) }
    let width = rows.map { $0[0].count }.max() ?? 0
    return rows.map { row in
      row[0] + String(repeating: " ", count: width - row[0].count + 2) + row[1]
    }.joined(separator: "\n")
  }

  private static func precisions(_ profile: HardwareProfile) -> String {
    Console.table(
      [["operators", "weight bits", "activation bits", "scales", "zero points"]]
        + profile.precisions.map { row in
          let sizes = row.blockSizes.isEmpty ? "" : " of \(list(row.blockSizes))"
          return [
            row.operators.isEmpty ? "all with weights" : row.operators.joined(separator: ","),
            list(row.weights), list(row.activations), row.granularity.rawValue + sizes,
            row.isSymmetric ? "no" : "yes",
          ]
        })
  }

  private static func kernels(_ profile: HardwareProfile) -> String {
    Console.table(
      [["kernel", "weight bits", "activation bits", "threads", "tile", "cost"]]
        + profile.kernels.map { kernel in
          let tile = kernel.tile
          let names = kernel.operators.isEmpty ? "" : " " + kernel.operators.joined(separator: ",")
          return [
            kernel.kind.rawValue + names, any(kernel.weightBits), any(kernel.activationBits),
            any(kernel.threads),
            "\(tile.rows)x\(tile.columns)/\(tile.lanes)x\(tile.depth)/\(tile.run)",
            KernelCost.Count.allCases.compactMap { count in
              kernel.seconds[count].map { "\(count.rawValue) \(TimeSpan.rounded($0))" }
            }.joined(separator: ", "),
          ]
        })
  }

  private static func list(_ values: [Int]) -> String {
    values.map(String.init).joined(separator: ",")
  }

  private static func any(_ values: [Int]) -> String { values.isEmpty ? "any" : list(values) }

  private static func percent(_ share: Double) -> String {
    "\((share * 1000).rounded() / 10) %"
  }
}

extension TimeSpan {
  /// To four digits.
  fileprivate static func rounded(_ seconds: Double) -> String {
    guard seconds > 0 else { return "0" }
    var scale = 1.0
    while seconds * scale < 1000, scale < 1e18 { scale *= 10 }
    return text((seconds * scale).rounded() / scale)
  }
}
