import CIntegerKernels
import HardwareProfiles

/// The sum or product of two values of one shape.
struct CombineOperation: Operation {
  enum Kind: String, Sendable {
    case add, multiply
  }

  let name: String
  let kind: Kind
  let left: ValueID
  let right: ValueID
  let target: ValueID
  var range: ResultRange

  var reads: [ValueID] { [left, right] }
  var writes: [ValueID] { [target] }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let count = layouts[target].count
    return [
      KernelWorkload(
        name: name, op: kind == .add ? "Add" : "Mul", kind: .binary, inputs: 2 * count,
        outputs: count)
    ]
  }

  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? {
    var result = self
    result.range = range.limited(to: integers)
    return result
  }

  func step(_ memory: PlanMemory) throws -> any Step { CombineStep(self, memory) }
}

private final class CombineStep: Step, @unchecked Sendable {
  let kernel: String
  private let left: PlacedValue
  private let right: PlacedValue
  private let target: PlacedValue
  private let job: ik_sum
  private let function:
    @convention(c) (
      UnsafePointer<ik_sum>?, UnsafePointer<UInt8>?, UnsafePointer<UInt8>?, Int,
      UnsafeMutablePointer<UInt8>?
    ) -> Void

  init(_ operation: CombineOperation, _ memory: PlanMemory) {
    left = memory[operation.left]
    right = memory[operation.right]
    target = memory[operation.target]
    let table = memory.kernels.table.pointee
    function = operation.kind == .add ? table.add : table.multiply
    job = ik_sum(
      a: left.parameters.affine, b: right.parameters.affine, result: target.parameters.affine,
      low: operation.range.low, high: operation.range.high)
    kernel = "\(operation.kind.rawValue) u8 \(memory.kernels.name)"
  }

  func run(_ state: RunState) throws {
    target.fillHalo()
    target.layout.forEachRowInParallel(state.pool) { [self] image, row in
      var job = job
      function(
        &job, left.row(image, row), right.row(image, row), target.layout.rowBytes,
        target.row(image, row))
    }
  }
}

/// A function of one value, as a table.
struct LookupOperation: Operation {
  let name: String
  let source: ValueID
  let target: ValueID
  /// The result for each of the 256 integers.
  var table: [UInt8]

  var reads: [ValueID] { [source] }
  var writes: [ValueID] { [target] }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let count = layouts[target].count
    return [KernelWorkload(name: name, op: "", kind: .unary, inputs: count, outputs: count)]
  }

  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? {
    var result = self
    result.table = table.map { $0.clamped(to: integers) }
    return result
  }

  func step(_ memory: PlanMemory) throws -> any Step { LookupStep(self, memory) }
}

private final class LookupStep: Step, @unchecked Sendable {
  let kernel: String
  private let source: PlacedValue
  private let target: PlacedValue
  private let table: AlignedBuffer<UInt8>
  private let kernels: KernelSet

  init(_ operation: LookupOperation, _ memory: PlanMemory) {
    source = memory[operation.source]
    target = memory[operation.target]
    table = AlignedBuffer(operation.table)
    kernels = memory.kernels
    kernel = "lookup u8 \(memory.kernels.name)"
  }

  func run(_ state: RunState) throws {
    target.fillHalo()
    target.layout.forEachRowInParallel(state.pool) { [self] image, row in
      kernels.table.pointee.lookup(
        table.pointer, source.row(image, row), target.layout.rowBytes, target.row(image, row))
    }
  }
}
