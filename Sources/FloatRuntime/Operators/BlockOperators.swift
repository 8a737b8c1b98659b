import GraphIR
import Tensors

/// Operators that move blocks of a tensor: DepthToSpace, SpaceToDepth, ReverseSequence, Col2Im.
enum BlockOperators {
  static let definitions: [OperatorDefinition] = [
    depthToSpace, spaceToDepth, reverseSequence, columnsToImage,
  ]

  private enum DepthMode: String, CaseIterable { case depthFirst = "DCR", columnFirst = "CRD" }

  private static func blockSize(_ node: Node) throws -> Int {
    guard let size = try node.int("blocksize"), size > 0, size < 1 << 20 else {
      throw node.failure("attribute 'blocksize' must be a positive number")
    }
    return size
  }

  private static let depthToSpace = OperatorDefinition.tensors("DepthToSpace") { node in
    let block = try blockSize(node)
    let mode = try node.choice("mode", default: DepthMode.depthFirst)
    return { inputs, context in
      let x = try inputs.tensor(0)
      guard x.rank == 4, x.shape[1] % (block * block) == 0 else {
        throw inputs.failure("blocks of \(block) do not fit shape \(x.shape)")
      }
      let (n, c, h, w) = (x.shape[0], x.shape[1] / (block * block), x.shape[2], x.shape[3])
      return [
        try inputs.moving(x) {
          let moved =
            mode == .depthFirst
            ? try ShapeOperators.transposed(
              $0.reshaped(to: [n, block, block, c, h, w]), [0, 3, 4, 1, 5, 2], inputs, context)
            : try ShapeOperators.transposed(
              $0.reshaped(to: [n, c, block, block, h, w]), [0, 1, 4, 2, 5, 3], inputs, context)
          return moved.reshaped(to: [n, c, h * block, w * block])
        }
      ]
    }
  }

  private static let spaceToDepth = OperatorDefinition.tensors("SpaceToDepth") { node in
    let block = try blockSize(node)
    return { inputs, context in
      let x = try inputs.tensor(0)
      guard x.rank == 4, x.shape[2] % block == 0, x.shape[3] % block == 0 else {
        throw inputs.failure("blocks of \(block) do not fit shape \(x.shape)")
      }
      let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2] / block, x.shape[3] / block)
      return [
        try inputs.moving(x) {
          try ShapeOperators.transposed(
            $0.reshaped(to: [n, c, h, block, w, block]), [0, 3, 5, 1, 2, 4], inputs, context
          ).reshaped(to: [n, c * block * block, h, w])
        }
      ]
    }
  }

  private static let reverseSequence = OperatorDefinition.tensors("ReverseSequence") { node in
    let (batchAxis, timeAxis) = (try node.int("batch_axis") ?? 1, try node.int("time_axis") ?? 0)
    guard batchAxis != timeAxis, [0, 1].contains(batchAxis), [0, 1].contains(timeAxis) else {
      throw node.failure("'batch_axis' and 'time_axis' must be 0 and 1")
    }
    return { inputs, _ in
      let x = try inputs.tensor(0)
      guard x.rank >= 2, let lengths = try inputs.integers(1),
        lengths.count == x.shape[batchAxis],
        lengths.allSatisfy({ $0 >= 0 && $0 <= x.shape[timeAxis] })
      else { throw inputs.failure("the sequence lengths do not fit shape \(x.shape)") }
      let (rows, columns) = (x.shape[0], x.shape[1])
      var order: [Int] = []
      for row in 0..<rows {
        for column in 0..<columns {
          let length = lengths[batchAxis == 0 ? row : column]
          let time = timeAxis == 0 ? row : column
          let source = time < length ? length - 1 - time : time
          order.append(timeAxis == 0 ? source * columns + column : row * columns + source)
        }
      }
      return [
        try inputs.moving(x) {
          try inputs.taken(
            $0.reshaped(to: [rows * columns] + Array(x.shape[2...])), order, axis: 0,
            shape: x.shape)
        }
      ]
    }
  }

  private static let columnsToImage = OperatorDefinition.tensors("Col2Im") { node in
    let dilations = try node.ints("dilations")
    let pads = try node.ints("pads")
    let strides = try node.ints("strides")
    return { inputs, _ in
      let x = try inputs.tensor(0)
      guard let image = try inputs.integers(1), let block = try inputs.integers(2) else {
        throw inputs.failure("needs an image shape and a block shape")
      }
      let rank = image.count
      let dilation = dilations ?? image.map { _ in 1 }
      let stride = strides ?? image.map { _ in 1 }
      let pad = pads ?? (image + image).map { _ in 0 }
      let limit = 1 << 31
      guard x.rank == 3, rank > 0, block.count == rank, dilation.count == rank,
        stride.count == rank, pad.count == 2 * rank,
        (image + block + dilation + stride).allSatisfy({ $0 > 0 && $0 < limit }),
        pad.allSatisfy({ $0 >= 0 && $0 < limit })
      else { throw inputs.failure("image \(image) and block \(block) do not fit \(x.shape)") }
      let steps = image.indices.map { axis in
        (image[axis] + pad[axis] + pad[axis + rank] - dilation[axis] * (block[axis] - 1) - 1)
          / stride[axis] + 1
      }
      guard let cells = Tensor.checkedCount(of: block), cells > 0, x.shape[1] % cells == 0,
        Tensor.checkedCount(of: steps) == x.shape[2]
      else { throw inputs.failure("image \(image) and block \(block) do not fit \(x.shape)") }
      let shape = [x.shape[0], x.shape[1] / cells] + image
      try inputs.checkedCount(shape, .float64)
      // Where each column value lands in an image; nil in the padding.
      var targets: [Int?] = []
      let imageSteps = Tensor.steps(of: image)
      let walk = StridedWalk(
        extents: block + steps,
        steps: image.indices.map { axis in
          image.indices.map { $0 == axis ? dilation[axis] : 0 }
            + image.indices.map { $0 == axis ? stride[axis] : 0 }
        })
      walk.forEach { offsets in
        var target: Int? = 0
        for axis in image.indices {
          let position = offsets[axis] - pad[axis]
          guard position >= 0, position < image[axis] else {
            target = nil
            break
          }
          target = target.map { $0 + position * imageSteps[axis] }
        }
        targets.append(target)
      }
      let wide = try inputs.widened(x)
      let area = Tensor.count(of: image)
      func accumulate<T: ComputeElement>(_ type: T.Type) -> Tensor {
        var sums = Array(repeating: T.zero, count: Tensor.count(of: shape))
        wide.withElements(of: T.self) { source in
          for plane in 0..<shape[0] * shape[1] {
            for (index, target) in targets.enumerated() {
              guard let target else { continue }
              let value = source[plane * targets.count + index]
              sums[plane * area + target] = .plus(sums[plane * area + target], value)
            }
          }
        }
        return Tensor(sums, shape: shape)
      }
      let result =
        switch wide.elementType {
        case .float32: accumulate(Float.self)
        case .float64: accumulate(Double.self)
        case .uint64: accumulate(UInt64.self)
        default: accumulate(Int64.self)
        }
      return [result.narrowed(to: x.elementType)]
    }
  }
}
