extension ProfileFile {
  /// YAML that reads back as the same profile, without inheritance.
  public static func text(of profile: HardwareProfile) -> String {
    var lines = ["schema: \(ProfileDecoder.schema)", "name: \(profile.name)"]
    lines.append("title: \(scalar(profile.title))")
    if let software = profile.software { lines.append("software: \(scalar(software))") }
    lines.append("cores: \(profile.cores)")
    lines.append("clock: \(Frequency.text(profile.clock))")
    lines.append("memory: \(flow(memory(profile.memory)))")
    lines.append("precisions:")
    lines += profile.precisions.map { "  - \(flow(precision($0)))" }
    lines.append("kernels:")
    lines += profile.kernels.flatMap(kernel)
    lines.append("inference: \(TimeSpan.text(profile.inferenceSeconds))")
    if profile.exchangeSeconds > 0 {
      lines.append("exchange: \(TimeSpan.text(profile.exchangeSeconds))")
    }
    lines.append("provenance:")
    lines += provenance(profile.provenance).map { "  \($0.0): \($0.1)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private typealias Pairs = [(String, String)]

  private static func memory(_ memory: HardwareProfile.Memory) -> Pairs {
    var pairs: Pairs = []
    if let flash = memory.flash { pairs.append(("flash", ByteSize.text(flash))) }
    if let ram = memory.ram { pairs.append(("ram", ByteSize.text(ram))) }
    pairs.append(("weights", memory.weights.rawValue))
    if let cache = memory.cache { pairs.append(("cache", ByteSize.text(cache))) }
    return pairs
  }

  private static func precision(_ precision: HardwareProfile.Precision) -> Pairs {
    var pairs: Pairs = []
    if !precision.operators.isEmpty { pairs.append(("operators", list(precision.operators))) }
    pairs.append(("weights", list(precision.weights)))
    pairs.append(("activations", list(precision.activations)))
    pairs.append(("granularity", precision.granularity.rawValue))
    if !precision.blockSizes.isEmpty { pairs.append(("block_sizes", list(precision.blockSizes))) }
    pairs.append(("symmetric", "\(precision.isSymmetric)"))
    return pairs
  }

  private static func kernel(_ kernel: KernelCost) -> [String] {
    var pairs: Pairs = [("kind", kernel.kind.rawValue)]
    if !kernel.operators.isEmpty { pairs.append(("operators", list(kernel.operators))) }
    if !kernel.weightBits.isEmpty { pairs.append(("weights", list(kernel.weightBits))) }
    if !kernel.activationBits.isEmpty { pairs.append(("activations", list(kernel.activationBits))) }
    if !kernel.threads.isEmpty { pairs.append(("threads", list(kernel.threads))) }
    if kernel.leastWork > 0 { pairs.append(("from", "\(Int(kernel.leastWork))")) }
    let tile = kernel.tile
    if tile != KernelCost.Tile() {
      let sizes = [
        ("rows", tile.rows), ("columns", tile.columns), ("lanes", tile.lanes),
        ("depth", tile.depth), ("run", tile.run),
      ]
      pairs.append(("tile", flow(sizes.filter { $0.1 > 1 }.map { ($0.0, "\($0.1)") })))
    }
    let costs = KernelCost.Count.allCases.compactMap { count in
      kernel.seconds[count].map { (count.rawValue, TimeSpan.text($0)) }
    }
    pairs.append(("cost", flow(costs)))
    return pairs.enumerated().map { index, pair in
      (index == 0 ? "  - " : "    ") + "\(pair.0): \(pair.1)"
    }
  }

  private static func provenance(_ provenance: HardwareProfile.Provenance) -> Pairs {
    let texts = [
      ("source", provenance.source), ("figures", provenance.figures), ("tool", provenance.tool),
      ("date", provenance.date), ("host", provenance.host),
    ]
    let pairs = texts.compactMap { key, value in value.map { (key, scalar($0)) } }
    let error = provenance.fitError.map {
      [("fit_error", DecimalText.plain($0, exponent: -2) + "%")]
    }
    return [("kind", provenance.kind.rawValue)] + pairs + (error ?? [])
  }

  private static func list(_ items: [some CustomStringConvertible]) -> String {
    "[" + items.map(\.description).joined(separator: ", ") + "]"
  }

  private static func flow(_ pairs: Pairs) -> String {
    "{" + pairs.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + "}"
  }

  /// A text as JSON writes it, which YAML reads; bare where it cannot be taken for anything else.
  private static func scalar(_ text: String) -> String {
    let isBare =
      text.first.map { $0.isASCII && $0.isLetter } ?? false
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || " ._-+/()".contains($0)) }
      && text.last != " "
    if isBare { return text }
    let escaped = text.unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case _
      where scalar.value < 0x20 || scalar.value == 0x7f || (0x80...0xa0) ~= scalar.value
        || scalar.value == 0x2028 || scalar.value == 0x2029 || scalar.value == 0xfeff:
        "\\U" + hexadecimal(scalar.value)
      default: String(scalar)
      }
    }
    return "\"" + escaped.joined() + "\""
  }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
