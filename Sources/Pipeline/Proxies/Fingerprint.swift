import GraphIR
import Tensors

/// FNV-1a over everything that outcomes depend on.
struct Fingerprint {
  private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
  }

  mutating func add(_ text: String) {
    var text = text + "\n"
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  mutating func add(_ feed: [String: Tensor]) {
    for (name, tensor) in feed.sorted(by: { $0.key < $1.key }) {
      add("\(name) \(tensor.elementType) \(tensor.shape)")
      add(tensor.storage.bytes)
    }
  }

  mutating func add(_ model: Model) {
    for node in model.graph.nodes {
      add("\(node.op) \(node.inputs) \(node.outputs) \(node.attributes)")
    }
    for (name, tensor) in model.graph.initializers.sorted(by: { $0.key < $1.key }) {
      add("\(name) \(tensor.elementType) \(tensor.shape)")
      add(tensor.storage.bytes)
    }
  }

  var text: String {
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
