import Foundation
import HardwareProfiles
import Parallelism
import Synchronization
import Tensors

/// A model bound to memory for one set of input shapes. Runs one after another: they share the
/// arena.
final class CompiledPlan: @unchecked Sendable {
  struct NamedStep: Sendable {
    let name: String
    let step: any Step
    let workloads: [KernelWorkload]
    /// Tensors that no later step reads: the next one finds their memory in the cache.
    let spent: [FloatSlot]
  }

  let steps: [NamedStep]
  let arena: Arena
  /// Bytes of the largest set of values that live at once.
  let lowerBound: Int
  /// The step during which that set lives.
  let peakStep: String?
  let integerMultiplications: Int
  private let inputs: [(name: String, slot: FloatSlot)]
  private let outputs: [(name: String, slot: FloatSlot)]
  private let slots: Int
  private let turn = Mutex(())

  init(
    steps: [NamedStep], arena: Arena, lowerBound: Int, peakStep: String?,
    inputs: [(name: String, slot: FloatSlot)], outputs: [(name: String, slot: FloatSlot)],
    slots: Int, integerMultiplications: Int
  ) {
    self.steps = steps
    self.arena = arena
    self.lowerBound = lowerBound
    self.peakStep = peakStep
    self.inputs = inputs
    self.outputs = outputs
    self.slots = slots
    self.integerMultiplications = integerMultiplications
  }

  var weightBytes: Int { steps.reduce(0) { $0 + $1.step.weightBytes } }

  /// `observe` hears of the nanoseconds of each step.
  func run(
    _ feed: [String: Tensor], pool: WorkerPool, observe: ((NamedStep, Int) -> Void)? = nil
  ) throws -> [String: Tensor] {
    try turn.withLock { _ in
      let state = RunState(pool: pool, slots: slots)
      for input in inputs { state.tensors[input.slot] = feed[input.name] }
      for step in steps {
        let start = observe == nil ? 0 : DispatchTime.now().uptimeNanoseconds
        try step.step.run(state)
        for slot in step.spent { state.tensors[slot] = nil }
        observe?(step, Int(DispatchTime.now().uptimeNanoseconds - start))
      }
      var results: [String: Tensor] = [:]
      for output in outputs { results[output.name] = try state.tensor(output.slot) }
      return results
    }
  }
}
