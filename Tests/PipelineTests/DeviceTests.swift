import BitAllocation
import Foundation
import HardwareProfiles
import IntegerRuntime
import ONNXFormat
import Quantization
import TestSupport
import Testing

@testable import Pipeline

/// Flash, RAM and latency as limits, on the network of `models/`.
@Suite struct DeviceTests {
  /// One nanosecond for each multiply-accumulate and bit.
  static func profile(
    weights: [Int] = [2, 3, 4, 5, 6, 7, 8], home: HardwareProfile.Memory.Home = .flash
  ) -> HardwareProfile {
    let products = (2...8).map { bits in
      KernelCost(kind: .product, weightBits: [bits], seconds: [.mac: 1e-9 * Double(bits)])
    }
    let others = KernelWorkload.Kind.allCases.filter { $0 != .product }.map {
      KernelCost(kind: $0, seconds: [.output: 1e-9])
    }
    return HardwareProfile(
      name: "toy", title: "Toy", cores: 1, clock: 1e8, memory: .init(weights: home),
      precisions: [.init(weights: weights)], kernels: products + others,
      inferenceSeconds: 1e-5, provenance: .init(kind: .datasheet, source: "none"))
  }

  private func quantize(
    _ folder: TemporaryFolder, _ change: (inout QuantizeOptions) -> Void
  ) throws -> QuantizeReport {
    var options = QuantizeTests.options(folder)
    options.overwrite = true
    change(&options)
    return try Quantize.run(options)
  }

  @Test func predictedRAMIsThatOfTheEngine() throws {
    let folder = try TemporaryFolder()
    let report = try quantize(folder) { $0.device = DeviceLimits(profile: Self.profile()) }
    let measured = try Benchmark.run(
      .init(model: folder.path("out.onnx"), threads: [1], runs: 1, profile: Self.profile()))
    #expect(report.peakRAMBytes == measured[0].arenaBytes)
    #expect(report.ramLowerBoundBytes <= report.peakRAMBytes && report.ramLowerBoundBytes > 0)
    let latency = try #require(report.predictedLatencyMilliseconds)
    #expect(latency == measured[0].predictedMilliseconds)
    let steps = measured[0].layers.compactMap(\.predictedMicroseconds).reduce(10, +)
    #expect(abs(latency * 1000 - steps) < 1e-6 * steps)
    #expect(report.layers.allSatisfy { $0.weightBits == 8 && $0.predictedMicroseconds ?? 0 > 0 })
  }

  /// Weights alone take what the profile has beside float inputs, in its block sizes.
  @Test func blocksAreThoseOfTheDevice() throws {
    let folder = try TemporaryFolder()
    var profile = Self.profile()
    profile.precisions = [
      .init(operators: ["Conv"], weights: [4, 8], activations: [32]),
      .init(
        operators: ["Gemm"], weights: [4], activations: [32], granularity: .block,
        blockSizes: [16]),
    ]
    func report(block: Int) throws -> QuantizeReport {
      try quantize(folder) {
        $0.device = DeviceLimits(profile: profile)
        $0.activationBits = [32]
        $0.block = block
        $0.effort = .fast
      }
    }
    let layers = try report(block: 16).layers
    #expect(layers.map(\.weightBits) == layers.map { $0.op == "Conv" ? 8 : 4 })
    let error = #expect(throws: (any Error).self) { try report(block: 32) }
    #expect("\(try #require(error))".contains("block of 32 weights"))
  }

  @Test func everyLimitHoldsAndTheOneThatBindsIsNamed() throws {
    let folder = try TemporaryFolder()
    let wide = try quantize(folder) { $0.device = DeviceLimits(profile: Self.profile()) }
    let most = try #require(wide.predictedLatencyMilliseconds)
    for share in [0.9, 0.6, 0.4] {
      let report = try quantize(folder) {
        $0.device = DeviceLimits(profile: Self.profile())
        $0.device.latency = most / 1000 * share
        $0.bits = [2, 3, 4, 6, 8]
      }
      #expect(try #require(report.predictedLatencyMilliseconds) <= most * share)
      #expect(report.bindingConstraint == "latency")
    }
    let both = try quantize(folder) {
      $0.device = DeviceLimits(profile: Self.profile())
      $0.device.latency = most / 1000 * 0.9
      $0.device.flash = 12_000
    }
    #expect(both.weightBytes <= 12_000 && both.bindingConstraint == "flash")
    let inRAM = try quantize(folder) {
      $0.device = DeviceLimits(profile: Self.profile(home: .ram))
      $0.device.ram = wide.peakRAMBytes + 12_000
    }
    #expect(inRAM.weightBytes <= 12_000 && inRAM.bindingConstraint == "ram")
    #expect(inRAM.peakRAMBytes <= wide.peakRAMBytes + 12_000)
  }

