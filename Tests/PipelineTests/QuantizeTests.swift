import BitAllocation
import Calibration
import Foundation
import GraphIR
import Lowering
import ONNXFormat
import ProxySearch
import Tensors
import TestSupport
import Testing
import WeightRounding

@testable import Pipeline

/// The network of `models/`, from file to file.
@Suite struct QuantizeTests {
  static let models = SharedFiles.repository.appendingPathComponent("models")

  static func options(_ folder: TemporaryFolder, _ name: String = "out.onnx") -> QuantizeOptions {
    QuantizeOptions(
      model: models.appendingPathComponent("digits.onnx").path, output: folder.path(name),
      calibration: [models.appendingPathComponent("digits-calibration.npy").path])
  }

  /// Agreement of the written file with the float network on the evaluation images.
  static func agreement(_ options: QuantizeOptions) throws -> Double {
    let report = try Evaluation.run(
      .init(
        model: options.output,
        data: [models.appendingPathComponent("digits-evaluation.npy").path],
        reference: options.model, samples: 320, threads: 2))
    return try #require(report.agreement)
  }

  @Test func eightBitsAreTheDefaultAndStayClose() throws {
    let folder = try TemporaryFolder()
    let options = Self.options(folder)
    let report = try Quantize.run(options)
    #expect(report.averageWeightBits == 8)
    #expect(report.bindingConstraint == nil)
    #expect(report.layers.allSatisfy { $0.weightBits == 8 && $0.activationBits == 8 })
    #expect(report.layers.allSatisfy { $0.sensitivity > 0 && $0.sensitivity < 1e-3 })
    #expect(report.calibrationSamples == 16)
    #expect(report.peakRAMBytes > 0)
    let size = try FileManager.default.attributesOfItem(atPath: options.output)[.size] as? Int
    #expect(report.fileBytes == size)
    #expect(folder.contents == ["out.onnx"])
    #expect(try Self.agreement(options) >= 0.99)
  }

