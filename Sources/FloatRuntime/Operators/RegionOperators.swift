import GraphIR
import Tensors

/// Operators of object detectors: NonMaxSuppression and RoiAlign.
enum RegionOperators {
  static let definitions: [OperatorDefinition] = [nonMaxSuppression, roiAlign]

  private struct Box {
    let (left, top, right, bottom): (Float, Float, Float, Float)

    init(_ values: ArraySlice<Float>, centered: Bool) {
      let v = Array(values)
      if centered {
        (left, right) = (v[0] - v[2] / 2, v[0] + v[2] / 2)
        (top, bottom) = (v[1] - v[3] / 2, v[1] + v[3] / 2)
      } else {
        (left, right) = (min(v[1], v[3]), max(v[1], v[3]))
        (top, bottom) = (min(v[0], v[2]), max(v[0], v[2]))
      }
    }

    var area: Float { (right - left) * (bottom - top) }

    func overlaps(_ other: Box, over threshold: Float) -> Bool {
      let width = min(right, other.right) - max(left, other.left)
      let height = min(bottom, other.bottom) - max(top, other.top)
      guard width > 0, height > 0, area > 0, other.area > 0 else { return false }
      let shared = width * height
      return shared / (area + other.area - shared) > threshold
    }
  }

  private static let nonMaxSuppression = OperatorDefinition.tensors("NonMaxSuppression") { node in
    let centered = try node.flag("center_point_box", default: false)
    return { inputs, _ in
      let (boxes, scores) = (try inputs.tensor(0), try inputs.tensor(1))
      guard boxes.rank == 3, scores.rank == 3, boxes.shape[2] == 4,
        boxes.shape[0] == scores.shape[0], boxes.shape[1] == scores.shape[2]
      else { throw inputs.failure("boxes \(boxes.shape) do not fit scores \(scores.shape)") }
      let limit = try inputs.integer(2) ?? 0
      let overlap = Float(try inputs.number(3) ?? 0)
      let threshold = try inputs.number(4).map { Float($0) }
      let places = try inputs.converted(boxes, to: .float32).elements(of: Float.self)
      let values = try inputs.converted(scores, to: .float32).elements(of: Float.self)
      let (classes, count) = (scores.shape[1], scores.shape[2])
      var selected: [Int64] = []
      for batch in 0..<boxes.shape[0] {
        let candidates = (0..<count).map { index in
          let first = (batch * count + index) * 4
          return Box(places[first..<first + 4], centered: centered)
        }
        for kind in 0..<classes {
          let base = (batch * classes + kind) * count
          let order = (0..<count)
            .filter { index in threshold.map { values[base + index] > $0 } ?? true }
            .sorted { a, b in
              values[base + a] == values[base + b] ? a < b : values[base + a] > values[base + b]
            }
          var kept: [Int] = []
          for index in order {
            if kept.count >= limit { break }
            if kept.contains(where: { candidates[index].overlaps(candidates[$0], over: overlap) }) {
              continue
            }
            kept.append(index)
            selected += [Int64(batch), Int64(kind), Int64(index)]
          }
        }
      }
      return [Tensor(selected, shape: [selected.count / 3, 3])]
    }
  }

  private enum RoiMode: String, CaseIterable { case avg, max }
  private enum RoiCoordinates: String, CaseIterable {
    case halfPixel = "half_pixel"
    case halfPixelOutput = "output_half_pixel"
  }

  /// A bilinear sample: four positions in a plane and their weights.
  private struct Sample {
    var positions = (0, 0, 0, 0)
    var weights: (Float, Float, Float, Float) = (0, 0, 0, 0)

    /// Weights are zero where the point is more than one pixel outside.
    init(y: Float, x: Float, height: Int, width: Int) {
      guard y >= -1, y <= Float(height), x >= -1, x <= Float(width) else { return }
      func corners(_ value: Float, _ size: Int) -> (Int, Int, Float) {
        let inside = min(max(value, 0), Float(size - 1))
        let low = Int(inside)
        return (low, min(low + 1, size - 1), inside - Float(low))
      }
      let (top, bottom, v) = corners(y, height)
      let (left, right, u) = corners(x, width)
      positions = (
        top * width + left, top * width + right, bottom * width + left, bottom * width + right
      )
      weights = ((1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u)
    }
  }

