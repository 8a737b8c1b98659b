import FloatRuntime
import Foundation
public import GraphIR
public import HardwareProfiles
import Parallelism
import Synchronization
public import Tensors

/// Runs a quantized model on packed integers.
///
/// A graph of QuantizeLinear and DequantizeLinear, or of QLinear operators, becomes a plan for the
/// shapes of its inputs: integer kernels for the layers, float islands for what has none.
public final class IntegerEngine: Sendable {
  public let model: Model
  private let pool: WorkerPool
  private let kernels: KernelSet
  private let plan = Mutex<(shapes: [String: [Int]], plan: CompiledPlan)?>(nil)
  private let checker: InputChecker

  public init(model: Model, threads: Int = 1) throws {
    self.model = model
    pool = WorkerPool(threadCount: threads)
    kernels = .best
    checker = InputChecker(graph: model.graph)
  }

  /// The instruction set that kernels use on this machine.
  public static var instructionSet: String { KernelSet.best.name }

  /// Rows and columns of a tile of matrix products, and the columns that the last tile is filled
  /// up to multiples of.
  public static var productTile: (rows: Int, columns: Int, lanes: Int) {
    let table = KernelSet.best.table.pointee
    return (table.rows, table.panel, table.lanes)
  }

  /// Channels that windows are computed for at once.
  public static var windowChannels: Int { 4 * productTile.lanes }

  /// Billions of operations a second that one core can do at most, two for each
  /// multiply-accumulate; nil where the instruction set has no such measure.
  public static func measuredPeak() -> Double? {
    guard let peak = KernelSet.best.table.pointee.peak else { return nil }
    var best = 0.0
    for _ in 0..<peakTrials {
      let start = DispatchTime.now().uptimeNanoseconds
      let operations = 2 * peak(peakRounds)
      let elapsed = DispatchTime.now().uptimeNanoseconds - start
      best = max(best, Double(operations) / Double(max(elapsed, 1)))
    }
    return best
  }

  private static let peakTrials = 5
  private static let peakRounds = 20_000

  /// What running on inputs of these shapes would take, without running it.
  public func outline(inputShapes: [String: [Int]]) throws -> IntegerProfile {
    let compiler = try PlanCompiler(model, inputShapes: inputShapes, pool: pool, kernels: kernels)
    let plan = try compiler.compile()
    return profile(of: plan, steps: plan.steps.map { ($0, 0) })
  }

  /// What running on inputs of these shapes would take in memory and work; cheaper than an outline.
  public func footprint(inputShapes: [String: [Int]]) throws -> IntegerFootprint {
    try PlanCompiler(model, inputShapes: inputShapes, pool: pool, kernels: kernels).footprint()
  }

  public func run(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
    try compiled(for: inputs).run(inputs, pool: pool)
  }

  /// Runs the model once and says where its time went.
  public func profile(_ inputs: [String: Tensor]) throws -> IntegerProfile {
    let plan = try compiled(for: inputs)
    var steps: [(CompiledPlan.NamedStep, Int)] = []
    _ = try plan.run(inputs, pool: pool) { steps.append(($0, $1)) }
    return profile(of: plan, steps: steps)
  }

  private func profile(
    of plan: CompiledPlan, steps: [(CompiledPlan.NamedStep, Int)]
  ) -> IntegerProfile {
    IntegerProfile(
      steps: steps.map {
        .init(
          name: $0.name, kernel: $0.step.kernel, workloads: $0.workloads, nanoseconds: $1)
      },
      weightBytes: plan.weightBytes, arenaBytes: plan.arena.byteCount,
      arenaLowerBound: plan.lowerBound, peakStep: plan.peakStep,
      integerMultiplications: plan.integerMultiplications)
  }

  private func compiled(for inputs: [String: Tensor]) throws -> CompiledPlan {
    let shapes = inputs.mapValues(\.shape)
    return try plan.withLock { held in
      if let held, held.shapes == shapes { return held.plan }
      try checker.check(inputs.mapValues { .tensor($0) })
      let compiler = try PlanCompiler(model, inputShapes: shapes, pool: pool, kernels: kernels)
      let plan = try compiler.compile()
      held = (shapes, plan)
      return plan
    }
  }
}

/// The memory and the work of a plan.
public struct IntegerFootprint: Sendable {
  public struct Step: Sendable {
    public let name: String
    /// What cost models see of the step; several pieces where nodes run as one.
    public let workloads: [KernelWorkload]
  }

  public let steps: [Step]
  public let arenaBytes: Int
  /// Bytes of the largest set of quantized values that live at once.
  public let arenaLowerBound: Int
  /// The step during which that set lives; nil for a plan without steps.
  public let peakStep: String?
}

/// Where the time and the memory of a run went.
public struct IntegerProfile: Sendable {
  public struct Step: Sendable {
    public let name: String
    /// The implementation that ran, with its instruction set.
    public let kernel: String
    /// What cost models see of the step.
    public let workloads: [KernelWorkload]
    public let nanoseconds: Int
  }

  public let steps: [Step]
  /// Bytes of packed weights, biases and multipliers.
  public let weightBytes: Int
  public let arenaBytes: Int
  /// Bytes of the largest set of quantized values that live at once.
  public let arenaLowerBound: Int
  /// The step during which that set lives; nil for a plan without steps.
  public let peakStep: String?
  /// Multiply-accumulates that integer kernels do.
  public let integerMultiplications: Int

  public var footprint: IntegerFootprint {
    IntegerFootprint(
      steps: steps.map { .init(name: $0.name, workloads: $0.workloads) }, arenaBytes: arenaBytes,
      arenaLowerBound: arenaLowerBound, peakStep: peakStep)
  }
}