  /// Half of the channels between two layers are read so softly that they can be narrower.
  @Test func channelGroupsHaveWidthsOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    var uneven = try ONNXFile.load(path: options.model)
    let name = "block2_conv2.weight"
    let weight = try #require(uneven.graph.initializers[name])
    uneven.graph.initializers[name] = Tensor(
      weight.elements(of: Float.self).enumerated().map {
        $0.offset / 9 % 32 % 2 == 0 ? $0.element : $0.element / 64
      }, shape: weight.shape)
    options.model = folder.path("uneven.onnx")
    try ONNXFile.save(uneven, to: options.model, overwrite: false)
    options.averageBits = 4
    options.channelGroups = 2
    let report = try Quantize.run(options)
    #expect(report.averageWeightBits <= 4)
    let layer = try #require(report.layers.first { $0.name == "block2_conv1" })
    let groups = try #require(layer.groups)
    #expect(groups.map(\.channels) == [16, 16])
    #expect(groups[0].bits < groups[1].bits)
    #expect(groups[1].bits == layer.weightBits)
    let model = try ONNXFile.load(path: options.output)
    #expect(model.graph.nodes.filter { $0.op == "Conv" }.count == report.layers.count - 1)
    #expect(!model.graph.nodes.contains { $0.op == "Concat" })
    // Integers of both widths, a scale for each channel, and a bias.
    #expect(layer.bytes == 32 * 9 * 16 * (groups[0].bits + groups[1].bits) / 8 + 32 * 4 * 2)
    #expect(try Self.agreement(options) >= 0.95)
  }

  @Test(arguments: [RoundingMethod.nearest, .gptq, .adaround])
  func weightsAloneLeaveActivationsFloat(rounding: RoundingMethod) throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    options.activationBits = [32]
    options.block = 16
    options.averageBits = 4
    options.rounding = rounding
    options.effort = .fast
    let report = try Quantize.run(options)
    #expect(report.layers.allSatisfy { $0.activationBits == 32 })
    #expect(report.averageWeightBits <= 4)
    let model = try ONNXFile.load(path: options.output)
    #expect(!model.graph.nodes.contains { $0.op == "QuantizeLinear" })
    let blocks = try model.graph.nodes.filter { $0.op == "DequantizeLinear" }
      .compactMap { try $0.int("block_size") }
    #expect(blocks == [16])
    // The depth of the Gemm, 32, in two blocks for each of ten classes, beside its bias.
    let logits = try #require(report.layers.last)
    #expect(logits.bytes == 32 * 10 * logits.weightBits / 8 + 4 * (20 + 10))
    #expect(try Self.agreement(options) >= 0.9)
  }

  @Test func blocksBesideQuantizedInputsAreNarrow() throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    options.block = 16
    let report = try Quantize.run(options)
    #expect(report.layers.last?.weightBits == 4)
    #expect(report.layers.dropLast().allSatisfy { $0.weightBits == 8 && $0.activationBits == 8 })
    #expect(try Self.agreement(options) >= 0.9)
    options.overwrite = true
    options.bits = [5, 8]
    #expect {
      try Quantize.run(options)
    } throws: {
      $0 as? QuantizeError == .blocksTooWide(layer: report.layers.last?.name ?? "", widths: [5, 8])
    }
  }

  /// A plan that loses to the uniform one of its size is not written, however weights are rounded.
  @Test func fastPlansAreComparedWithTheUniformOne() throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    options.effort = .fast
    options.averageBits = 4
    // Damage that is least where it should be largest.
    options.proxy = try ProxyFile.parse(
      "name: inverted\nthought: t\nformula: -1 * sum(dY2) / sum(Y2)\nprovenance: p\n",
      path: "inverted.tap")
    let report = try Quantize.run(options)
    #expect(Set(report.layers.map(\.weightBits)) == [4])
  }

  @Test func budgetsHoldAndCostAccuracyInOrder() throws {
    let folder = try TemporaryFolder()
    var agreements: [Double] = []
    var damages: [Double] = []
    for average in [6.0, 4.0, 2.5] {
      var options = Self.options(folder, "\(average).onnx")
      options.averageBits = average
      let report = try Quantize.run(options)
      #expect(report.averageWeightBits <= average)
      #expect(report.bindingConstraint == "average-bits")
      agreements.append(try Self.agreement(options))
      damages.append(report.layers.reduce(0) { $0 + $1.sensitivity })
    }
    #expect(damages == damages.sorted())
    #expect(agreements[0] >= 0.98 && agreements[1] >= 0.9)
    #expect(agreements[2] <= agreements[0])
  }

  @Test func flashCountsEveryByteOfTheLayers() throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    let full = try Quantize.run(options)
    options.device.flash = full.weightBytes * 6 / 10
    options.output = folder.path("small.onnx")
    let report = try Quantize.run(options)
    #expect(report.weightBytes <= full.weightBytes * 6 / 10)
    #expect(report.bindingConstraint == "flash")
    #expect(report.weightBytes == report.layers.reduce(0) { $0 + $1.bytes })
    let plan = try #require(
      try ONNXFile.load(path: options.output).metadata.first { $0.key == Lowering.metadataKey })
    #expect(plan.value.contains("weightBits"))
  }

  @Test(arguments: [[3], [5, 7], [2, 3, 4, 5, 6, 8]])
  func otherWidthsAreStoredInTheSmallestType(bits: [Int]) throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    options.bits = bits
    options.averageBits = Double(bits[0]) + 0.5
    let report = try Quantize.run(options)
    #expect(report.layers.allSatisfy { bits.contains($0.weightBits) })
    #expect(report.averageWeightBits <= Double(bits[0]) + 0.5)
  }

  @Test func threadsDoNotChangeTheFile() throws {
    let folder = try TemporaryFolder()
    for threads in [1, 3] {
      var options = Self.options(folder, "\(threads).onnx")
      options.averageBits = 4.8
      options.threads = threads
      _ = try Quantize.run(options)
    }
    let one = try Data(contentsOf: folder.url.appendingPathComponent("1.onnx"))
    let three = try Data(contentsOf: folder.url.appendingPathComponent("3.onnx"))
    #expect(one == three)
  }

  @Test func anImpossibleBudgetNamesTheSmallestPossibleOne() throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    options.device.flash = 100
    var smallest = 0
    do {
      _ = try Quantize.run(options) { what, _, _ in
        Issue.record("\(what) before the limit is checked")
      }
      Issue.record("100 bytes hold no network")
    } catch AllocationError.infeasible(let limit, let needed, let given) {
      #expect(limit.resource == "flash" && given.isEmpty && needed > 100)
      #expect(UnmetRequest.isOne(AllocationError.infeasible(limit: limit, smallest: 1, given: [])))
      smallest = needed
    }
    #expect(folder.contents.isEmpty)
    options.device.flash = smallest
    let report = try Quantize.run(options)
    #expect(report.weightBytes == smallest)
    #expect(report.layers.allSatisfy { $0.weightBits == 2 })
  }

  @Test func anExistingOutputIsKept() throws {
    let folder = try TemporaryFolder()
    let options = Self.options(folder)
    try Data("mine".utf8).write(to: folder.url.appendingPathComponent("out.onnx"))
    #expect(throws: TensorFileError.exists(path: options.output)) { try Quantize.run(options) }
    #expect(
      try Data(contentsOf: folder.url.appendingPathComponent("out.onnx")) == Data("mine".utf8))
    var replacing = options
    replacing.overwrite = true
    _ = try Quantize.run(replacing)
    #expect(folder.contents == ["out.onnx"])
  }

  @Test func weightsThatAreNotFiniteAreNamed() throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    var model = try ONNXFile.load(path: options.model)
    let name = try #require(
      model.graph.nodes.first { $0.op == "Gemm" || $0.op == "MatMul" }?.input(1))
    let weight = try #require(model.graph.initializers[name])
    var values = weight.elements(of: Float.self)
    values[3] = .nan
    model.graph.initializers[name] = Tensor(values, shape: weight.shape)
    options.model = folder.path("nan.onnx")
    try ONNXFile.save(model, to: options.model, overwrite: false)
    do {
      _ = try Quantize.run(options)
      Issue.record("NaN weights were quantized")
    } catch {
      #expect("\(error)".contains(name) && "\(error)".contains("NaN"))
    }
    #expect(folder.contents == ["nan.onnx"])
  }

  @Test func activationsThatOverflowAreNamedWithTheirSample() throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    let images = (0..<3 * 64).map { $0 == 100 ? Float.infinity : 0.5 }
    options.calibration = [folder.path("samples.npy")]
    try NpyFile.write(
      Tensor(images, shape: [3, 1, 8, 8]), to: options.calibration[0], overwrite: false)
    #expect(throws: CalibrationError.notFinite(value: "image", sample: 1)) {
      try Quantize.run(options)
    }
  }

  @Test func aQuantizedModelIsNotQuantizedAgain() throws {
    let folder = try TemporaryFolder()
    var options = Self.options(folder)
    _ = try Quantize.run(options)
    options.model = options.output
    options.output = folder.path("twice.onnx")
    #expect(throws: QuantizeError.self) { try Quantize.run(options) }
  }

  @Test func sizesAreRead() {
    #expect(ByteSize.parse("96KiB") == 98_304)
    #expect(ByteSize.parse("1.5MB") == 1_500_000)
    #expect(ByteSize.parse("1.5 MiB") == 1_572_864)
    #expect(ByteSize.parse("98304") == 98_304)
    #expect(ByteSize.parse("2gb") == 2_000_000_000)
    for text in [
      "", "KiB", "-5KiB", "0", "1e3", "96 Kib x", "inf", "nan", "1..5MB", "99999999999GiB",
    ] {
      #expect(ByteSize.parse(text) == nil, "\(text)")
    }
  }
}
