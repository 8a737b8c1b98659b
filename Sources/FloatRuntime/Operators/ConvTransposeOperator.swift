import CFloatKernels
import GraphIR
import Parallelism
import Tensors

/// ConvTranspose: products of the transposed weight with the input's columns, added where each
/// tap lands.
enum ConvTransposeOperator {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("ConvTranspose") { node, _ in
      let transpose = try TransposedConvolution(node)
      return { inputs, run in
        [
          .tensor(
            try transpose.run(
              inputs.floats(0), weight: inputs.floats(1), bias: inputs.optionalFloats(2),
              pool: run.pool))
        ]
      }
    }
  ]
}

private struct TransposedConvolution: Sendable {
  private let label: String
  private let window: WindowAttributes
  private let groups: Int
  private let outputPadding: [Int]?
  private let outputShape: [Int]?

  init(_ node: Node) throws {
    label = node.label
    window = try WindowAttributes(node)
    groups = try node.int("group") ?? 1
    outputPadding = try node.ints("output_padding")
    outputShape = try node.ints("output_shape")
    let bounds = (outputPadding ?? []) + (outputShape ?? [])
    guard groups >= 1, bounds.allSatisfy({ $0 >= 0 && $0 < 1 << 30 }) else {
      throw RuntimeError.attribute(node: label, problem: "an attribute is out of range")
    }
  }

  /// The window that slides over the output and whose positions are the input's.
  private func geometry(input: [Int], kernel: [Int]) throws -> WindowGeometry {
    let rank = input.count
    let strides = try window.axes(window.strides, "strides", count: rank, default: 1)
    let dilations = try window.axes(window.dilations, "dilations", count: rank, default: 1)
    let pads = try window.axes(window.pads, "pads", count: 2 * rank, default: 0)
    let padding = try window.axes(outputPadding, "output_padding", count: rank, default: 0)
    let axes = try (0..<rank).map { axis -> WindowGeometry.Axis in
      let span = (kernel[axis] - 1) * dilations[axis] + 1
      let full = strides[axis] * (input[axis] - 1) + padding[axis] + span
      var begin = pads[axis]
      var end = pads[axis + rank]
      var output = full - begin - end
      let same = window.autoPad == .sameUpper || window.autoPad == .sameLower
      if outputShape != nil || same {
        let wanted = try outputShape.map {
          try window.axes(Array($0.suffix(rank)), "output_shape", count: rank, default: 0)
        }
        output = wanted?[axis] ?? input[axis] * strides[axis]
        let total = max(0, full - output)
        begin = window.autoPad == .sameUpper ? total / 2 : total - total / 2
        end = total - begin
      }
      guard output >= 0 else {
        throw RuntimeError.attribute(node: label, problem: "pads leave no output")
      }
      return WindowGeometry.Axis(
        input: output, output: input[axis], kernel: kernel[axis], stride: strides[axis],
        dilation: dilations[axis], padBegin: begin, padEnd: end)
    }
    return WindowGeometry(rank: rank, axes: axes)
  }

