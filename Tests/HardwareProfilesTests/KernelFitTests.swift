import Foundation
import TestSupport
import Testing

@testable import HardwareProfiles

/// A machine of known costs is measured; the fit must predict what it was not shown.
@Suite struct KernelFitTests {
  private static let tile = KernelCost.Tile(rows: 12, columns: 64, lanes: 16, depth: 4)
  private static let machine = KernelFit.Machine(tile: tile, channels: 64, cache: 1 << 20)
  private static let single = KernelCost(
    kind: .product, tile: tile,
    seconds: [.call: 1e-7, .mac: 2e-12, .tile: 2e-8, .run: 4e-9, .farWeight: 4e-12])

  private static func work(_ generator: inout SeededGenerator) -> KernelWorkload {
    func size(_ most: Double) -> Int { Int(exp2(Double.random(in: 2...most, using: &generator))) }
    let (rows, depth, columns) = (size(12), size(11), size(9))
    return KernelWorkload(
      name: "", op: "Conv", kind: .product, rows: rows, depth: depth, columns: columns,
      runs: Int.random(in: 1...3, using: &generator), weightBits: 8, inputs: rows * depth,
      outputs: rows * columns)
  }

  /// Two threads halve the work from 2^20 multiply-accumulates on.
  private static func seconds(_ work: KernelWorkload, isFar: Bool, threads: Int) -> Double {
    let time = single.seconds(of: work, isFar: isFar)
    return isShared(work, threads: threads) ? time / 2 + 1e-6 : time
  }

  private static func isShared(_ work: KernelWorkload, threads: Int) -> Bool {
    threads == 2 && work.work >= Double(1 << 20)
  }

  private static func samples(
    _ count: Int, _ generator: inout SeededGenerator, outliers: Int = 0
  ) -> [KernelSample] {
    (0..<count).flatMap { index -> [KernelSample] in
      let work = work(&generator)
      let bytes = index % 2 == 0 ? 4e6 : 1e5
      return [1, 2].map { threads in
        let time = seconds(work, isFar: index % 2 == 0, threads: threads)
        return KernelSample(
          probe: "", workloads: [work], networkWeightBytes: bytes, threads: threads,
          seconds: index < outliers ? 5 * time : time)
      }
    }
  }

  private static func profile(_ fit: KernelFit) -> HardwareProfile {
    HardwareProfile(
      name: "x", title: "X", cores: 2, clock: 1e9, memory: .init(cache: 1 << 20), precisions: [],
      kernels: fit.kernels, provenance: .init(kind: .datasheet))
  }

  @Test(arguments: [0, 6]) func predictsStepsThatItWasNotShown(outliers: Int) throws {
    var generator = SeededGenerator(seed: 5)
    let fit = KernelFit(
      Self.samples(60, &generator, outliers: outliers), machine: Self.machine)
    let profile = Self.profile(fit)
    for sample in Self.samples(40, &generator) {
      let predicted = try #require(
        profile.seconds(
          of: sample.workloads[0], threads: sample.threads,
          weightBytes: sample.networkWeightBytes))
      #expect(abs(predicted / sample.seconds - 1) < 0.03)
    }
  }

  @Test func findsTheWorkFromWhichThreadsShare() throws {
    var generator = SeededGenerator(seed: 9)
    let fit = KernelFit(Self.samples(80, &generator), machine: Self.machine)
    let shared = try #require(fit.kernels.first { $0.threads == [2] })
    #expect((Double(1 << 19)...Double(1 << 21)).contains(shared.leastWork))
    #expect(fit.kernels.contains { $0.threads.isEmpty })
  }

  /// A step of one core pays for what it writes for a step of two, and for nothing else.
  @Test func findsWhatPassesBetweenCores() throws {
    var generator = SeededGenerator(seed: 11)
    var profile = Self.profile(KernelFit(Self.samples(80, &generator), machine: Self.machine))
    let large = KernelWorkload(
      name: "large", op: "Conv", kind: .product, rows: 4096, depth: 64, columns: 64, weightBits: 8,
      inputs: 262_144, outputs: 262_144)
    func isShared(_ sample: KernelSample) -> Bool {
      Self.isShared(sample.workloads[0], threads: sample.threads)
    }
    let samples = Self.samples(20, &generator).map { sample -> KernelSample in
      var sample = sample
      sample.probe = "\(sample.workloads[0])"
      sample.next = [large]
      if sample.threads == 2 && !isShared(sample) {
        sample.seconds += 5e-11 * Double(sample.workloads[0].outputs)
      }
      return sample
    }
    profile.exchangeSeconds = ExchangeFit.seconds(samples, profile: profile)
    #expect(abs(profile.exchangeSeconds / 5e-11 - 1) < 1e-3)
    #expect(try #require(FitError.median(of: profile, samples)) < 0.03)
    let small = try #require(samples.first { !isShared($0) && $0.threads == 2 }).workloads
    #expect(profile.exchanged(small, before: [large], threads: 2) == Double(small[0].outputs))
    #expect(profile.exchanged(small, before: [large], threads: 1) == 0)
    #expect(profile.exchanged([large], before: small, threads: 2) == 0)
    #expect(profile.exchanged(small, before: [], threads: 2) == 0)
  }

  @Test func errorsAreMediansByKindAndThreads() {
    var generator = SeededGenerator(seed: 3)
    let samples = Self.samples(30, &generator)
    var slow = KernelFit(samples, machine: Self.machine)
    for index in slow.kernels.indices {
      slow.kernels[index].seconds = slow.kernels[index].seconds.mapValues { 1.5 * $0 }
    }
    let errors = FitError.of(Self.profile(slow), samples)
    #expect(errors.map(\.threads) == [1, 2] && errors.allSatisfy { $0.samples == 30 })
    for error in errors { #expect(abs((error.median ?? 0) - 0.5) < 0.05) }
    #expect(FitError.median(of: Self.profile(KernelFit([], machine: Self.machine)), samples) == nil)
  }

  @Test func coefficientsAreNeverNegative() {
    let rows = [[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]
    let found = NonnegativeFit.coefficients(rows, seconds: [3, 2, 1])
    #expect(found.allSatisfy { $0 >= 0 })
  }
}
