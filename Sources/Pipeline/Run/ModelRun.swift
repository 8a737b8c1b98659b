import FloatRuntime
import Foundation
import GraphIR
import ONNXFormat
import Tensors

/// `tapq run`: one run of a model on files, its outputs as `.npy` files.
public struct ModelRun {
  public struct Options: Sendable {
    public var model: String
    /// `NAME=FILE`, or `FILE` where the model has one input.
    public var inputs: [String]
    public var outputFolder: String
    public var preprocessing: Preprocessing
    /// Nil for the engine that fits the model.
    public var engine: EngineKind?
    public var threads: Int
    public var overwrite: Bool

    public init(
      model: String, inputs: [String], outputFolder: String,
      preprocessing: Preprocessing = Preprocessing(), engine: EngineKind? = nil,
      threads: Int = 1, overwrite: Bool = false
    ) {
      self.model = model
      self.inputs = inputs
      self.outputFolder = outputFolder
      self.preprocessing = preprocessing
      self.engine = engine
      self.threads = threads
      self.overwrite = overwrite
    }
  }

  public struct Report: Sendable, Codable, Equatable {
    public struct Output: Sendable, Codable, Equatable {
      public var name: String
      public var type: String
      public var shape: [Int]
      public var file: String
    }

    public var outputs: [Output]
  }

  public static func run(_ options: Options) throws -> Report {
    let model = try ONNXFile.load(path: options.model)
    let names = model.graph.outputs.map(\.name)
    let files = try outputFiles(names, options: options)
    let engine = try ModelError.naming(options.model) {
      try ModelEngine(
        options.engine ?? EngineKind(for: model), model: model, threads: options.threads)
    }
    let feed = try WholeInputs.read(
      options.inputs, model: model, preprocessing: options.preprocessing)
    let values = try ModelError.naming(options.model) {
      try engine.run(feed)
    }
    let tensors = try names.map { name in
      guard case .tensor(let tensor)? = values[name] else {
        throw RunError.outputKind(name: name)
      }
      return tensor
    }
    do {
      try FileManager.default.createDirectory(
        atPath: options.outputFolder, withIntermediateDirectories: true)
    } catch {
      throw TensorFileError.cannotWrite(
        path: options.outputFolder, reason: "the folder cannot be made")
    }
    for (file, tensor) in zip(files, tensors) {
      try NpyFile.write(tensor, to: file, overwrite: options.overwrite)
    }
    return Report(
      outputs: zip(names, zip(files, tensors)).map { name, result in
        Report.Output(
          name: name, type: result.1.elementType.description, shape: result.1.shape,
          file: result.0)
      })
  }

  /// Where every output goes; throws before anything is computed where one cannot be written.
  private static func outputFiles(_ names: [String], options: Options) throws -> [String] {
    let exists = try OutputFile.checkFolder(options.outputFolder)
    var files: [String] = []
    for name in names {
      let file =
        options.outputFolder + "/" + name.replacingOccurrences(of: "/", with: "_") + ".npy"
      guard !files.contains(file) else { throw RunError.outputNames(file: file) }
      if exists { try OutputFile.checkWritable(file, overwrite: options.overwrite) }
      files.append(file)
    }
    return files
  }
}

public enum RunError: Error, Equatable, Sendable {
  case outputKind(name: String)
  case outputNames(file: String)
}

extension RunError: CustomStringConvertible, UnmetRequestError {
  public var description: String {
    switch self {
    case .outputKind(let name):
      "output '\(name)' is a sequence or an optional, which a .npy file cannot hold"
    case .outputNames(let file): "two outputs of the model would both be written to \(file)"
    }
  }
}
