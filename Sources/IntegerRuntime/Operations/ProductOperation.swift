import CIntegerKernels
import HardwareProfiles
import Parallelism
import Tensors

/// Convolutions and matrix products with constant weights.
struct ProductOperation: Operation {
  enum Result: Sendable {
    case quantized(ValueID, ResultRange)
    /// A float tensor of this shape.
    case float(FloatSlot, shape: [Int])

    var values: [ValueID] {
      if case .quantized(let value, _) = self { [value] } else { [] }
    }

    /// Of floats 32.
    var bits: Int {
      if case .quantized = self { 8 } else { 32 }
    }

    /// Nil for floats.
    func limited(to integers: ClosedRange<UInt8>) -> Result? {
      guard case .quantized(let value, let range) = self else { return nil }
      return .quantized(value, range.limited(to: integers))
    }
  }

  let name: String
  let source: ValueID
  var result: Result
  /// One for each part of the result's channels.
  let weights: [ProductWeights]
  /// Whether each part reads a part of the source's channels, as the groups of a convolution do.
  let readsGroups: Bool
  /// The window of a convolution; nil for a matrix product, whose rows are the input's places.
  let window: ConvolutionWindow?

  var reads: [ValueID] { [source] }
  var writes: [ValueID] { result.values }

  let integerMultiplications: Int

  func halo(around value: ValueID) -> Halo { window?.halo ?? Halo() }

  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? {
    result.limited(to: integers).map { result in
      var limited = self
      limited.result = result
      return limited
    }
  }

  func step(_ memory: PlanMemory) throws -> any Step {
    try ProductStep(self, memory)
  }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let layout = layouts[source]
    let rows =
      layout.images
      * (window.map { $0.outputRows * $0.outputColumns } ?? layout.height * layout.width)
    // Groups of a convolution are alike; parts that read everything differ in their widths.
    let parts = readsGroups ? Array(weights.prefix(1)) : weights
    let groups = readsGroups ? weights.count : 1
    return parts.map { part in
      KernelWorkload(
        name: name, op: window == nil ? "MatMul" : "Conv", kind: .product, rows: rows,
        depth: part.depth, columns: part.columns, groups: groups, runs: part.runCount,
        weightBits: readsGroups ? weights.map(\.bits).max() ?? 8 : part.bits,
        outputBits: result.bits, inputs: layout.count, outputs: rows * part.columns * groups)
    }
  }
}

/// The window of a convolution over rows and columns.
struct ConvolutionWindow: Sendable, Equatable {
  var kernelRows: Int
  var kernelColumns: Int
  var strideRows: Int
  var strideColumns: Int
  var dilationRows: Int
  var dilationColumns: Int
  var outputRows: Int
  var outputColumns: Int
  var halo: Halo
  /// Padding before the first row and column; the halo is at least as wide.
  var padTop: Int
  var padLeft: Int

  /// Whether the taps of a kernel row lie side by side.
  var hasDenseRows: Bool { dilationColumns == 1 }

  /// How many runs of how many channels' bytes a place of the result reads.
  func runs(channels: Int, isWhole: Bool) -> (count: Int, bytes: Int) {
    hasDenseRows && isWhole
      ? (kernelRows, kernelColumns * channels) : (kernelRows * kernelColumns, channels)
  }

  func runOffsets(_ layout: ImageLayout, isWhole: Bool) -> [Int] {
    (0..<kernelRows).flatMap { row -> [Int] in
      let start = row * dilationRows * layout.rowPitch
      return hasDenseRows && isWhole
        ? [start]
        : (0..<kernelColumns).map { start + $0 * dilationColumns * layout.columnPitch }
    }
  }
}

private final class ProductStep: Step, @unchecked Sendable {
  /// Rows from which on they are split rather than the panels.
  private static let manyRows = 256

  let kernel: String
  let weightBytes: Int
  private let result: ProductOperation.Result
  private let groups: [Group]
  private let target: PlacedValue?
  private let images: Int
  private let rows: Int
  private let work: Int
  private let tileRows: Int
  private let kernels: KernelSet

  private struct Group {
    let packed: PackedWeights
    let runs: AlignedBuffer<Int>
    /// Of the result.
    let firstColumn: Int
    var products: [ik_product]
  }

