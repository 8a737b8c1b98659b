// swift-tools-version: 6.1
import PackageDescription

/// One row of the data-flow table in README.md; `ArchitectureTests` compares every `import` with it.
struct Module {
  let name: String
  let imports: [String]
  var products: [Target.Dependency] = []
  var tested = true
  /// What its tests import besides, for example to read model files.
  var testImports: [String] = []
  /// Files whose bytes the binary holds.
  var embedded: [Resource] = []
}

let modules: [Module] = [
  Module(name: "LanguageModel", imports: []),
  Module(name: "Parallelism", imports: ["CWorkerCrew"]),
  Module(name: "Tensors", imports: ["CImageCodecs", "CZlib"]),
  Module(name: "Quantization", imports: ["CFloatKernels", "Parallelism", "Tensors"]),
  Module(
    name: "GraphIR", imports: ["Tensors"],
    products: [.product(name: "OrderedCollections", package: "swift-collections")],
    testImports: ["FloatRuntime", "ONNXFormat"]),
  Module(
    name: "ONNXFormat", imports: ["COnnx", "GraphIR", "Tensors"],
    products: [.product(name: "OrderedCollections", package: "swift-collections")]),
  Module(
    name: "FloatRuntime",
    imports: ["CFloatKernels", "COpenBLAS", "GraphIR", "Parallelism", "Tensors"],
    testImports: ["ONNXFormat"]),
  Module(
    name: "IntegerRuntime",
    imports: [
      "CIntegerKernels", "FloatRuntime", "GraphIR", "HardwareProfiles", "Parallelism", "Tensors",
    ],
    testImports: ["ONNXFormat"]),
  Module(
    name: "Calibration",
    imports: ["CFloatKernels", "FloatRuntime", "GraphIR", "Parallelism", "Quantization", "Tensors"]),
  Module(name: "BitAllocation", imports: ["Quantization"]),
  Module(
    name: "HardwareProfiles", imports: [], products: [.product(name: "Yams", package: "Yams")]),
  Module(name: "Lowering", imports: ["GraphIR", "Quantization", "Tensors"]),
  Module(
    name: "WeightRounding",
    imports: [
      "COpenBLAS", "CFloatKernels", "Calibration", "FloatRuntime", "GraphIR", "Parallelism",
      "Quantization", "Tensors",
    ]),
  Module(
    name: "ProxySearch",
    imports: ["Calibration", "GraphIR", "Parallelism", "Quantization", "Tensors"],
    embedded: [.embedInCode("Proxies"), .embedInCode("Templates")]),
  Module(
    name: "Pipeline",
    imports: [
      "BitAllocation", "Calibration", "FloatRuntime", "GraphIR", "HardwareProfiles",
      "IntegerRuntime", "LanguageModel", "Lowering", "ONNXFormat",
      "Parallelism", "ProxySearch", "Quantization", "Tensors", "WeightRounding",
    ], products: [.product(name: "Yams", package: "Yams")]),
]

/// System libraries and C targets; they import nothing of ours.
let foundations: [Target] = [
  .systemLibrary(
    name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
  .systemLibrary(
    name: "CImageCodecs", providers: [.apt(["libturbojpeg0-dev", "libpng-dev"])]),
  .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  .systemLibrary(name: "CHeap"),
  .target(name: "CFloatKernels"),
  .target(name: "CIntegerKernels"),
  .target(name: "CWorkerCrew", linkerSettings: [.linkedLibrary("pthread")]),
  .target(
    name: "COnnx",
    cxxSettings: [.define("ONNX_ML", to: "1"), .define("ONNX_NAMESPACE", to: "onnx")],
    linkerSettings: [
      .linkedLibrary("onnx_proto"), .linkedLibrary("protobuf"),
    ]),
]

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny")
]

let sources: [Target] = modules.map { module in
  .target(
    name: module.name,
    dependencies: module.imports.map { .target(name: $0) } + module.products,
    resources: module.embedded.isEmpty ? nil : module.embedded,
    swiftSettings: strict)
}

let executable = Target.executableTarget(
  name: "tapq",
  dependencies: [
    "CHeap", "COpenBLAS", "Pipeline",
    .product(name: "ArgumentParser", package: "swift-argument-parser"),
  ],
  swiftSettings: strict)

let support = Target.target(
  name: "TestSupport", dependencies: ["GraphIR", "Tensors"], path: "Tests/TestSupport",
  swiftSettings: strict)

let tests: [Target] =
  modules.filter(\.tested).map { module in
    .testTarget(
      name: module.name + "Tests",
      dependencies: [.target(name: module.name), "TestSupport"]
        + (module.imports.filter { !$0.hasPrefix("C") } + module.testImports).map {
          .target(name: $0)
        },
      swiftSettings: strict)
  } + [
    .testTarget(name: "ArchitectureTests", swiftSettings: strict),
    .testTarget(
      name: "CommandLineTests", dependencies: ["tapq", "Pipeline", "TestSupport"],
      swiftSettings: strict),
  ]

let package = Package(
  name: "tapq",
  products: [.executable(name: "tapq", targets: ["tapq"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: foundations + sources + [executable, support] + tests,
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11,
  cxxLanguageStandard: .cxx17)
