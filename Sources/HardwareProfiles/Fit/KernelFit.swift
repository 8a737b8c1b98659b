import Foundation

/// Kernel costs from measured steps.
public struct KernelFit: Sendable {
  public var kernels: [KernelCost]

  /// What the kernels of a machine share.
  public struct Machine: Sendable {
    /// The tile of matrix products.
    public var tile: KernelCost.Tile
    /// Channels that windows work on at once.
    public var channels: Int
    /// Bytes of the cache beyond which weights are far; nil where none are.
    public var cache: Int?

    public init(tile: KernelCost.Tile, channels: Int, cache: Int?) {
      self.tile = tile
      self.channels = channels
      self.cache = cache
    }

    func isFar(_ sample: KernelSample) -> Bool {
      cache.map { sample.networkWeightBytes > Double($0) } ?? false
    }
  }

  /// One group of samples for each kind, width, number of threads, and operator where float ones
  /// have enough of them. What several threads do holds from the work on at which they share it;
  /// below that, costs are those of one.
  public init(_ samples: [KernelSample], machine: Machine) {
    let usable = samples.filter { $0.seconds > 0 && $0.workloads.count == 1 }
    let counts = Set(usable.map(\.threads)).sorted()
    let single = counts.first ?? 1
    kernels = []
    for threads in counts.reversed() {
      for kind in KernelWorkload.Kind.allCases {
        let group = usable.filter { $0.threads == threads && $0.workloads[0].kind == kind }
        guard !group.isEmpty else { continue }
        kernels +=
          threads == single
          ? KernelFit.kernels(kind, group, machine: machine)
          : shared(kind, group, machine: machine, single: usable.filter { $0.threads == single })
            .map {
              var kernel = $0
              kernel.threads = [threads]
              return kernel
            }
      }
    }
  }

  /// The kernels of several threads, from the work on that explains the samples best.
  private func shared(
    _ kind: KernelWorkload.Kind, _ samples: [KernelSample], machine: Machine,
    single: [KernelSample]
  ) -> [KernelCost] {
    let alone = KernelFit.kernels(
      kind, single.filter { $0.workloads[0].kind == kind }, machine: machine)
    var found = [(kernels: [KernelCost](), error: KernelFit.error(of: alone, samples, machine))]
    for exponent in stride(from: 10.0, to: 24, by: 0.5) {
      let least = exp2(exponent).rounded()
      let large = samples.filter { $0.workloads[0].work >= least }
      guard large.count >= KernelFit.fewest else { break }
      let kernels = KernelFit.kernels(kind, large, machine: machine).map {
        var kernel = $0
        kernel.leastWork = least
        return kernel
      }
      found.append((kernels, KernelFit.error(of: kernels + alone, samples, machine)))
    }
    // Costs of several threads also fit steps of one, if less well: of nearly equal explanations
    // the one that shares least holds for more than these samples.
    let least = found.map(\.error).min() ?? 0
    let best = found.last { $0.error <= least * KernelFit.indifference && !$0.kernels.isEmpty }
    return found[0].error <= least ? [] : best?.kernels ?? []
  }

  /// Mean relative error, in which no sample counts more than half.
  private static func error(
    of kernels: [KernelCost], _ samples: [KernelSample], _ machine: Machine
  ) -> Double {
    let errors = samples.map { sample in
      let kernel = kernels.first { $0.covers(sample.workloads[0], threads: sample.threads) }
      let seconds = kernel?.seconds(of: sample.workloads[0], isFar: machine.isFar(sample)) ?? 0
      return min(abs(seconds / sample.seconds - 1), 0.5)
    }
    return errors.reduce(0, +) / Double(max(errors.count, 1))
  }

  private static func kernels(
    _ kind: KernelWorkload.Kind, _ samples: [KernelSample], machine: Machine
  ) -> [KernelCost] {
    func cost(
      _ part: [KernelSample], operators: [String] = [], weightBits: [Int] = [],
      activationBits: [Int] = []
    ) -> KernelCost {
      fit(
        KernelCost(
          kind: kind, operators: operators, weightBits: weightBits, activationBits: activationBits,
          tile: tile(of: kind, machine), seconds: [:]), part, machine: machine)
    }
    switch kind {
    case .product, .blocked:
      let computed = samples.filter { $0.workloads[0].op == KernelWorkload.activationProduct }
      let samples = samples.filter { $0.workloads[0].op != KernelWorkload.activationProduct }
      let own =
        computed.count < fewest
        ? [] : [cost(computed, operators: [KernelWorkload.activationProduct])]
      let widths = Set(samples.map(\.workloads[0].weightBits)).sorted()
      return own
        + Set(samples.map(\.workloads[0].activationBits)).sorted().flatMap { activations in
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

  /// By how much one error may exceed another that says the same.
  private static let indifference = 1.03

  /// Seconds for each count below which a term says nothing.
  private static let negligible = 1e-16

  /// To four digits: no measurement has more, and people read the file.
  public static func rounded(_ seconds: Double) -> Double {
    Double(String(format: "%.3e", seconds)) ?? seconds
  }

  private static func tile(
    of kind: KernelWorkload.Kind, _ machine: Machine
  ) -> KernelCost.Tile {
    switch kind {
    case .product, .blocked: machine.tile
    case .depthwise, .window:
      KernelCost.Tile(columns: machine.channels, lanes: machine.channels)
    default: KernelCost.Tile()
    }
  }

  private static func counts(of kind: KernelWorkload.Kind) -> [KernelCost.Count] {
    switch kind {
    case .product:
      [
        .call, .mac, .tile, .run, .input, .output, .floatOutput, .weight, .farWeight,
        .streamedWeight,
      ]
    case .blocked: [.call, .mac, .tile, .run, .output, .weight]
    case .depthwise, .window: [.call, .mac, .tile, .run, .input, .output]
    case .movement: [.call, .run, .output]
    case .conversion: [.call, .mac, .run, .output, .farInput]
    case .float: [.call, .mac, .run, .input, .output]
    case .binary, .unary, .average: [.call, .input, .output]
    }
  }

  private static func fit(
    _ kernel: KernelCost, _ samples: [KernelSample], machine: Machine
  ) -> KernelCost {
    let names = counts(of: kernel.kind)
    let rows = samples.map { sample in
      let counts = KernelCost.counts(
        of: sample.workloads[0], tile: kernel.tile, isFar: machine.isFar(sample))
      return names.map { counts[$0] ?? 0 }
    }
    let found = NonnegativeFit.coefficients(rows, seconds: samples.map(\.seconds))
    var result = kernel
    result.seconds = Dictionary(
      uniqueKeysWithValues: zip(names, found).map { ($0, KernelFit.rounded($1)) }
        .filter { $0.1 > negligible })
    return result
  }
}
