import GraphIR
import Tensors

extension GraphPatch {
  /// Turns Gemm and MatMul of float activations and weights with a scale for each block into
  /// `tapq:BlockedGemm`, so that the weights may stay packed. Those of quantized activations are
  /// part of `fuseQuantizedLayers`.
  public static var fuseBlockedProducts: GraphPatch {
    GraphPatch("fuse products of blocks") { model in
      let finder = BlockedProductFinder(ValueUsage(model.graph))
      var added: [(String, Tensor)] = []
      model.graph.nodes = try model.graph.nodes.map { node in
        guard let product = try finder.product(node, activations: nil) else { return node }
        added += product.constants
        return product.node
      }
      for (name, tensor) in added { model.graph.initializers[name] = tensor }
    }
  }
}

/// Finds products whose weights are DequantizeLinear of constants with a scale for each block of
/// their depth.
///
/// The fused node reads x, its scale and zero point (both absent for float x), the integers minus
/// their zero points as int8 `[columns, depth]`, the scales `[columns, blocks]`, and a float bias;
/// attribute `block` is the size of a block.
struct BlockedProductFinder {
  static let operation = "BlockedGemm"
  /// Sums over a block of so many products of 8-bit values are exact in float32.
  static let mostBlock = 256

  private let usage: ValueUsage

  init(_ usage: ValueUsage) { self.usage = usage }

  /// `activations` are value, scale and zero point of quantized ones.
  func product(
    _ node: Node, activations: (value: String, scale: String, zero: Tensor)?
  ) throws -> (node: Node, constants: [(String, Tensor)])? {
    guard node.isOperator("Gemm") || node.isOperator("MatMul"), let x = node.input(0),
      activations != nil || usage.constant(x) == nil,
      let weight = try weight(of: node), let bias = try bias(of: node, columns: weight.columns)
    else { return nil }
    let prefix = "tapq:" + node.identity + "/"
    var constants = [
      (prefix + "w", weight.integers), (prefix + "ws", weight.scales),
    ]
    var inputs = [x, "", "", prefix + "w", prefix + "ws", bias]
    if let activations {
      inputs[0] = activations.value
      inputs[1] = activations.scale
      inputs[2] = prefix + "xz"
      constants.append((prefix + "xz", activations.zero))
    }
    return (
      Node(
        name: node.name, op: BlockedProductFinder.operation,
        domain: ConvolutionOperators.fusedDomain, inputs: inputs, outputs: node.outputs,
        attributes: [Attribute("block", .int(weight.block))]), constants
    )
  }

  private struct Weight {
    var integers: Tensor
    var scales: Tensor
    var columns: Int
    var block: Int
  }

  private func weight(of node: Node) throws -> Weight? {
    var isTransposed = false
    if node.op == "Gemm" {
      isTransposed = try node.int("transB") ?? 0 != 0
      guard try node.float("alpha") ?? 1 == 1, try node.float("beta") ?? 1 == 1,
        try node.int("transA") ?? 0 == 0
      else { return nil }
    }
    guard let dequantize = node.input(1).flatMap({ usage.producers[$0] }),
      dequantize.isOperator("DequantizeLinear"),
      let block = try dequantize.int("block_size"), block > 0, block % 4 == 0,
      block <= BlockedProductFinder.mostBlock,
      let stored = dequantize.input(0).flatMap(usage.constant), stored.rank == 2,
      stored.count > 0, stored.elementType.bitWidth <= 8,
      let scales = dequantize.input(1).flatMap(usage.constant), scales.elementType == .float32,
      scales.rank == 2, scales.withElements(of: Float.self, { $0.allSatisfy(\.isFinite) }),
      let values = stored.integers()
    else { return nil }
    let depthAxis = isTransposed ? 1 : 0
    let axis = try dequantize.int("axis") ?? 1
    let (depth, columns) = (stored.shape[depthAxis], stored.shape[1 - depthAxis])
    let blocks = (depth + block - 1) / block
    guard axis == depthAxis || axis + 2 == depthAxis, scales.shape[depthAxis] == blocks,
      scales.shape[1 - depthAxis] == columns
    else { return nil }
    var zeros: [Int]?
    if let name = dequantize.input(2) {
      guard let tensor = usage.constant(name), tensor.shape == scales.shape,
        tensor.elementType == stored.elementType, let integers = tensor.integers()
      else { return nil }
      zeros = integers
    }
    /// The place of row `k` of column `c` in an array with `rows` rows.
    func place(_ c: Int, _ k: Int, rows: Int) -> Int {
      isTransposed ? c * rows + k : k * columns + c
    }
    let centered = (0..<columns).flatMap { c in
      (0..<depth).map { k in
        values[place(c, k, rows: depth)] - (zeros?[place(c, k / block, rows: blocks)] ?? 0)
      }
    }
    let floats = scales.elements(of: Float.self)
    let ordered = (0..<columns).flatMap { c in
      (0..<blocks).map { floats[place(c, $0, rows: blocks)] }
    }
    guard
      let integers = Tensor(integers: centered, elementType: .int8, shape: [columns, depth])
    else { return nil }
    return Weight(
      integers: integers, scales: Tensor(ordered, shape: [columns, blocks]), columns: columns,
      block: block)
  }

  /// The name of a constant bias with a value for each column, empty where there is none; nil for
  /// other forms.
  private func bias(of node: Node, columns: Int) throws -> String? {
    guard node.op == "Gemm", let name = node.input(2) else { return "" }
    let producer = usage.producers[name]
    let stored =
      producer?.isOperator("DequantizeLinear") == true ? producer?.input(0) ?? name : name
    guard let tensor = usage.constant(stored), tensor.count == columns,
      tensor.shape.last == columns
    else { return nil }
    return name
  }
}
