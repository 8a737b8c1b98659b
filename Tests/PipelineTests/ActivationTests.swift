import BitAllocation
import FloatRuntime
import Foundation
import HardwareProfiles
import IntegerRuntime
import ONNXFormat
import Quantization
import Tensors
import TestSupport
import Testing

@testable import Pipeline

/// Activations of fewer than 8 bits, from the choice to the engine.
@Suite struct ActivationTests {
  private func t4() throws -> HardwareProfile {
    try ProfileLibrary(
      folders: [SharedFiles.repository.appendingPathComponent("hardware-profiles").path]
    ).profile("nvidia-t4")
  }

  /// Integer and float engine on the first samples of the source, bit for bit; the step names of the
  /// integer engine.
  private func expectEnginesAgree(_ path: String, _ samples: String) throws -> [String] {
    let model = try ONNXFile.load(path: path)
    let source = try SampleSource([samples], model: model, preprocessing: Preprocessing())
    let simulation = try FloatEngine(model: model)
    let engine = try IntegerEngine(model: model, threads: 2)
    var kernels: [String] = []
    for index in 0..<4 {
      let feed = try source.feed(index)
      let expected = try simulation.run(feed.mapValues { .tensor($0) })
      let found = try engine.run(feed)
      for (name, value) in expected {
        guard case .tensor(let tensor) = value else { continue }
        #expect(found[name] == tensor)
      }
      kernels = try engine.profile(feed).steps.map(\.kernel)
    }
    return kernels
  }

  @Test(arguments: [2, 3, 4, 7])
  func integerEngineEqualsTheSimulation(bits: Int) throws {
    let folder = try TemporaryFolder()
    var options = QuantizeTests.options(folder)
    options.activationBits = [bits]
    options.bits = [4]
    let report = try Quantize.run(options)
    #expect(report.layers.allSatisfy { $0.activationBits == bits && $0.weightBits == 4 })
    let samples = QuantizeTests.models.appendingPathComponent("digits-evaluation.npy").path
    let kernels = try expectEnginesAgree(options.output, samples)
    // The limits are those of the steps that are there anyway.
    #expect(!kernels.contains { $0.hasPrefix("lookup") })
    let measured = try Benchmark.run(.init(model: options.output, threads: [1], runs: 1))
    #expect(report.peakRAMBytes == measured[0].arenaBytes)
  }

  @Test func fourBitsAreWorseThanEightAndFarFromUseless() throws {
    let folder = try TemporaryFolder()
    var options = QuantizeTests.options(folder)
    options.bits = [8]
    options.activationBits = [4]
    _ = try Quantize.run(options)
    #expect(try QuantizeTests.agreement(options) >= 0.95)
  }

  @Test(.enabled(if: SharedFiles.root != nil, "needs ../shared or $TAPQ_SHARED"))
  func integerEngineEqualsTheSimulationOfAResidualNetwork() throws {
    let folder = try TemporaryFolder()
    let samples = try #require(SharedFiles.file("data/cifar10-calib-images.npy")).path
    var options = QuantizeOptions(
      model: try #require(SharedFiles.file("models/cifar10-resnet20.onnx")).path,
      output: folder.path("out.onnx"), calibration: [samples])
    options.preprocessing.scale = 1.0 / 255
    options.samples = 4
    options.effort = .fast
    options.activationBits = [4]
    _ = try Quantize.run(options)
    let model = try ONNXFile.load(path: options.output)
    let source = try SampleSource([samples], model: model, preprocessing: options.preprocessing)
    let (engine, simulation) = (try IntegerEngine(model: model), try FloatEngine(model: model))
    for index in 0..<3 {
      let feed = try source.feed(index)
      let found = try engine.run(feed)
      for (name, value) in try simulation.run(feed.mapValues({ .tensor($0) })) {
        guard case .tensor(let tensor) = value else { continue }
        #expect(found[name] == tensor)
      }
    }
  }

  @Test func withoutAskingActivationsHaveEightBits() throws {
    let folder = try TemporaryFolder()
    var options = QuantizeTests.options(folder)
    options.averageBits = 3
    options.effort = .fast
    #expect(try Quantize.run(options).layers.allSatisfy { $0.activationBits == 8 })
  }

  @Test(arguments: ["fast", "balanced"])
  func aDeviceWithPairsGetsThemWhereLatencyIsShort(effort: String) throws {
    let folder = try TemporaryFolder()
    var options = QuantizeTests.options(folder)
    options.overwrite = true
    options.effort = try #require(QuantizeOptions.effort(effort))
    options.device = DeviceLimits(profile: try t4())
    let wide = try Quantize.run(options)
    #expect(wide.layers.allSatisfy { $0.weightBits == 8 && $0.activationBits == 8 })
    options.bits = [4]
    let narrow = try Quantize.run(options)
    #expect(narrow.layers.allSatisfy { $0.weightBits == 4 && $0.activationBits == 4 })
    options.bits = [2, 3, 4, 5, 6, 8]
    let (most, least) = (
      try #require(wide.predictedLatencyMilliseconds),
      try #require(narrow.predictedLatencyMilliseconds)
    )
    #expect(least < most)
    let limit = (most + least) / 2
    options.device.latency = limit / 1000
    let report = try Quantize.run(options)
    #expect(try #require(report.predictedLatencyMilliseconds) <= limit)
    #expect(report.bindingConstraint == "latency")
    let pairs = Set(report.layers.map { [$0.weightBits, $0.activationBits] })
    #expect(pairs == [[4, 4], [8, 8]])
    options.device.latency = least / 2000
    #expect {
      _ = try Quantize.run(options)
    } throws: { error in
      let inner = (error as? ModelError)?.underlying ?? error
      guard case AllocationError.infeasible(let limit, _, _)? = inner as? AllocationError else {
        return false
      }
      return limit.resource == "latency"
    }
  }

  @Test func pairsThatTheDeviceLacksAreNamed() throws {
    let folder = try TemporaryFolder()
    var options = QuantizeTests.options(folder)
    options.device = DeviceLimits(profile: try t4())
    options.bits = [8]
    options.activationBits = [4]
    #expect {
      _ = try Quantize.run(options)
    } throws: { error in
      "\((error as? ModelError)?.underlying ?? error)"
        .hasSuffix(
          "with weights of 4 bits and activations of 4, or weights of 8 bits and activations of 8, "
            + "but --bits allows 8 and --activation-bits 4")
    }
  }

  @Test func theFrontierNamesTheWidthsOfInputs() throws {
    var options = QuantizeTests.options(try TemporaryFolder())
    options.device = DeviceLimits(profile: try t4())
    options.effort = .fast
    let report = try Pareto.run(options, points: 5)
    #expect(report.points.count > 2)
    for point in report.points { #expect(point.bits == point.activationBits) }
    #expect(report.points.contains { Set($0.activationBits.values).count == 2 })
  }
}
