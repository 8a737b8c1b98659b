public import GraphIR
import Tensors

extension QuantizationSites {
  /// Finds the layers and activations of a float model whose batch normalizations are folded.
  ///
  /// With `layerNames`, only these layers are quantized; the others are float operators. Of the
  /// products of two computed values, those whose operands `areQuantized`.
  public static func analyze(
    _ model: Model, layerNames: Set<String>? = nil,
    products areQuantized: (_ left: String, _ right: String) -> Bool = { _, _ in false }
  ) throws -> QuantizationSites {
    let index = GraphIndex(model.graph)
    let recognition = LayerRecognition(
      index: index,
      initializers: Dictionary(
        uniqueKeysWithValues: model.graph.initializers.map {
          ($0.key, $0.value)
        }))
    var layers = try recognition.layers(in: model.graph)
    if let layerNames { layers.removeAll { !layerNames.contains($0.name) } }
    let products = model.graph.nodes.filter { node in
      guard node.isOperator("MatMul"), let left = node.input(0), let right = node.input(1) else {
        return false
      }
      return index.constants[left] == nil && index.constants[right] == nil
        && areQuantized(left, right)
    }
    var analysis = try SiteAnalysis(
      index: index, layers: layers, products: Set(products.map(\.identity)))
    return QuantizationSites(layers: layers, activations: analysis.activations())
  }
}

/// Decides which activations are quantized.
///
/// Forward: which values can an integer kernel produce. Backward: which are wanted by one.
/// `Add`, `Concat` and the like run in integers only between the two, so that the residual
/// stream of a transformer and the post-processing of a detector stay float.
struct SiteAnalysis {
  /// How a value can come in integers.
  private enum Supply {
    /// Its producer runs in integers only with a quantized result.
    case required
    /// `Gemm` and `MatMul` run in integers with a float result as well.
    case optional
  }

  private let index: GraphIndex
  private var roles: [OperatorRole] = []
  private var supply: [String: Supply] = [:]
  private var wanted: Set<String> = []
  /// Results of clamps that vanish in the quantizer of their result, to what they clamp.
  private var absorbed: [String: String] = [:]
  private let convolutions: Set<String>

  init(
    index: GraphIndex, layers: [QuantizationSites.Layer], products: Set<String>
  ) throws(GraphError) {
    self.index = index
    convolutions = Set(layers.filter { $0.op == "Conv" }.map(\.node))
    let layerNodes = Set(layers.map(\.node))
    let biasSums = Set(layers.filter { $0.output != $0.node }.map(\.output))
    for node in index.nodes {
      if layerNodes.contains(node.identity) {
        roles.append(.layer)
      } else if biasSums.contains(node.identity) {
        roles.append(.bias)
      } else if products.contains(node.identity) {
        roles.append(.product)
      } else {
        roles.append(try OperatorRole(of: node, constants: index.constants))
      }
    }
    findSupply()
    findDemand()
  }

  private mutating func findSupply() {
    for (node, role) in zip(index.nodes, roles) {
      switch role {
      case .layer:
        supply[node.identity] = convolutions.contains(node.identity) ? .required : .optional
      case .bias, .product: supply[node.identity] = .optional
      case .integerKernel:
        if node.inputs.contains(where: { supply[$0] == .required }) {
          supply[node.identity] = .required
        }
      case .dataMovement:
        guard let source = node.input(0), let kind = supply[source] else { break }
        for output in node.outputs where !output.isEmpty { supply[output] = kind }
      case .clamp:
        guard let source = node.input(0), let kind = supply[source] else { break }
        supply[node.identity] = kind
        if isArithmetic(producerOf: source), index.onlyConsumer(of: source) != nil {
          absorbed[node.identity] = source
        }
      case .zeroPadding, .float: break
      }
    }
  }

  private func isArithmetic(producerOf value: String) -> Bool {
    guard let position = index.producers[value] else { return false }
    return switch roles[position] {
    case .layer, .bias, .integerKernel: true
    case .clamp: absorbed[value] != nil
    default: false
    }
  }

  private mutating func findDemand() {
    for (node, role) in zip(index.nodes, roles).reversed() {
      switch role {
      case .layer: wanted.insert(node.inputs[0])
      case .product: wanted.formUnion(node.inputs)
      case .integerKernel where runsInIntegers(node, role): wanted.formUnion(node.inputs)
      case .dataMovement where runsInIntegers(node, role): wanted.insert(node.inputs[0])
      case .clamp:
        if let source = absorbed[node.identity], wanted.contains(node.identity) {
          wanted.insert(source)
        }
      default: break
      }
    }
    wanted.remove("")
  }

