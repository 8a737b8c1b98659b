import CIntegerKernels
import HardwareProfiles

/// Elements of other values, and fill, in new places: slices, transpositions, padding, concatenation.
struct MovementOperation: Operation {
  struct Part: Sendable {
    var source: ValueID
    /// For each element of the result, row-major, the element of the source; `fill` or `other`.
    var elements: [Int32]
  }

  /// An element that holds the zero point.
  static let fill: Int32 = -1
  /// An element that another part writes.
  static let other: Int32 = -2

  let name: String
  let target: ValueID
  let parts: [Part]
  /// What the parts are cut off at.
  var limits: ClosedRange<UInt8> = 0...255

  /// The value as it is, in whatever form its reader wants.
  static func copy(_ name: String, _ source: ValueID, to target: ValueID, count: Int) -> Self {
    MovementOperation(
      name: name, target: target,
      parts: [Part(source: source, elements: (0..<count).map { Int32(truncatingIfNeeded: $0) })])
  }

  var reads: [ValueID] { parts.map(\.source) }
  var writes: [ValueID] { [target] }

  /// Whether source and result are the same bytes.
  func isIdentity(_ layouts: [ImageLayout]) -> Bool {
    guard parts.count == 1, limits == 0...255, layouts[target].isDense,
      layouts[parts[0].source].isDense
    else {
      return false
    }
    let runs = runs(of: parts[0], layouts[parts[0].source], layouts[target])
    return runs.count == 1 && runs[0].source == 0 && runs[0].target == 0
      && runs[0].count == layouts[parts[0].source].byteCount
  }

  /// The moves in the order of the target's memory.
  fileprivate func runs(
    of part: Part, _ source: ImageLayout, _ target: ImageLayout
  ) -> [ik_run] {
    var runs: [ik_run] = []
    target.forEachRow { image, row, start in
      for x in 0..<target.width {
        for c in 0..<target.channels {
          let index =
            target.isPlanar
            ? ((image * target.channels + c) * target.height + row) * target.width + x
            : x * target.channels + c
          let element = part.elements[index]
          guard element != MovementOperation.other else { continue }
          let place = start + x * target.channels + c
          let from =
            element == MovementOperation.fill ? -1 : source.offset(ofElement: Int(element))
          if let last = runs.last, last.target + last.count == place,
            from < 0 ? last.source < 0 : last.source >= 0 && last.source + last.count == from
          {
            runs[runs.count - 1].count += 1
          } else {
            runs.append(ik_run(source: from, target: place, count: 1))
          }
        }
      }
    }
    return runs
  }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let target = layouts[target]
    let runs = parts.reduce(0) { $0 + self.runs(of: $1, layouts[$1.source], target).count }
    return [
      KernelWorkload(
        name: name, op: "", kind: .movement, runs: runs,
        inputs: parts.reduce(0) { $0 + layouts[$1.source].count }, outputs: target.count)
    ]
  }

  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? {
    var result = self
    result.limits = limits.clamped(to: integers)
    return result
  }

  func step(_ memory: PlanMemory) throws -> any Step { MovementStep(self, memory) }
}

private final class MovementStep: Step, @unchecked Sendable {
  let kernel = "move u8"
  private let parts: [(source: PlacedValue, runs: AlignedBuffer<ik_run>)]
  private let target: PlacedValue
  private let limits: ClosedRange<UInt8>

  init(_ operation: MovementOperation, _ memory: PlanMemory) {
    let target = memory[operation.target]
    self.target = target
    limits = operation.limits
    parts = operation.parts.map { part in
      let source = memory[part.source]
      return (source, AlignedBuffer(operation.runs(of: part, source.layout, target.layout)))
    }
  }

  func run(_ state: RunState) throws {
    target.fillHalo()
    for part in parts {
      ik_copy_runs(
        part.runs.pointer, part.runs.count, part.source.base, target.parameters.zero, target.base)
    }
    guard limits != 0...255 else { return }
    target.layout.forEachRow { _, _, offset in
      UnsafeMutableBufferPointer(start: target.base + offset, count: target.layout.rowBytes)
        .limit(to: limits)
    }
  }
}
