import Foundation
import Pipeline
import TestSupport
import Testing

/// Networks and labelled data beside the repository: the float engine's accuracy is the published
/// one, and quantized networks stay close. Calibration and evaluation data are disjoint.
@Suite(.enabled(if: SharedFiles.root != nil, "needs ../shared or $TAPQ_SHARED"))
struct RealNetworkTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var calibration: String
    var data: String
    var preprocessing = Preprocessing()
    /// Top-1 of the float network on `data`.
    var top1: Double
    /// Least agreement with the float network at 8 bits, and at 4 and 3 bits on average.
    var agreement: (eight: Double, four: Double, three: Double)

    var testDescription: String { name }
  }

  static let cases = [
    Case(
      name: "cifar10-resnet20", calibration: "cifar10-calib-images", data: "cifar10-test",
      preprocessing: Preprocessing(
        scale: 1.0 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]),
      top1: 0.8090, agreement: (0.98, 0.94, 0.89)),
    Case(
      name: "mlperf-tiny-resnet8", calibration: "cifar10-calib-images", data: "cifar10-test",
      preprocessing: Preprocessing(scale: 1), top1: 0.7525, agreement: (0.975, 0.9, 0.84)),
    Case(
      name: "mlperf-tiny-dscnn-kws", calibration: "kws-calib-mfcc", data: "kws-test", top1: 0.9243,
      agreement: (0.985, 0.965, 0.93)),
  ]

  static func path(_ file: String) throws -> String {
    try #require(SharedFiles.file(file), "\(file) is absent").path
  }

  @Test(arguments: cases)
  func staysCloseToTheFloatNetwork(network: Case) throws {
    let folder = try TemporaryFolder()
    let model = try Self.path("models/\(network.name).onnx")
    let stem = "data/\(network.data)"
    let data = try Self.path(network.data == "kws-test" ? stem + "-mfcc.npy" : stem + "-images.npy")
    let labels = try Self.path(stem + "-labels.npy")
    for (average, least) in [
      (nil, network.agreement.eight), (4.0, network.agreement.four),
      (3.0, network.agreement.three),
    ] {
      var options = QuantizeOptions(
        model: model, output: folder.path("\(average ?? 8).onnx"),
        calibration: [try Self.path("data/\(network.calibration).npy")])
      options.preprocessing = network.preprocessing
      options.averageBits = average
      options.threads = 2
      let written = try Quantize.run(options)
      #expect(written.averageWeightBits <= average ?? 8)
      let report = try Evaluation.run(
        .init(
          model: options.output, data: [data], labels: labels, reference: model,
          preprocessing: network.preprocessing, threads: 2))
      #expect(abs(try #require(report.referenceTop1) - network.top1) < 1e-4)
      #expect(try #require(report.agreement) >= least, "at \(average ?? 8) bits")
    }
  }
}
