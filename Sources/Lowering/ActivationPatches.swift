import Foundation
import GraphIR
import Quantization
import Tensors

extension GraphPatch {
  /// Puts `QuantizeLinear` and `DequantizeLinear` behind every site, between them a `Clip` where the
  /// width is less than the type's.
  static func quantizeActivations(
    _ sites: QuantizationSites, _ parameters: [String: AffineParameters]
  ) -> GraphPatch {
    GraphPatch("quantize activations") { model in
      let index = GraphIndex(model.graph)
      var writer = ActivationWriter(graph: model.graph, index: index)
      for site in sites.activations {
        guard let values = parameters[site.value] else { continue }
        writer.write(site, values)
      }
      model.graph = writer.finished()
    }
  }

  /// Stores the plan in the metadata, keys sorted, so that equal plans give equal bytes.
  static func recordPlan(_ plan: QuantizationPlan) -> GraphPatch {
    GraphPatch("record the plan") { model in
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      let text = String(decoding: try encoder.encode(plan), as: UTF8.self)
      model.metadata.removeAll { $0.key == Lowering.metadataKey }
      model.metadata.append(MetadataEntry(key: Lowering.metadataKey, value: text))
    }
  }
}

private struct ActivationWriter {
  private struct Constants {
    var scale: String
    var zeroPoint: String
    /// The least and the largest integer; nil where these are the type's.
    var limits: [String]?
  }

  private var graph: Graph
  private let index: GraphIndex
  private var scope: NameSupply
  private var insertion = NodeInsertion()
  private var constants: [String: Constants] = [:]
  private var removed: Set<String> = []

  init(graph: Graph, index: GraphIndex) {
    self.graph = graph
    self.index = index
    scope = NameSupply(graph, nodeNames: true)
  }

  mutating func write(_ site: QuantizationSites.Activation, _ parameters: AffineParameters) {
    let constants = constants(of: site, parameters)
    var source = site.value
    var result = site.value
    if parameters.isNarrow, site.upperLimit != nil, let unlimited = site.unlimited {
      // Runtimes compare the limits with all integers of the type: the Clip on integers takes their
      // place.
      source = unlimited
      removeLimits(from: site.value, to: unlimited)
    } else if site.replacesFloatValue, index.isVisibleOutside(site.value) {
      // Who reads the value by its name, outside this graph, gets the dequantized one.
      source = scope.fresh(site.value + "_float")
      renameOutput(site.value, to: source)
    } else {
      result = scope.fresh(site.value + "_dequantized")
      for use in site.readers {
        guard let position = index.producers[use.node] else { continue }
        graph.nodes[position].inputs[use.input] = result
      }
    }
    var integers = scope.fresh(site.value + "_quantized")
    var nodes = [
      Node(
        name: scope.fresh(site.value + "_QuantizeLinear"), op: "QuantizeLinear",
        inputs: [source, constants.scale, constants.zeroPoint], outputs: [integers])
    ]
    if let limits = constants.limits {
      let clipped = scope.fresh(site.value + "_clipped")
      nodes.append(
        Node(
          name: scope.fresh(site.value + "_Clip"), op: "Clip", inputs: [integers] + limits,
          outputs: [clipped]))
      integers = clipped
    }
    nodes.append(
      Node(
        name: scope.fresh(site.value + "_DequantizeLinear"), op: "DequantizeLinear",
        inputs: [integers, constants.scale, constants.zeroPoint], outputs: [result]))
    if let position = index.producers[site.value] {
      insertion.insert(nodes, after: position)
    } else {
      insertion.atFront(nodes)
    }
  }

  func finished() -> Graph {
    var result = graph
    result.nodes = insertion.applied(to: graph.nodes).filter { node in
      !(removed.contains(node.identity) && ["Relu", "Clip"].contains(node.op))
    }
    return result
  }

  /// Values that share parameters share the constants that hold them.
  private mutating func constants(
    of site: QuantizationSites.Activation, _ parameters: AffineParameters
  ) -> Constants {
    if let source = site.sameAs, let known = constants[source] { return known }
    func integer(_ value: Int) -> Tensor {
      parameters.elementType == .int8
        ? Tensor(scalar: Int8(truncatingIfNeeded: value))
        : Tensor(scalar: UInt8(truncatingIfNeeded: value))
    }
    var result = Constants(
      scale: scope.fresh(site.value + "_scale"), zeroPoint: scope.fresh(site.value + "_zero_point"))
    graph.initializers[result.scale] = Tensor(scalar: parameters.scale)
    graph.initializers[result.zeroPoint] = integer(parameters.zeroPoint)
    if parameters.isNarrow {
      let range = parameters.range
      result.limits = [("_least", range.lowerBound), ("_largest", range.upperBound)].map {
        let name = scope.fresh(site.value + $0)
        graph.initializers[name] = integer($1)
        return name
      }
    }
    constants[site.value] = result
    return result
  }

  /// Drops the Relu and Clip nodes between the two values.
  private mutating func removeLimits(from value: String, to source: String) {
    var value = value
    while value != source, let node = index.producer(of: value), let input = node.input(0) {
      removed.insert(value)
      value = input
    }
  }

  private mutating func renameOutput(_ value: String, to name: String) {
    guard let position = index.producers[value] else { return }
    // A layer without a name of its own goes by its first output.
    let isUnnamed = graph.nodes.filter { $0.name == graph.nodes[position].name }.count > 1
    if graph.nodes[position].name.isEmpty || isUnnamed {
      graph.nodes[position].name = graph.nodes[position].identity
    }
    graph.nodes[position].outputs = graph.nodes[position].outputs.map { $0 == value ? name : $0 }
  }
}