  init(_ operation: ProductOperation, _ memory: PlanMemory) throws {
    let source = memory[operation.source]
    let layout = source.layout
    kernels = memory.kernels
    result = operation.result
    tileRows = memory.kernels.tileRows
    let width: Int
    if let window = operation.window {
      images = layout.images
      rows = window.outputRows * window.outputColumns
      width = window.outputColumns
    } else {
      images = 1
      rows = layout.images * layout.height * layout.width
      width = max(rows, 1)
    }
    var range = ResultRange(source.parameters)
    var target: PlacedValue?
    if case .quantized(let value, let own) = operation.result {
      target = memory[value]
      range = own
    }
    self.target = target
    let columns = operation.weights.reduce(0) { $0 + $1.columns }
    let (images, isFloat) = (self.images, target == nil)
    let isWhole = !operation.readsGroups
    var groups: [Group] = []
    var firstColumn = 0
    for (index, weights) in operation.weights.enumerated() {
      defer { firstColumn += weights.columns }
      let packed = weights.packed(memory.kernels)
      let offsets = operation.window?.runOffsets(layout, isWhole: isWhole) ?? [0]
      // Weights of more than 8 bits come as parts that read the same runs.
      let parts = weights.runCount / max(offsets.count, 1)
      let runs = AlignedBuffer((0..<max(parts, 1)).flatMap { _ in offsets })
      let firstChannel = isWhole ? 0 : layout.channels / operation.weights.count * index
      let products = (0..<images).map { image -> ik_product in
        var base = UnsafePointer(source.image(image)) + firstChannel
        var pitches = (0, layout.columnPitch)
        if let window = operation.window {
          base -= window.padTop * layout.rowPitch + window.padLeft * layout.columnPitch
          pitches = (
            window.strideRows * layout.rowPitch, window.strideColumns * layout.columnPitch
          )
        }
        let places: ik_places
        if let target {
          places = ik_places(
            base: target.image(image) + firstColumn,
            row_pitch: target.layout.rowPitch, column_pitch: target.layout.columnPitch)
        } else {
          places = ik_places(base: nil, row_pitch: 0, column_pitch: columns)
        }
        return packed.product(
          rows: ik_rows(
            base: base, runs: runs.pointer, run_count: weights.runCount,
            run_bytes: weights.runBytes, width: width, row_pitch: pitches.0,
            column_pitch: pitches.1), places: places, isFloat: isFloat, range: range)
      }
      groups.append(
        Group(packed: packed, runs: runs, firstColumn: firstColumn, products: products))
    }
    self.groups = groups
    work = operation.integerMultiplications
    let widths = Set(groups.map(\.packed.kernelName)).sorted().joined(separator: ",")
    kernel = "product \(widths) \(memory.kernels.name)"
    weightBytes = groups.reduce(0) { $0 + $1.packed.byteCount }
  }

  func run(_ state: RunState) throws {
    switch result {
    case .quantized:
      target?.fillHalo()
      multiply(into: nil, pool: state.pool)
    case .float(let slot, let shape):
      state.tensors[slot] = Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
        multiply(into: out.baseAddress, pool: state.pool)
      }
    }
  }

  private func multiply(into floats: UnsafeMutablePointer<Float>?, pool: WorkerPool) {
    guard rows > 0, let panels = groups.map(\.packed.panels).max() else { return }
    let outer = images * groups.count
    let tiles = (rows + tileRows - 1) / tileRows
    // Few rows share all weights: split those, so that every thread reads its own, but for a few
    // panels that threads could not share evenly.
    let byPanels =
      rows < ProductStep.manyRows && panels > 1
      && TaskCount.unevenness(panels, pool: pool) <= 1.1 * TaskCount.unevenness(tiles, pool: pool)
    let parts = TaskCount.tasks(work: work / outer, most: byPanels ? panels : tiles, pool: pool)
    nonisolated(unsafe) let floats = floats
    pool.forEach(outer * parts) { [self] task in
      let part = task % parts
      let image = task / parts % images
      let group = groups[task / parts / images]
      var product = group.products[image]
      if let floats { product.places.base = UnsafeMutableRawPointer(floats + group.firstColumn) }
      let panels = group.packed.panels
      if byPanels {
        kernels.table.pointee.product(
          &product, 0, rows, panels * part / parts, panels * (part + 1) / parts)
      } else {
        kernels.table.pointee.product(
          &product, tiles * part / parts * tileRows,
          min(tiles * (part + 1) / parts * tileRows, rows), 0, panels)
      }
    }
  }
}
