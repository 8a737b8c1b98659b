/// Kernel costs from measured steps.
public struct KernelFit: Sendable {
  public var kernels: [KernelCost]

  /// What the kernels of a machine share.
  public struct Machine: Sendable {
    /// The tile of matrix products.
    public var tile: KernelCost.Tile
    /// Channels that other kernels work on at once.
    public var lanes: Int
    /// Bytes of the cache beyond which weights are far; nil where none are.
    public var cache: Int?

    public init(tile: KernelCost.Tile, lanes: Int, cache: Int?) {
      self.tile = tile
      self.lanes = lanes
      self.cache = cache
    }
  }

  /// One group of samples for each kind, width, number of threads, and operator where float ones
  /// have enough of them.
  public init(_ samples: [KernelSample], machine: Machine) {
    let usable = samples.filter { $0.seconds > 0 && $0.workloads.count == 1 }
    kernels = []
    for threads in Set(usable.map(\.threads)).sorted() {
      for kind in KernelWorkload.Kind.allCases {
        let group = usable.filter { $0.threads == threads && $0.workloads[0].kind == kind }
        guard !group.isEmpty else { continue }
        kernels += KernelFit.kernels(kind, group, threads: threads, machine: machine)
      }
    }
  }

  private static func kernels(
    _ kind: KernelWorkload.Kind, _ samples: [KernelSample], threads: Int, machine: Machine
  ) -> [KernelCost] {
    func cost(
      _ part: [KernelSample], operators: [String] = [], weightBits: [Int] = [],
      activationBits: [Int] = []
    ) -> KernelCost {
      fit(
        KernelCost(
          kind: kind, operators: operators, weightBits: weightBits, activationBits: activationBits,
          threads: [threads],
          tile: tile(of: kind, machine), seconds: [:]), part, machine: machine)
    }
    switch kind {
    case .product, .blocked:
      let widths = Set(samples.map(\.workloads[0].weightBits)).sorted()
      return Set(samples.map(\.workloads[0].activationBits)).sorted().flatMap { activations in
        widths.compactMap { bits -> KernelCost? in
          let part = samples.filter {
            $0.workloads[0].weightBits == bits && $0.workloads[0].activationBits == activations
          }
          return part.isEmpty
            ? nil : cost(part, weightBits: [bits], activationBits: [activations])
        }
      }
    case .float, .conversion:
      let operators = Set(samples.map(\.workloads[0].op)).sorted()
      let own = operators.compactMap { op -> KernelCost? in
        let part = samples.filter { $0.workloads[0].op == op }
        return part.count < fewest ? nil : cost(part, operators: [op])
      }
      return own + [cost(samples)]
    default: return [cost(samples)]
    }
  }

  /// Samples that an operator needs for a fit of its own.
  private static let fewest = 3

  private static func tile(
    of kind: KernelWorkload.Kind, _ machine: Machine
  ) -> KernelCost.Tile {
    switch kind {
    case .product, .blocked: machine.tile
    case .depthwise, .window:
      KernelCost.Tile(columns: machine.lanes, lanes: machine.lanes)
    default: KernelCost.Tile()
    }
  }

  private static func counts(of kind: KernelWorkload.Kind) -> [KernelCost.Count] {
    switch kind {
    case .product: [.call, .mac, .tile, .run, .input, .output, .weight, .farWeight]
    case .blocked: [.call, .mac, .tile, .run, .output, .weight]
    case .depthwise, .window: [.call, .mac, .tile, .input, .output]
    case .movement: [.call, .run, .output]
    case .conversion: [.call, .run, .output]
    case .float: [.call, .mac, .input, .output]
    case .binary, .unary, .average: [.call, .input, .output]
    }
  }

  private static func fit(
    _ kernel: KernelCost, _ samples: [KernelSample], machine: Machine
  ) -> KernelCost {
    let names = counts(of: kernel.kind)
    let rows = samples.map { sample in
      let isFar = machine.cache.map { sample.networkWeightBytes > Double($0) } ?? false
      let counts = KernelCost.counts(of: sample.workloads[0], tile: kernel.tile, isFar: isFar)
      return names.map { counts[$0] ?? 0 }
    }
    let found = NonnegativeFit.coefficients(rows, seconds: samples.map(\.seconds))
    var result = kernel
    result.seconds = Dictionary(
      uniqueKeysWithValues: zip(names, found).filter { $0.1 > 0 })
    return result
  }
}
