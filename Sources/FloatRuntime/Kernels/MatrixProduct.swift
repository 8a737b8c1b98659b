import CFloatKernels
import Parallelism

/// One product of packed rows and addressed columns, cut into tasks that do not depend on the
/// number of threads.
struct MatrixProduct: @unchecked Sendable {
  /// Multiply-adds that are worth a task of their own.
  private static let workPerTask = 500_000
  private static let mostTasks = 32
  /// Tasks up to which rows are split.
  private static let tasksByRows = 8

  let kernels: KernelSet
  var product: fk_product
  var columns: fk_columns
  private let panelTasks: Int
  private let rowTasks: Int
  private let panels: Int

  init(kernels: KernelSet, product: fk_product, columns: fk_columns) {
    self.kernels = kernels
    self.product = product
    self.columns = columns
    panels = fk_panel_count(kernels.table, columns.count)
    let work = product.row_count * product.depth * max(columns.count, 1)
    let wanted = max(1, min(MatrixProduct.mostTasks, work / MatrixProduct.workPerTask))
    panelTasks = max(1, min(panels, wanted))
    let blocks = (product.row_count + kernels.rows - 1) / kernels.rows
    // Every task packs its panels anew: rows are split only where there are few panels, and into
    // parts that outweigh the packing, which costs more where lines are short.
    let blocksPerTask = columns.height == 1 ? 4 : 16
    let rowSplits = min((MatrixProduct.tasksByRows + panelTasks - 1) / panelTasks, wanted)
    rowTasks = max(1, min(rowSplits, blocks / blocksPerTask))
  }

  var taskCount: Int { panelTasks * rowTasks }

  func run(task: Int) {
    let panelTask = task % panelTasks
    let rowTask = task / panelTasks
    let blocks = (product.row_count + kernels.rows - 1) / kernels.rows
    let firstRow = blocks * rowTask / rowTasks * kernels.rows
    let lastRow = min(blocks * (rowTask + 1) / rowTasks * kernels.rows, product.row_count)
    withUnsafePointer(to: product) { product in
      withUnsafePointer(to: columns) { columns in
        kernels.table.pointee.product(
          product, columns, panels * panelTask / panelTasks, panels * (panelTask + 1) / panelTasks,
          firstRow, lastRow)
      }
    }
  }

  func run(on pool: WorkerPool) {
    pool.forEach(taskCount) { run(task: $0) }
  }
}