  func run(_ x: Tensor, weight: Tensor, bias: Tensor?, pool: WorkerPool) throws -> Tensor {
    let limit = 1 << 30
    guard (3...5).contains(x.rank), weight.rank == x.rank, x.shape[1] == weight.shape[0],
      x.shape[1] % groups == 0, (x.shape + weight.shape).allSatisfy({ $0 >= 1 && $0 < limit })
    else {
      throw RuntimeError.input(
        node: label,
        problem: "input \(x.shape) does not fit weight \(weight.shape) with \(groups) groups")
    }
    let geometry = try geometry(
      input: Array(x.shape.dropFirst(2)), kernel: Array(weight.shape.dropFirst(2)))
    let perGroup = weight.shape[1]
    let channels = perGroup * groups
    guard bias == nil || bias?.count == channels else {
      throw RuntimeError.input(node: label, problem: "bias does not have \(channels) values")
    }
    let shape = [x.shape[0], channels] + geometry.axes.suffix(geometry.rank).map(\.input)
    guard Tensor.checkedCount(of: shape) != nil,
      Tensor.checkedCount(of: [perGroup, geometry.taps, geometry.outputCount]) != nil
    else { throw RuntimeError.input(node: label, problem: "the output is too large") }
    let inputs = x.shape[1] / groups
    let rows = perGroup * geometry.taps
    let positions = geometry.outputCount
    let offsets = (0..<inputs).map { $0 * positions }
    let scatter = TapScatter(geometry)
    let columns = FloatBuffer(count: rows * positions)
    return x.withElements(of: Float.self) { source in
      weight.withElements(of: Float.self) { weights in
        bias.withFloats { bias in
          Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
            guard let source = source.baseAddress, let weights = weights.baseAddress else { return }
            for group in 0..<groups {
              let packed = PackedMatrix(
                weights + group * inputs * rows, rows: rows, depth: inputs, rowStride: 1,
                depthStride: rows)
              for image in 0..<x.shape[0] {
                multiply(
                  packed, source + (image * groups + group) * inputs * positions, offsets,
                  into: columns.pointer, positions: positions, pool: pool)
                for channel in 0..<perGroup {
                  let plane = (image * groups + group) * perGroup + channel
                  scatter.add(
                    columns.pointer + channel * geometry.taps * positions,
                    bias: bias?[group * perGroup + channel] ?? 0,
                    into: UnsafeMutableBufferPointer(
                      rebasing: out[
                        plane * geometry.inputCount..<(plane + 1) * geometry.inputCount]))
                }
              }
            }
          }
        }
      }
    }
  }

  private func multiply(
    _ packed: PackedMatrix, _ source: UnsafePointer<Float>, _ offsets: [Int],
    into columns: UnsafeMutablePointer<Float>, positions: Int, pool: WorkerPool
  ) {
    offsets.withUnsafeBufferPointer { offsets in
      MatrixProduct(
        kernels: packed.kernels,
        product: fk_product(
          rows: packed.group(0), row_count: packed.rows, depth: packed.depth, bias: nil,
          residual: nil, output: columns, row_stride: positions, column_stride: 1,
          low: -.infinity, high: .infinity),
        columns: fk_columns(
          base: source, depth_offsets: offsets.baseAddress, count: positions, height: 1,
          width: positions, plane_pitch: 0, row_pitch: 0, padded: 0)
      ).run(on: pool)
    }
  }
}

/// Where the taps of a transposed window land.
private struct TapScatter {
  private let geometry: WindowGeometry

  init(_ geometry: WindowGeometry) { self.geometry = geometry }

  /// `columns` holds, for each tap, a value for each position of the window.
  func add(
    _ columns: UnsafePointer<Float>, bias: Float, into plane: UnsafeMutableBufferPointer<Float>
  ) {
    plane.update(repeating: bias)
    let axes = geometry.axes
    func place(_ axis: Int, _ position: Int, _ tap: Int) -> Int? {
      let a = axes[axis]
      let place = position * a.stride - a.padBegin + tap * a.dilation
      return place >= 0 && place < a.input ? place : nil
    }
    var column = columns
    for td in 0..<axes[0].kernel {
      for th in 0..<axes[1].kernel {
        for tw in 0..<axes[2].kernel {
          for d in 0..<axes[0].output {
            for h in 0..<axes[1].output {
              let line = column + (d * axes[1].output + h) * axes[2].output
              guard let z = place(0, d, td), let y = place(1, h, th) else { continue }
              let base = (z * axes[1].input + y) * axes[2].input
              for w in 0..<axes[2].output {
                if let x = place(2, w, tw) { plane[base + x] += line[w] }
              }
            }
          }
          column += geometry.outputCount
        }
      }
    }
  }
}
