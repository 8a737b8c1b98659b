import HardwareProfiles
import Parallelism
import Tensors

/// A number for each quantized value of a plan.
typealias ValueID = Int

/// One step of a plan before memory is laid out.
protocol Operation: Sendable {
  /// The node that it stands for.
  var name: String { get }
  var reads: [ValueID] { get }
  var writes: [ValueID] { get }
  /// Tensors that it reads.
  var slots: [FloatSlot] { get }
  /// Multiply-accumulates that run in integers.
  var integerMultiplications: Int { get }
  /// Padding that it wants around a value that it reads.
  func halo(around value: ValueID) -> Halo
  /// Bytes that it wants for itself while it runs.
  func workspace(_ layouts: [ImageLayout]) -> Int
  /// What cost models see of it; several for a stretch of float nodes.
  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload]
  /// The same with its result cut off at these integers; nil where it cannot do that.
  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)?
  /// Binds it to memory.
  func step(_ memory: PlanMemory) throws -> any Step
}

extension Operation {
  var slots: [FloatSlot] { [] }
  var integerMultiplications: Int { 0 }
  func halo(around value: ValueID) -> Halo { Halo() }
  func workspace(_ layouts: [ImageLayout]) -> Int { 0 }
  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? { nil }
}

/// Where the values of a plan lie.
struct PlanMemory: @unchecked Sendable {
  let values: [PlacedValue]
  /// Of the operation that is bound; it shares the bytes with whoever runs at other times.
  var workspace: UnsafeMutablePointer<UInt8>?
  let kernels: KernelSet

  subscript(id: ValueID) -> PlacedValue { values[id] }
}

/// Work on fixed memory.
protocol Step: Sendable {
  /// The implementation, with its instruction set.
  var kernel: String { get }
  /// Bytes of weights as the step holds them.
  var weightBytes: Int { get }
  func run(_ state: RunState) throws
}

extension Step {
  var weightBytes: Int { 0 }
}

/// What one run of a plan may use beside the arena. One thread, the one that runs the plan, reads
/// and writes it.
final class RunState {
  let pool: WorkerPool
  /// Float and other unquantized values by slot.
  var tensors: [Tensor?]

  init(pool: WorkerPool, slots: Int) {
    self.pool = pool
    tensors = Array(repeating: nil, count: slots)
  }

  /// The tensor that an earlier step left in a slot.
  func tensor(_ slot: FloatSlot) throws -> Tensor {
    guard let tensor = tensors[slot] else { throw IntegerError.output(name: "#\(slot)") }
    return tensor
  }
}

/// A number for each value of a plan that is a tensor.
typealias FloatSlot = Int
