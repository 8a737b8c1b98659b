import HardwareProfiles
import Tensors

/// Gives every quantized value its form and its place in the arena.
struct MemoryAssignment {
  private let compiler: PlanCompiler
  private var layouts: [ImageLayout] = []

  init(_ compiler: PlanCompiler) {
    self.compiler = compiler
    let planar = MemoryAssignment.planarValues(compiler)
    layouts = compiler.values.indices.map { id in
      ImageLayout(shape: compiler.values[id].shape, isPlanar: planar.contains(id))
    }
    for operation in compiler.operations {
      for value in operation.reads where layouts[value].isPlanar {
        layouts[value].halo = layouts[value].halo.union(operation.halo(around: value))
      }
    }
  }

  /// Images, and what is combined with them element by element.
  private static func planarValues(_ compiler: PlanCompiler) -> Set<ValueID> {
    var planar = compiler.planar
    while true {
      let before = planar.count
      for operation in compiler.operations
      where operation is CombineOperation || operation is LookupOperation {
        let values = operation.reads + operation.writes
        if values.contains(where: planar.contains) { planar.formUnion(values) }
      }
      if planar.count == before { return planar }
    }
  }

  /// Where everything lies, before any of it exists.
  private struct Placement {
    /// Without the copies that change nothing.
    var operations: [any Operation]
    /// By value, in bytes.
    var offsets: [Int]
    /// By operation; nil for those without a workspace.
    var workspaces: [Int?]
    var plan: ArenaPlanner.Plan

    var peakStep: String? {
      operations.indices.contains(plan.peak) ? operations[plan.peak].name : nil
    }
  }

  /// What the plan takes, without memory or packed weights.
  func footprint() throws -> IntegerFootprint {
    let placement = try placement()
    return IntegerFootprint(
      steps: placement.operations.map {
        .init(name: $0.name, workloads: workloads(of: $0))
      }, arenaBytes: placement.plan.bytes, arenaLowerBound: placement.plan.lowerBound,
      peakStep: placement.peakStep)
  }

  /// The work of an operation; of layers with the true width of what they read.
  private func workloads(of operation: any Operation) -> [KernelWorkload] {
    guard let bits = operation.reads.map({ compiler.values[$0].bits }).max() else {
      return operation.workloads(layouts)
    }
    return operation.workloads(layouts).map { work in
      var work = work
      if work.weightBits > 0, work.activationBits == 8 { work.activationBits = bits }
      return work
    }
  }

  func plan(
    inputs: [(name: String, slot: FloatSlot)], outputs: [(name: String, slot: FloatSlot)],
    slots: Int
  ) throws -> CompiledPlan {
    let placement = try placement()
    let arena = Arena(byteCount: placement.plan.bytes)
    var memory = PlanMemory(
      values: compiler.values.indices.map { id in
        PlacedValue(
          layout: layouts[id], parameters: compiler.values[id].parameters,
          base: arena.pointer(at: placement.offsets[id]), fill: compiler.values[id].fill)
      }, kernels: compiler.kernels)
    let spent = spentSlots(placement.operations, kept: Set(outputs.map(\.slot)))
    return CompiledPlan(
      steps: try placement.operations.enumerated().map { index, operation in
        memory.workspace = placement.workspaces[index].map(arena.pointer)
        return .init(
          name: operation.name, step: try operation.step(memory),
          workloads: workloads(of: operation), spent: spent[index])
      }, arena: arena, lowerBound: placement.plan.lowerBound, peakStep: placement.peakStep,
      inputs: inputs, outputs: outputs, slots: slots,
      integerMultiplications: placement.operations.reduce(0) { $0 + $1.integerMultiplications })
  }

  /// For each operation the tensors that it is the last to read.
  private func spentSlots(
    _ operations: [any Operation], kept: Set<FloatSlot>
  ) -> [[FloatSlot]] {
    var seen = kept
    return operations.reversed().map { operation in
      Set(operation.slots).filter { seen.insert($0).inserted }
    }.reversed()
  }

  private func placement() throws -> Placement {
    // Copies that change nothing share the memory of what they copy.
    var roots = Array(compiler.values.indices)
    var kept: [any Operation] = []
    for operation in compiler.operations {
      if let move = operation as? MovementOperation, move.isIdentity(layouts) {
        roots[move.target] = roots[move.parts[0].source]
      } else {
        kept.append(operation)
      }
    }
    var lives = lives(of: kept, roots: roots)
    reuseOperands(of: kept, roots: &roots, lives: &lives)
    let owned = compiler.values.indices.filter { roots[$0] == $0 && lives[$0] != nil }
    let working = kept.indices.filter { kept[$0].workspace(layouts) > 0 }
    let blocks =
      owned.map {
        ArenaPlanner.Block(
          bytes: layouts[$0].byteCount + kernelSlack, life: lives[$0] ?? 0...0)
      }
      + working.map {
        ArenaPlanner.Block(bytes: kept[$0].workspace(layouts) + kernelSlack, life: $0...$0)
      }
    guard blocks.allSatisfy({ $0.bytes < 1 << 40 }) else {
      throw IntegerError.memory(bytes: blocks.map(\.bytes).max() ?? 0)
    }
    let plan = ArenaPlanner.plan(blocks)
    var offsets = Array(repeating: 0, count: roots.count)
    for (id, offset) in zip(owned, plan.offsets) { offsets[id] = offset }
    var workspaces = [Int?](repeating: nil, count: kept.count)
    for (step, offset) in zip(working, plan.offsets.dropFirst(owned.count)) {
      workspaces[step] = offset
    }
    return Placement(
      operations: kept, offsets: roots.map { offsets[$0] }, workspaces: workspaces, plan: plan)
  }

  /// Lets element-by-element operations write over an operand that nobody reads after them.
  private func reuseOperands(
    of operations: [any Operation], roots: inout [ValueID], lives: inout [ClosedRange<Int>?]
  ) {
    for (step, operation) in operations.enumerated()
    where operation is CombineOperation || operation is LookupOperation {
      let target = operation.writes[0]
      let spent = operation.reads.first {
        lives[roots[$0]]?.upperBound == step && layouts[$0] == layouts[target]
      }
      guard let spent, roots[target] == target, let life = lives[target],
        let before = lives[roots[spent]]
      else { continue }
      let root = roots[spent]
      for id in roots.indices where roots[id] == target { roots[id] = root }
      lives[root] = before.lowerBound...life.upperBound
      lives[target] = nil
    }
  }

  private func lives(of operations: [any Operation], roots: [ValueID]) -> [ClosedRange<Int>?] {
    var lives = [ClosedRange<Int>?](repeating: nil, count: roots.count)
    for (step, operation) in operations.enumerated() {
      for value in operation.reads + operation.writes {
        let root = roots[value]
        lives[root] = (lives[root]?.lowerBound ?? step)...step
      }
    }
    return lives
  }
}
