import CIntegerKernels
import Foundation

/// The kernels of one instruction set. The C table is constant for the life of the process.
struct KernelSet: @unchecked Sendable {
  let table: UnsafePointer<ik_kernels>

  /// The fastest set of this machine, or the one that `TAPQ_ISA` names where it runs here.
  static let best: KernelSet = {
    let wanted = ProcessInfo.processInfo.environment["TAPQ_ISA"]
    return wanted.flatMap(KernelSet.init(named:)) ?? KernelSet(table: ik_best_kernels())
  }()

  init(table: UnsafePointer<ik_kernels>) { self.table = table }

  /// Nil where this machine lacks the instruction set.
  init?(named name: String) {
    guard let table = ik_kernels_named(name) else { return nil }
    self.table = table
  }

  var name: String { String(cString: table.pointee.name) }
  var panel: Int { table.pointee.panel }
  var tileRows: Int { table.pointee.rows }

  func panels(of columns: Int) -> Int { (columns + panel - 1) / panel }
}

/// Bytes that kernels may read past the end of a source.
let kernelSlack = Int(IK_SLACK)
