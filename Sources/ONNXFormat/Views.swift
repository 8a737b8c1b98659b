import COnnx

extension connx_bytes {
  var buffer: UnsafeBufferPointer<UInt8> { .init(start: start, count: count) }
  var array: [UInt8] { Array(buffer) }
  /// Invalid UTF-8 is repaired: names only need to be comparable.
  var text: String { String(decoding: buffer, as: UTF8.self) }
}

extension connx_names {
  var texts: [String] { UnsafeBufferPointer(start: items, count: count).map(\.text) }
  var arrays: [[UInt8]] { UnsafeBufferPointer(start: items, count: count).map(\.array) }
}

extension connx_tensors {
  var list: UnsafeBufferPointer<connx_tensor> { .init(start: items, count: count) }
}

extension connx_value_infos {
  var list: UnsafeBufferPointer<connx_value_info> { .init(start: items, count: count) }
}

extension connx_attributes {
  var list: UnsafeBufferPointer<connx_attribute> { .init(start: items, count: count) }
}

extension connx_nodes {
  var list: UnsafeBufferPointer<connx_node> { .init(start: items, count: count) }
}

extension connx_entries {
  var list: UnsafeBufferPointer<connx_entry> { .init(start: items, count: count) }
}

extension connx_operator_sets {
  var list: UnsafeBufferPointer<connx_operator_set> { .init(start: items, count: count) }
}
