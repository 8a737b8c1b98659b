import OrderedCollections
import Tensors

/// What a rule may ask and add while it rewrites one graph.
struct UpgradeContext {
  let target: Int
  var names: NameSupply
  let tracer: ValueTracer
  /// Names that something in the graph reads.
  let reads: Set<String>
  /// Identities of nodes whose subgraphs a rule has upgraded itself.
  var finished: Set<String> = []
  /// Initializers that the rules added.
  private(set) var constants: OrderedDictionary<String, Tensor> = [:]
  private var vectors: [[Int]: String] = [:]

  init(target: Int, names: NameSupply, tracer: ValueTracer, reads: Set<String>) {
    self.target = target
    self.names = names
    self.tracer = tracer
    self.reads = reads
  }

  /// Lets rules use the short int64 vectors that the graph already has, unless callers may
  /// override them.
  mutating func reuse(_ graph: Graph) {
    let inputs = Set(graph.inputs.map(\.name))
    for (name, tensor) in graph.initializers
    where tensor.elementType == .int64 && tensor.rank == 1 && tensor.count <= 8 {
      guard !inputs.contains(name) else { continue }
      if let values = tensor.integers(), vectors[values] == nil { vectors[values] = name }
    }
  }

  /// The name of a 1-D int64 constant; equal ones are shared.
  mutating func vector(_ values: [Int], _ hint: String) -> String {
    if let name = vectors[values] { return name }
    let name = constant(Tensor(values.map(Int64.init), shape: [values.count]), hint)
    vectors[values] = name
    return name
  }

  /// The name of a new constant.
  mutating func constant(_ tensor: Tensor, _ hint: String) -> String {
    let name = names.fresh(hint)
    constants[name] = tensor
    return name
  }

  /// The name of a new float constant that has the element type of `value`.
  mutating func scalar(_ number: Float, like value: String, of node: Node, _ hint: String) throws
    -> String
  {
    let type = tracer.elementType(of: value) ?? .float32
    guard let tensor = Tensor(scalar: number, as: type) else {
      throw GraphError.unsupported(
        node: node.label, problem: "cannot express \(number) as \(type)")
    }
    return constant(tensor, hint)
  }

  func constantTensor(_ name: String?) -> Tensor? {
    name.flatMap { constants[$0] ?? tracer.constant($0) }
  }
}
