/// Makes a profile of the tree that inheritance leaves.
struct ProfileDecoder {
  static let keys = [
    "schema", "name", "title", "inherits", "software", "cores", "clock", "memory", "precisions",
    "kernels", "kernel_scale", "inference", "exchange", "provenance",
  ]
  static let schema = 1

  private var fields = ProfileFields()

  /// The profile where there is no error; errors by file, its own first, and line.
  static func decode(_ root: ProfileNode) -> (profile: HardwareProfile?, errors: [ProfileError]) {
    var decoder = ProfileDecoder()
    let profile = decoder.profile(root)
    func order(_ place: ProfilePlace?) -> (Int, String, Int) {
      let isOwn = place?.file == root.place.file
      return (isOwn ? 0 : 1, place?.file ?? "", place?.line ?? 0)
    }
    let errors = decoder.fields.errors.enumerated().sorted { first, second in
      let (left, right) = (order(first.element.place), order(second.element.place))
      return left == right ? first.offset < second.offset : left < right
    }.map(\.element)
    return (errors.isEmpty ? profile : nil, errors)
  }

  private mutating func profile(_ root: ProfileNode) -> HardwareProfile? {
    guard let map = fields.mapping(root, path: "", keys: Self.keys) else { return nil }
    let schema = fields.integer(
      map.field("schema", requirement: "schema: \(Self.schema)"), in: 1...1_000_000)
    if let schema, schema != Self.schema {
      fields.report(
        .wrongValue(
          map.field("schema").place, key: "schema", found: "\(schema)",
          expected: "\(Self.schema), the version that this tapq reads"))
    }
    let name = name(map.field("name", requirement: "the name of the profile"))
    let title = fields.text(map.field("title", requirement: "what people call the device"))
    let software = map.nodes["software"].flatMap { _ in fields.text(map.field("software")) }
    let cores = fields.integer(map.field("cores", requirement: "a number of cores"), in: 1...4096)
    let clock = fields.quantity(
      map.field("clock", requirement: "a frequency like 120MHz"), Frequency.read)
    let memory =
      map.nodes["memory"].map { regions($0) } ?? HardwareProfile.Memory()
    let scale = fields.number(map.field("kernel_scale")) ?? 1
    let precisions = fields.precisions(
      map.field("precisions", requirement: "a list of widths that operators can have"))
    // Where the clock is wrong, costs in cycles are still read, to find what is wrong with them.
    let kernels = fields.kernels(
      map.field("kernels", requirement: "a list of what kernels cost"), clock: clock ?? 1,
      scale: scale, cores: cores ?? 4096)
    let inference = fields.quantity(map.field("inference")) { text throws(QuantityProblem) in
      try TimeSpan.read(text, clock: clock ?? 1)
    }
    let exchange = fields.quantity(map.field("exchange")) { text throws(QuantityProblem) in
      try TimeSpan.read(text, clock: clock ?? 1)
    }
    let provenance = fields.provenance(
      map.field(
        "provenance", requirement: "a mapping whose kind is measured, published or datasheet"))
    guard let name, let title, let cores, let clock, let memory, let precisions, let kernels,
      let provenance
    else { return nil }
    fields.checkCoverage(precisions, kernels.map(\.value))
    return HardwareProfile(
      name: name, title: title, software: software, cores: cores, clock: clock, memory: memory,
      precisions: precisions.map(\.value), kernels: kernels.map(\.value),
      inferenceSeconds: inference ?? 0, exchangeSeconds: exchange ?? 0, provenance: provenance)
  }

  private mutating func name(_ field: ProfileField) -> String? {
    guard let name = fields.text(field) else { return nil }
    guard ProfileDecoder.isName(name) else {
      fields.report(
        .wrongValue(
          field.place, key: field.path, found: "'\(name)'",
          expected: "lower-case letters, digits, dots, dashes and underscores"))
      return nil
    }
    return name
  }

  static func isName(_ text: String) -> Bool {
    text.first != "." && !text.isEmpty
      && text.allSatisfy {
        $0.isASCII && ($0.isLowercase || $0.isNumber || "._-".contains($0))
      }
  }

  private mutating func regions(_ node: ProfileNode) -> HardwareProfile.Memory? {
    guard
      let map = fields.mapping(node, path: "memory", keys: ["flash", "ram", "weights", "cache"])
    else { return nil }
    let flash = fields.quantity(map.field("flash"), ByteSize.read)
    let ram = fields.quantity(map.field("ram"), ByteSize.read)
    let cache = fields.quantity(map.field("cache"), ByteSize.read)
    let home = map.nodes["weights"].flatMap { _ in
      fields.choice(map.field("weights"), as: HardwareProfile.Memory.Home.self)
    }
    return .init(flash: flash, ram: ram, weights: home ?? .flash, cache: cache)
  }
}

/// A value and where it was read.
struct Located<Value> {
  let place: ProfilePlace
  let value: Value
}