  private static let roiAlign = OperatorDefinition.tensors("RoiAlign") { node in
    let mode = try node.choice("mode", default: RoiMode.avg)
    let coordinates = try node.choice(
      "coordinate_transformation_mode", default: RoiCoordinates.halfPixel)
    let (rows, columns) = (
      try node.int("output_height") ?? 1, try node.int("output_width") ?? 1
    )
    let ratio = try node.int("sampling_ratio") ?? 0
    let scale = try node.float("spatial_scale") ?? 1
    guard rows > 0, columns > 0, ratio >= 0, ratio < 1 << 12 else {
      throw node.failure("output size or sampling ratio is out of range")
    }
    return { inputs, context in
      let (x, rois) = (try inputs.tensor(0), try inputs.tensor(1))
      guard x.rank == 4, rois.rank == 2, rois.shape[1] == 4, x.shape[2] > 0, x.shape[3] > 0
      else { throw inputs.failure("regions \(rois.shape) do not fit input \(x.shape)") }
      let batches = try inputs.indices(2, size: x.shape[0])
      guard batches.count == rois.shape[0] else {
        throw inputs.failure("\(batches.count) batch indices for \(rois.shape[0]) regions")
      }
      let (channels, height, width) = (x.shape[1], x.shape[2], x.shape[3])
      let shape = [batches.count, channels, rows, columns]
      let count = try inputs.checkedCount(shape, .float32)
      let data = try inputs.converted(inputs.widenedFloat(x), to: .float32)
        .elements(of: Float.self)
      let corners = try inputs.converted(rois, to: .float32).elements(of: Float.self)
      let half = coordinates == .halfPixel
      var result = Array(repeating: Float(0), count: count)
      for (region, batch) in batches.enumerated() {
        let edges = corners[region * 4..<region * 4 + 4].map { $0 * scale - (half ? 0.5 : 0) }
        guard edges.allSatisfy({ $0.magnitude < 0x1p20 }) else {
          throw inputs.failure("region \(region) is not finite or too large")
        }
        var (wide, tall) = (edges[2] - edges[0], edges[3] - edges[1])
        if !half { (wide, tall) = (max(wide, 1), max(tall, 1)) }
        let (binHeight, binWidth) = (tall / Float(rows), wide / Float(columns))
        let gridHeight = ratio > 0 ? ratio : max(0, Int(binHeight.rounded(.up)))
        let gridWidth = ratio > 0 ? ratio : max(0, Int(binWidth.rounded(.up)))
        let perBin = gridHeight * gridWidth
        try inputs.checkedCount([rows, columns, gridHeight, gridWidth, 64], .uint8)
        var samples: [Sample] = []
        for (row, column) in (0..<rows).flatMap({ row in (0..<columns).map { (row, $0) } }) {
          for (v, u) in (0..<gridHeight).flatMap({ v in (0..<gridWidth).map { (v, $0) } }) {
            let down = (Float(v) + 0.5) / Float(gridHeight)
            let across = (Float(u) + 0.5) / Float(gridWidth)
            samples.append(
              Sample(
                y: edges[1] + (Float(row) + down) * binHeight,
                x: edges[0] + (Float(column) + across) * binWidth, height: height, width: width))
          }
        }
        for channel in 0..<channels {
          let plane = (batch * channels + channel) * height * width
          for bin in 0..<rows * columns {
            var (sum, largest) = (Float(0), -Float.infinity)
            for sample in samples[bin * perBin..<(bin + 1) * perBin] {
              let (p, w) = (sample.positions, sample.weights)
              let (a, b) = (data[plane + p.0] * w.0, data[plane + p.1] * w.1)
              let (c, d) = (data[plane + p.2] * w.2, data[plane + p.3] * w.3)
              sum += a + b + c + d
              largest = max(largest, a, b, c, d)
            }
            result[(region * channels + channel) * rows * columns + bin] =
              mode == .avg ? sum / Float(max(perBin, 1)) : (perBin == 0 ? 0 : largest)
          }
        }
      }
      return [Tensor(result, shape: shape).narrowed(to: x.elementType)]
    }
  }
}
