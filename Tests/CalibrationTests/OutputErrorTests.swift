import FloatRuntime
import GraphIR
import Parallelism
import Quantization
import Tensors
import TestSupport
import Testing

@testable import Calibration

@Suite struct OutputErrorTests {
  struct Geometry: Sendable, CustomTestStringConvertible {
    var shape: [Int]
    var weight: [Int]
    var group = 1
    var strides = [1, 1]
    var dilations = [1, 1]
    var pads = [0, 0, 0, 0]
    var autoPad: String?
    var testDescription: String { "\(shape) \(weight) \(group) \(autoPad ?? "\(pads)")" }

    var node: Node {
      var attributes = [
        Attribute("group", .int(group)), Attribute("strides", .ints(strides)),
        Attribute("dilations", .ints(dilations)),
      ]
      if let autoPad {
        attributes.append(Attribute("auto_pad", .string(Array(autoPad.utf8))))
      } else {
        attributes.append(Attribute("pads", .ints(pads)))
      }
      return Node(
        name: "conv", op: "Conv", inputs: ["x", "w"], outputs: ["y"], attributes: attributes)
    }

    /// Leading pads and output sizes, by the formulas of the ONNX specification.
    var frame: [(begin: Int, size: Int)] {
      (0..<2).map { axis in
        let extent = (weight[axis + 2] - 1) * dilations[axis] + 1
        let size = shape[axis + 2]
        guard let autoPad else {
          return (pads[axis], (size + pads[axis] + pads[axis + 2] - extent) / strides[axis] + 1)
        }
        let output = (size + strides[axis] - 1) / strides[axis]
        let total = max(0, (output - 1) * strides[axis] + extent - size)
        return (autoPad == "SAME_UPPER" ? total / 2 : (total + 1) / 2, output)
      }
    }

    /// The sum of squares of the convolution of `x` with `w`, the slow and plain way.
    func power(_ x: [Float], _ w: [Float]) -> Double {
      let inputs = weight[1]
      var sum = 0.0
      for n in 0..<shape[0] {
        for m in 0..<weight[0] {
          let first = m / (weight[0] / group) * inputs
          for row in 0..<frame[0].size {
            for column in 0..<frame[1].size {
              var value = 0.0
              for c in 0..<inputs {
                for i in 0..<weight[2] {
                  for j in 0..<weight[3] {
                    let h = row * strides[0] + i * dilations[0] - frame[0].begin
                    let v = column * strides[1] + j * dilations[1] - frame[1].begin
                    guard h >= 0, h < shape[2], v >= 0, v < shape[3] else { continue }
                    let at = ((n * shape[1] + first + c) * shape[2] + h) * shape[3] + v
                    value += Double(
                      x[at] * w[((m * inputs + c) * weight[2] + i) * weight[3] + j])
                  }
                }
              }
              sum += value * value
            }
          }
        }
      }
      return sum
    }
  }

  @Test(arguments: [
    Geometry(shape: [1, 3, 7, 6], weight: [4, 3, 3, 3], pads: [1, 1, 1, 1]),
    Geometry(
      shape: [2, 4, 8, 7], weight: [6, 2, 3, 2], group: 2, strides: [2, 1], pads: [0, 1, 2, 0]),
    Geometry(
      shape: [1, 5, 9, 9], weight: [5, 1, 3, 3], group: 5, strides: [2, 2], autoPad: "SAME_UPPER"),
    Geometry(shape: [1, 2, 8, 8], weight: [3, 2, 3, 3], strides: [2, 2], autoPad: "SAME_LOWER"),
    Geometry(shape: [1, 2, 9, 8], weight: [3, 2, 3, 3], dilations: [2, 3], pads: [2, 3, 2, 3]),
  ])
  func equalsTheConvolutionOfTheWeightError(geometry: Geometry) throws {
    let pool = WorkerPool(threadCount: 2)
    let x = normalValues(Tensor.count(of: geometry.shape), seed: 2)
    let w = normalValues(Tensor.count(of: geometry.weight), seed: 3)
    let layer = try ObservedLayer(name: "conv", node: geometry.node, weightShape: geometry.weight)
    var sample = LayerInputSample(layer: layer, columnsPerSample: 100_000, expectedSamples: 1)
    try sample.take(from: Tensor(x, shape: geometry.shape), sample: 0, pool: pool)
    #expect(sample.count == geometry.shape[0] * geometry.frame[0].size * geometry.frame[1].size)
    let rows = try WeightRows(Tensor(w, shape: geometry.weight), named: "w", axis: 0)
    let forms = [2, 4, 8].map { WeightQuantizer(bits: $0).quantize(rows, pool: pool) }
    let found = try #require(
      OutputError.channels(of: forms, rows: rows, inputs: sample, pool: pool)
    ).relative
    for (form, value) in zip(forms, found) {
      let integers = form.integers.elements(of: Int8.self)
      let residual = w.indices.map {
        Float(integers[$0]) * form.scales[$0 / rows.length] - w[$0]
      }
      let expected = geometry.power(x, residual) / geometry.power(x, w)
      #expect(abs(value - expected) <= 1e-4 * expected)
    }
  }

  @Test func columnsAreBoundedAndSpread() throws {
    let pool = WorkerPool(threadCount: 1)
    let node = Node(name: "fc", op: "MatMul", inputs: ["x", "w"], outputs: ["y"])
    let layer = try ObservedLayer(name: "fc", node: node, weightShape: [3, 2])
    var sample = LayerInputSample(layer: layer, columnsPerSample: 4, expectedSamples: 2)
    for index in 0..<2 {
      try sample.take(
        from: Tensor((0..<300).map { Float($0) }, shape: [10, 10, 3]), sample: index, pool: pool)
    }
    #expect(sample.count == 8)
    #expect(sample.values.count == 24)
    let starts = stride(from: 0, to: 24, by: 3).map { Int(sample.values[$0]) / 3 }
    #expect(starts == [0, 25, 50, 75, 15, 40, 65, 90])
  }

  @Test func meanErrorIsWhatABiasCanTakeBack() throws {
    let pool = WorkerPool(threadCount: 1)
    let node = Node(name: "fc", op: "Gemm", inputs: ["x", "w"], outputs: ["y"])
    let layer = try ObservedLayer(name: "fc", node: node, weightShape: [5, 16])
    var sample = LayerInputSample(layer: layer, columnsPerSample: 64, expectedSamples: 1)
    let x = normalValues(64 * 16, seed: 6).map { $0 + 1 }
    try sample.take(from: Tensor(x, shape: [64, 16]), sample: 0, pool: pool)
    let w = normalValues(5 * 16, seed: 7)
    let rows = try WeightRows(Tensor(w, shape: [5, 16]), named: "w", axis: 0)
    let quantized = WeightQuantizer(bits: 2).quantize(rows, pool: pool)
    let integers = quantized.integers.elements(of: Int8.self)
    let means = OutputError.means(of: quantized, rows: rows, inputs: sample)
    for row in 0..<5 {
      var expected = 0.0
      for column in 0..<64 {
        for k in 0..<16 {
          let error = Float(integers[row * 16 + k]) * quantized.scales[row] - w[row * 16 + k]
          expected += Double(error * x[column * 16 + k])
        }
      }
      #expect(abs(Double(means[row]) - expected / 64) < 1e-4)
    }
  }
}
