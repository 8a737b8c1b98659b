import CFloatKernels

/// The kernels of one instruction set. The C table is constant for the life of the process.
struct KernelSet: @unchecked Sendable {
  let table: UnsafePointer<fk_kernels>

  static let best = KernelSet(table: fk_best_kernels())

  init(table: UnsafePointer<fk_kernels>) { self.table = table }

  /// Nil where this machine lacks the instruction set.
  init?(named name: String) {
    guard let table = fk_kernels_named(name) else { return nil }
    self.table = table
  }

  var name: String { String(cString: table.pointee.name) }
  var rows: Int { table.pointee.rows }
}

/// Floats that kernels may read past the end of padded buffers.
let kernelSlack = Int(FK_SLACK)