  private func runsInIntegers(_ node: Node, _ role: OperatorRole) -> Bool {
    switch role {
    case .layer, .product: true
    case .integerKernel, .dataMovement:
      node.outputs.contains { supply[$0] != nil && wanted.contains($0) }
    default: false
    }
  }

  /// The quantized activations in the order in which the graph defines them.
  mutating func activations() -> [QuantizationSites.Activation] {
    var sites: [QuantizationSites.Activation] = []
    var sources: [String: String] = [:]
    for value in definedValues() where isSite(value) {
      var site = QuantizationSites.Activation(
        value: value, sameAs: nil, lowerLimit: nil, upperLimit: nil, readers: [],
        replacesFloatValue: comesInIntegers(value))
      if let origin = sharedSource(of: value).flatMap({ sources[$0] }) {
        site.sameAs = origin
        sources[value] = origin
      } else {
        sources[value] = value
        (site.lowerLimit, site.upperLimit, site.unlimited) = limits(on: value)
        site.meanOf = averaged(by: value).flatMap { sources[$0] }
      }
      site.readers = readers(of: site)
      sites.append(site)
    }
    let centered = Set(sites.filter(isRightOperand).map { $0.sameAs ?? $0.value })
    for index in sites.indices {
      sites[index].isCentered = centered.contains(sites[index].sameAs ?? sites[index].value)
    }
    return sites
  }

  private func isRightOperand(_ site: QuantizationSites.Activation) -> Bool {
    site.readers.contains { use in
      use.input == 1 && index.producers[use.node].map { roles[$0] == .product } ?? false
    }
  }

  private func definedValues() -> [String] {
    let inner = index.nodes.flatMap { $0.outputs.filter { !$0.isEmpty } }
    let innerSet = Set(inner)
    // What no node defines and a layer wants is a graph input.
    let outer = index.nodes.flatMap(\.inputs).filter {
      wanted.contains($0) && !innerSet.contains($0)
    }
    var seen: Set<String> = []
    return (outer + inner).filter { seen.insert($0).inserted }
  }

  private func isSite(_ value: String) -> Bool {
    guard index.constants[value] == nil else { return false }
    if let next = index.onlyConsumer(of: value), absorbed[next.identity] == value { return false }
    guard let position = index.producers[value] else { return wanted.contains(value) }
    let node = index.nodes[position]
    switch roles[position] {
    case .layer where convolutions.contains(node.identity): return true
    case .clamp where comesFromConvolution(value): return true
    case .dataMovement where runsInIntegers(node, .dataMovement):
      // Every result of a Split is quantized, or none.
      return index.consumers[value] != nil || index.outputs.contains(value)
    default: return wanted.contains(value)
    }
  }

  private func comesFromConvolution(_ value: String) -> Bool {
    var value = value
    while let source = absorbed[value] { value = source }
    return convolutions.contains(value)
  }

  /// The quantizer takes the place of the float value: an integer kernel fuses with it.
  private func comesInIntegers(_ value: String) -> Bool {
    guard let position = index.producers[value] else { return false }
    switch roles[position] {
    case .layer, .bias, .product: return true
    case .clamp: return absorbed[value] != nil
    case .integerKernel, .dataMovement:
      return runsInIntegers(index.nodes[position], roles[position])
    case .zeroPadding, .float: return false
    }
  }

  /// The activation whose parameters the value can only copy, whether it is moved in integers,
  /// or in float on its way through a padding.
  private func sharedSource(of value: String) -> String? {
    var value = value
    while let position = index.producers[value] {
      guard roles[position] == .dataMovement || roles[position] == .zeroPadding,
        let source = index.nodes[position].input(0)
      else { return nil }
      if isSite(source) { return source }
      value = source
    }
    return nil
  }

  private func averaged(by value: String) -> String? {
    guard let position = index.producers[value] else { return nil }
    let node = index.nodes[position]
    return node.isOperator("GlobalAveragePool") ? node.input(0) : nil
  }

  private func limits(on value: String) -> (lower: Float?, upper: Float?, source: String?) {
    var (lower, upper): (Float?, Float?) = (nil, nil)
    var origin = value
    while let source = absorbed[origin], let position = index.producers[origin] {
      if case .clamp(let low, let high) = roles[position] {
        lower = [lower, low].compactMap(\.self).max()
        upper = [upper, high].compactMap(\.self).min()
      }
      origin = source
    }
    return (lower, upper, origin == value ? nil : origin)
  }

  private func readers(of site: QuantizationSites.Activation) -> [QuantizationSites.ValueUse] {
    let uses = index.uses[site.value] ?? []
    if site.replacesFloatValue { return uses }
    return uses.filter { use in
      guard let position = index.producers[use.node] else { return false }
      let reads = [.integerKernel, .product].contains(roles[position]) || use.input == 0
      return reads && runsInIntegers(index.nodes[position], roles[position])
    }
  }
}
