public import Tensors

extension Node {
  /// The tensor that a `Constant` node holds (the `value` of `ConstantOfShape` too); nil for other
  /// nodes and for sparse values.
  public var constantValue: Tensor? {
    guard domain.isEmpty, op == "Constant" || op == "ConstantOfShape" else { return nil }
    for attribute in attributes {
      switch (attribute.name, attribute.value) {
      case ("value", .tensor(let named)): return named.tensor
      case ("value_float", .float(let value)): return Tensor(scalar: value)
      case ("value_floats", .floats(let list)): return Tensor(list, shape: [list.count])
      case ("value_int", .int(let value)): return Tensor(scalar: Int64(value))
      case ("value_ints", .ints(let list)):
        return Tensor(list.map(Int64.init), shape: [list.count])
      case ("value_string", .string(let bytes)): return Tensor(strings: [bytes], shape: [])
      case ("value_strings", .strings(let list)): return Tensor(strings: list, shape: [list.count])
      default: continue
      }
    }
    return nil
  }
}
