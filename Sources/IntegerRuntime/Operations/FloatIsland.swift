import FloatRuntime
import GraphIR
import HardwareProfiles
import Tensors

/// Nodes without an integer kernel, run by the float engine between the integer layers.
struct FloatIsland: Operation {
  let name: String
  /// Values that go in and come out, in the order of the engine's model.
  let inputs: [(name: String, slot: FloatSlot)]
  let outputs: [(name: String, slot: FloatSlot)]
  let operators: [String]
  let engine: FloatEngine
  let workloads: [KernelWorkload]

  var reads: [ValueID] { [] }
  var writes: [ValueID] { [] }
  var slots: [FloatSlot] { inputs.map(\.slot) }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] { workloads }

  func step(_ memory: PlanMemory) throws -> any Step { FloatIslandStep(self) }
}

private final class FloatIslandStep: Step {
  let kernel: String
  private let island: FloatIsland

  init(_ island: FloatIsland) {
    self.island = island
    let names = island.operators
    kernel = "float " + names.prefix(3).joined(separator: "+") + (names.count > 3 ? "+..." : "")
  }

  func run(_ state: RunState) throws {
    let results = try island.engine.run(
      ordered: island.inputs.map { .tensor(try state.tensor($0.slot)) })
    for (output, result) in zip(island.outputs, results) {
      guard case .tensor(let tensor) = result else {
        throw IntegerError.output(name: output.name)
      }
      state.tensors[output.slot] = tensor
    }
  }
}
