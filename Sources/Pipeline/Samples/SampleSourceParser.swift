import Foundation
import ONNXFormat
import Tensors

/// Finds out which source feeds which input.
struct SampleSourceParser {
  struct Bindings {
    var readers: [(target: InputTarget, reader: any InputReader)] = []
    var constants: [(target: InputTarget, value: Double)] = []
    var labels: [Int]?

    var names: Set<String> {
      Set(readers.map(\.target.name) + constants.map(\.target.name))
    }
  }

  let targets: [InputTarget]
  let preprocessing: Preprocessing

  func parse(_ sources: [String]) throws -> Bindings {
    guard !sources.isEmpty else { throw SampleError.noSource }
    var bindings = Bindings()
    for source in sources {
      if let (target, path) = try named(source) {
        try bind(target, to: path, in: &bindings)
      } else if SourceKind(path: source) == .npz {
        for (name, tensor) in try NpzFile.read(path: source) {
          let target = try npzTarget(name, source: source)
          try add(array(tensor, from: source, for: target), for: target, to: &bindings)
        }
      } else if targets.count == 1 {
        try bind(targets[0], to: source, in: &bindings)
      } else {
        throw SampleError.inputUnnamed(source: source, inputs: targets.map(\.name))
      }
    }
    for target in targets where !bindings.names.contains(target.name) {
      throw SampleError.inputMissing(name: target.name)
    }
    return bindings
  }

  /// Splits `NAME=PATH`; nil where the text is only a path.
  private func named(_ source: String) throws(SampleError) -> (InputTarget, path: String)? {
    guard let separator = source.firstIndex(of: "=") else { return nil }
    let name = String(source[..<separator])
    let path = String(source[source.index(after: separator)...])
    if let target = targets.first(where: { $0.name == name }) { return (target, path) }
    if FileManager.default.fileExists(atPath: source) { return nil }
    throw .inputUnknown(source: source, input: name, inputs: targets.map(\.name))
  }

  private func npzTarget(_ name: String, source: String) throws(SampleError) -> InputTarget {
    if let target = targets.first(where: { $0.name == name }) { return target }
    throw .inputUnknown(source: source, input: name, inputs: targets.map(\.name))
  }

  private func bind(
    _ target: InputTarget, to path: String, in bindings: inout Bindings
  ) throws {
    let conversion = InputConversion(target: target, preprocessing: preprocessing)
    switch SourceKind(path: path) {
    case .npy:
      let tensor = try NpyFile.read(path: path)
      try add(array(tensor, from: path, for: target), for: target, to: &bindings)
    case .npz:
      let arrays = try NpzFile.read(path: path)
      guard
        let tensor = arrays.first(where: { $0.name == target.name })?.tensor ?? arrays.first?.tensor
      else { throw SampleError.noSamples(source: path) }
      try add(array(tensor, from: path, for: target), for: target, to: &bindings)
    case .tensorProto:
      let tensor = try TensorProtoFile.load(path: path)
      try add(array(tensor, from: path, for: target), for: target, to: &bindings)
    case .image:
      let reader = ImageReader(source: path, paths: [path], conversion: conversion)
      try add(reader, for: target, to: &bindings)
    case .folder:
      let paths = try ImageFolder.list(path: path)
      let reader = ImageReader(source: path, paths: paths, conversion: conversion)
      try add(reader, for: target, to: &bindings)
    case .list:
      let list = try ImageList(path: path)
      bindings.labels = list.labels
      let reader = ImageReader(source: path, paths: list.paths, conversion: conversion)
      try add(reader, for: target, to: &bindings)
    case nil:
      if let value = Double(path), !FileManager.default.fileExists(atPath: path) {
        try checkNew(target, in: bindings)
        bindings.constants.append((target, value))
        return
      }
      guard FileManager.default.fileExists(atPath: path) else {
        throw TensorFileError.cannotOpen(path: path, reason: "there is no such file")
      }
      throw TensorFileError.unknownFormat(path: path, expected: SourceKind.expectation)
    }
  }

  private func array(
    _ tensor: Tensor, from path: String, for target: InputTarget
  ) -> ArrayReader {
    ArrayReader(
      source: path, tensor: tensor,
      conversion: InputConversion(target: target, preprocessing: preprocessing))
  }

  private func add(
    _ reader: any InputReader, for target: InputTarget, to bindings: inout Bindings
  ) throws(SampleError) {
    try checkNew(target, in: bindings)
    bindings.readers.append((target, reader))
  }

  private func checkNew(_ target: InputTarget, in bindings: Bindings) throws(SampleError) {
    guard !bindings.names.contains(target.name) else { throw .inputRepeated(name: target.name) }
  }
}

/// What a source is, by its name and by what lies there.
enum SourceKind {
  case npy, npz, tensorProto, image, folder, list

  static let expectation =
    "a .npy, .npz or .pb file, an image, a folder of images or a .txt list of them"

  /// Nil where the name says nothing that is known.
  init?(path: String) {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      self = .folder
      return
    }
    switch URL(fileURLWithPath: path).pathExtension.lowercased() {
    case "npy": self = .npy
    case "npz": self = .npz
    case "pb": self = .tensorProto
    case "txt": self = .list
    case let other where ImageFile.extensions.contains(other): self = .image
    default: return nil
    }
  }
}