  @Test func limitsThatCannotBeMetSayByHowMuch() throws {
    let folder = try TemporaryFolder()
    #expect {
      _ = try quantize(folder) { $0.device.ram = 1000 }
    } throws: { error in
      guard case DeviceError.activations(1000, let needed, let step)? = inner(error) else {
        return false
      }
      return needed > 1000 && !step.isEmpty && UnmetRequest.isOne(error)
    }
    #expect {
      _ = try quantize(folder) {
        $0.device = DeviceLimits(profile: Self.profile())
        $0.device.latency = 1e-6
      }
    } throws: { error in
      guard case AllocationError.infeasible(let limit, let smallest, _)? = inner(error) else {
        return false
      }
      return limit.resource == "latency" && smallest > 1000
    }
    #expect {
      _ = try quantize(folder) {
        $0.device = DeviceLimits(profile: Self.profile(weights: [8]))
        $0.bits = [2, 4]
      }
    } throws: { error in
      guard
        case DeviceError.precision("toy", _, _, [2, 4], nil, nil, let supported)? = inner(error),
        supported == [Precision(weightBits: 8)]
      else {
        return false
      }
      return true
    }
    #expect(folder.contents.isEmpty)
  }

  private func inner(_ error: any Error) -> (any Error)? {
    (error as? ModelError)?.underlying ?? error
  }

  @Test func inspectSaysWhetherTheModelFits() throws {
    let path = QuantizeTests.models.appendingPathComponent("digits.onnx").path
    var limits = DeviceLimits(profile: Self.profile())
    limits.flash = 50_000
    let report = try Inspection.run(model: path, limits: limits)
    let device = try #require(report.device)
    #expect(!device.asItIs.fits && device.asItIs.predictedLatencyMilliseconds == nil)
    let quantized = try #require(device.at8Bits)
    #expect(quantized.fits && quantized.ramBytes >= quantized.ramLowerBound)
    #expect(quantized.ramPeakAt != nil && quantized.unpriced.isEmpty)
    let folder = try TemporaryFolder()
    let written = try quantize(folder) { $0.device = limits }
    #expect(quantized.flashBytes == written.weightBytes)
    #expect(quantized.ramBytes == written.peakRAMBytes)
    #expect(quantized.predictedLatencyMilliseconds == written.predictedLatencyMilliseconds)
  }

  @Test func theFrontierFallsFromPointToPoint() throws {
    var options = QuantizeTests.options(try TemporaryFolder())
    options.device = DeviceLimits(profile: Self.profile())
    options.bits = [2, 3, 4, 6, 8]
    let report = try Pareto.run(options, points: 9)
    #expect(report.points.count >= 8 && report.profile == "toy")
    for (point, next) in zip(report.points, report.points.dropFirst()) {
      #expect(point.weightBytes < next.weightBytes && point.damage > next.damage)
      #expect(point.predictedLatencyMilliseconds ?? 0 < next.predictedLatencyMilliseconds ?? 0)
    }
    options.device.flash = 100
    #expect(throws: AllocationError.self) { try Pareto.run(options, points: 3) }
  }

  /// 20 random budgets of flash and latency on a real network: each optimum is proven.
  @Test(.enabled(if: SharedFiles.root != nil, "needs ../shared or $TAPQ_SHARED"))
  func budgetsOnResNet20AreProvenOptimal() throws {
    var options = QuantizeOptions(
      model: try #require(SharedFiles.file("models/cifar10-resnet20.onnx")).path, output: "",
      calibration: [try #require(SharedFiles.file("data/cifar10-calib-images.npy")).path])
    options.preprocessing.scale = 1.0 / 255
    options.samples = 4
    options.bits = [2, 3, 4, 5, 6, 8]
    options.device = DeviceLimits(profile: Self.profile())
    let model = try ONNXFile.load(path: options.model)
    let source = try SampleSource(
      options.calibration, model: model, preprocessing: options.preprocessing)
    let study = try QuantizationStudy(
      model, source: source, options: options, everyWidth: true, progress: { _, _, _ in })
    var generator = SeededGenerator(seed: 20)
    var slowest = Duration.zero
    for _ in 0..<20 {
      var choice = study.choice
      let average = Double.random(in: 2.2...7.8, using: &generator)
      var limits = [choice.averageLimit(average)]
      let free = try choice.allocate(study.sensitivities, limits: limits)
      limits.append(
        .init(
          resource: BitChoice.latency,
          maximum: Int(
            Double(free.totals[BitChoice.latency] ?? 0)
              * Double.random(in: 0.9...1.05, using: &generator))))
      choice = study.choice
      let clock = ContinuousClock()
      var plan: BitPlan?
      slowest = max(
        slowest,
        clock.measure { plan = try? choice.allocate(study.sensitivities, limits: limits) })
      guard let plan else { continue }
      #expect(plan.gap == 0)
      for limit in limits { #expect(plan.totals[limit.resource] ?? 0 <= limit.maximum) }
    }
    print("slowest allocation: \(slowest)")
  }
}
