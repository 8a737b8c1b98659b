/// Protobuf messages written field by field: what no ONNX library would write, too.
struct Wire {
  var bytes: [UInt8] = []

  init(_ fields: [Wire] = []) { bytes = fields.flatMap(\.bytes) }

  static func varint(_ field: Int, _ value: Int) -> Wire {
    var wire = Wire()
    wire.append(UInt64(field) << 3)
    wire.append(UInt64(bitPattern: Int64(value)))
    return wire
  }

  static func bytes(_ field: Int, _ content: [UInt8]) -> Wire {
    var wire = Wire()
    wire.append(UInt64(field) << 3 | 2)
    wire.append(UInt64(content.count))
    wire.bytes += content
    return wire
  }

  static func text(_ field: Int, _ content: String) -> Wire { bytes(field, Array(content.utf8)) }

  static func message(_ field: Int, _ fields: [Wire]) -> Wire { bytes(field, Wire(fields).bytes) }

  /// Packed varints, negative ones in ten bytes.
  static func packed(_ field: Int, _ values: [Int]) -> Wire {
    var content = Wire()
    for value in values { content.append(UInt64(bitPattern: Int64(value))) }
    return bytes(field, content.bytes)
  }

  private mutating func append(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// The messages of `onnx.proto` by field number.
enum Proto {
  static func model(_ graph: [Wire], opset: Int = 17, extra: [Wire] = []) -> [UInt8] {
    Wire(
      [
        .varint(1, 8), .message(7, graph),
        .message(8, [.text(1, ""), .varint(2, opset)]),
      ] + extra
    ).bytes
  }

  static func node(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "", _ extra: [Wire] = []
  ) -> Wire {
    .message(
      1,
      inputs.map { .text(1, $0) } + outputs.map { .text(2, $0) } + [.text(3, name), .text(4, op)]
        + extra)
  }

  static func tensor(
    _ name: String, type: Int = 1, dims: [Int], _ data: [Wire], field: Int = 5
  ) -> Wire {
    .message(field, dims.map { .varint(1, $0) } + [.varint(2, type), .text(8, name)] + data)
  }

  static func raw(_ bytes: [UInt8]) -> Wire { .bytes(9, bytes) }

  static func input(_ name: String, _ extra: [Wire] = []) -> Wire {
    .message(11, [.text(1, name), .message(2, [.message(1, [.varint(1, 1)])])] + extra)
  }

  static func output(_ name: String) -> Wire { .message(12, [.text(1, name)]) }

  /// `y = Relu(x)` with more fields.
  static func relu(_ extra: [Wire] = []) -> [Wire] {
    [node("Relu", ["x"], ["y"], name: "relu"), input("x"), output("y")] + extra
  }
}
