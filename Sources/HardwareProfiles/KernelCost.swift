/// What kernels of one kind cost: a sum of counts, each times a duration.
///
/// The counts are those of the kernel, which works tile by tile and fills columns up to whole
/// vectors and the depth, or each of its runs, up to whole steps: `tile` says how.
public struct KernelCost: Sendable, Codable, Equatable {
  /// Quantities that a workload has and a kernel may charge for.
  public enum Count: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// One for each call.
    case call
    /// Multiply-accumulates, with columns, depth and runs filled up.
    case mac
    /// Tiles: each reads and writes its accumulators once.
    case tile
    /// Stretches of memory: of a product one for each tile and run, of a window one for each run and
    /// vector of channels, else the runs.
    case run
    /// Elements read, weights aside.
    case input
    /// Elements written.
    case output
    /// Elements that a product writes as floats.
    case floatOutput = "float_output"
    /// Bytes of weights.
    case weight
    /// Bytes of weights of a network whose weights do not fit the cache named by the profile.
    case farWeight = "far_weight"
    /// Those of a product whose rows are one tile: each is used once, and no work hides its way.
    case streamedWeight = "streamed_weight"
    /// Elements read of a network whose weights do not fit the cache.
    case farInput = "far_input"
  }

  public struct Tile: Sendable, Codable, Equatable {
    public var rows: Int
    public var columns: Int
    /// To how many columns the last tile is filled up; a divisor of `columns`.
    public var lanes: Int
    public var depth: Int
    /// To how many the last step of every run of the depth is filled up.
    public var run: Int

    public init(rows: Int = 1, columns: Int = 1, lanes: Int = 1, depth: Int = 1, run: Int = 1) {
      self.rows = rows
      self.columns = columns
      self.lanes = lanes
      self.depth = depth
      self.run = run
    }
  }

  public var kind: KernelWorkload.Kind
  /// Operators that it holds for; empty is all of the kind.
  public var operators: [String]
  /// Widths that it holds for; empty is all.
  public var weightBits: [Int]
  public var activationBits: [Int]
  /// Threads that it holds for; empty is all.
  public var threads: [Int]
  /// The least work that it holds for: multiply-accumulates, or elements written where there are
  /// none. Smaller steps are not shared between threads.
  public var leastWork: Double
  public var tile: Tile
  /// Seconds for each count.
  public var seconds: [Count: Double]

  private enum CodingKeys: String, CodingKey {
    case kind, operators, threads, tile, seconds
    case weightBits = "weight_bits"
    case activationBits = "activation_bits"
    case leastWork = "from"
  }

  public init(
    kind: KernelWorkload.Kind, operators: [String] = [], weightBits: [Int] = [],
    activationBits: [Int] = [], threads: [Int] = [], leastWork: Double = 0, tile: Tile = Tile(),
    seconds: [Count: Double]
  ) {
    self.kind = kind
    self.operators = operators
    self.weightBits = weightBits
    self.activationBits = activationBits
    self.threads = threads
    self.leastWork = leastWork
    self.tile = tile
    self.seconds = seconds
  }

  /// Whether it holds for the workload on so many threads.
  public func covers(_ workload: KernelWorkload, threads count: Int) -> Bool {
    kind == workload.kind
      && (operators.isEmpty || operators.contains(workload.op))
      && (weightBits.isEmpty || weightBits.contains(workload.weightBits))
      && (activationBits.isEmpty || activationBits.contains(workload.activationBits))
      && (threads.isEmpty || threads.contains(count)) && workload.work >= leastWork
  }

  /// How often the workload has each of the counts.
  public static func counts(
    of workload: KernelWorkload, tile: Tile, isFar: Bool
  ) -> [Count: Double] {
    func whole(_ value: Int, _ step: Int) -> Double {
      Double((value + step - 1) / step)
    }
    let groups = Double(workload.groups)
    let tiles = whole(workload.rows, tile.rows) * whole(workload.columns, tile.columns) * groups
    let runs =
      switch workload.kind {
      case .product, .blocked: tiles * Double(workload.runs)
      case .depthwise, .window:
        whole(workload.columns, tile.columns) * Double(workload.runs)
      default: Double(workload.runs)
      }
    let isProduct = workload.kind == .product || workload.kind == .blocked
    let stretches = isProduct ? max(workload.runs, 1) : 1
    let stretch = whole((workload.depth + stretches - 1) / stretches, tile.run) * Double(tile.run)
    let depth =
      (stretch * Double(stretches) / Double(tile.depth)).rounded(.up) * Double(tile.depth)
    let columns = whole(workload.columns, tile.lanes) * Double(tile.lanes)
    return [
      .call: 1,
      .mac: Double(workload.rows) * columns * depth * groups,
      .tile: tiles,
      .run: runs,
      .input: Double(workload.inputs),
      .output: Double(workload.outputs),
      .floatOutput: workload.outputBits == 32 ? Double(workload.outputs) : 0,
      .weight: workload.weightBytes,
      .farWeight: isFar ? workload.weightBytes : 0,
      .streamedWeight: isFar && workload.rows <= tile.rows ? workload.weightBytes : 0,
      .farInput: isFar ? Double(workload.inputs) : 0,
    ]
  }

  /// Seconds of the workload. `isFar`: the network's weights do not fit the cache.
  public func seconds(of workload: KernelWorkload, isFar: Bool) -> Double {
    let counts = KernelCost.counts(of: workload, tile: tile, isFar: isFar)
    // In an order of its own, so that the rounded sum is always the same.
    return Count.allCases.reduce(0) { $0 + (seconds[$1] ?? 0) * (counts[$1] ?? 0) }
  }
}
