import GraphIR
import Tensors
import TestSupport
import Testing

@testable import Pipeline

@Suite struct SampleSourceTests {
  let folder: TemporaryFolder
  let tokens = modelTaking([
    ("ids", .int64, [.symbolic("N"), .symbolic("S")]),
    ("mask", .int64, [.symbolic("N"), .symbolic("S")]),
    ("types", .int64, [.symbolic("N"), .symbolic("S")]),
  ])

  init() throws { folder = try TemporaryFolder() }

  private func npy(_ tensor: Tensor, as name: String) throws -> String {
    let path = folder.path(name)
    try NpyFile.write(tensor, to: path, overwrite: true)
    return path
  }

  private func sentence(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test func givesRowsOneByOneAndJoined() throws {
    let model = modelTaking([("x", .float32, [.symbolic("N"), .fixed(2)])])
    let path = try npy(Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]), as: "x.npy")
    let source = try SampleSource([path], model: model)
    #expect(source.count == 3)
    #expect(source.canBatch)
    #expect(try source.feed(1)["x"] == Tensor([3, 4] as [Float], shape: [1, 2]))
    #expect(try source.batch(1..<3)?["x"] == Tensor([3, 4, 5, 6] as [Float], shape: [2, 2]))
    #expect(try SampleSource([path], model: model, limit: 2).count == 2)
  }

  @Test func followsAFixedBatch() throws {
    let model = modelTaking([("x", .float32, [.fixed(2), .fixed(1)])])
    let path = try npy(Tensor([1, 2, 3, 4] as [Float], shape: [4, 1]), as: "x.npy")
    let source = try SampleSource([path], model: model)
    #expect(source.count == 2 && source.rowsPerSample == 2 && !source.canBatch)
    #expect(try source.feed(1)["x"] == Tensor([3, 4] as [Float], shape: [2, 1]))
    let odd = try npy(Tensor([1, 2, 3] as [Float], shape: [3, 1]), as: "odd.npy")
    #expect(sentence { _ = try SampleSource([odd], model: model) }.contains("no multiple"))
  }

  @Test func dropsTheAxisThatTheModelLacks() throws {
    let model = modelTaking([("x", .float32, [.fixed(2)])])
    let path = try npy(Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]), as: "x.npy")
    let source = try SampleSource([path], model: model)
    #expect(source.count == 1)
    let loose = modelTaking([("x", .float32, [.symbolic("T")])])
    let rows = try SampleSource([path], model: loose)
    #expect(try rows.feed(1)["x"] == Tensor([3, 4] as [Float], shape: [2]))
  }

  @Test func fillsInputsToTheSizeOfTheOthers() throws {
    let ids = try npy(Tensor([5, 6, 7, 8] as [Int64], shape: [2, 2]), as: "ids.npy")
    let mask = try npy(Tensor([1, 1, 1, 0] as [Int64], shape: [2, 2]), as: "mask.npy")
    let source = try SampleSource(["ids=\(ids)", "mask=\(mask)", "types=0"], model: tokens)
    let feed = try source.feed(1)
    #expect(feed["ids"] == Tensor([7, 8] as [Int64], shape: [1, 2]))
    #expect(feed["types"] == Tensor([0, 0] as [Int64], shape: [1, 2]))
  }

  @Test func wrongSourcesAreNamed() throws {
    let ids = try npy(Tensor([5, 6, 7, 8] as [Int64], shape: [2, 2]), as: "ids.npy")
    let short = try npy(Tensor([5, 6] as [Int64], shape: [1, 2]), as: "short.npy")
    func failure(_ sources: [String]) -> String {
      sentence { _ = try SampleSource(sources, model: tokens) }
    }
    #expect(failure([ids]).contains("NAME=\(ids)"))
    #expect(failure(["ids=\(ids)", "mask=\(ids)"]).contains("types=0 fills it"))
    #expect(failure(["ids=\(ids)", "ids=\(ids)"]) == "input 'ids' is given twice")
    #expect(failure(["idz=\(ids)"]).contains("'ids', 'mask', 'types'"))
    #expect(
      failure(["ids=\(ids)", "mask=\(short)", "types=0"])
        == "\(short) has 1 samples, \(ids) has 2")
    #expect(failure(["ids=\(folder.path("no.npy"))"]).contains("No such file"))
    #expect(failure(["ids=\(folder.path("no.dat"))"]).contains("no such file"))
    let other = try folder.write("x", as: "x.dat")
    #expect(failure(["ids=\(other)"]).contains("is not a .npy"))
  }

  @Test func shapesAndTypesThatDoNotFitAreNamed() throws {
    let path = try npy(Tensor([Float](repeating: 0, count: 8), shape: [2, 4]), as: "x.npy")
    let shape = sentence { _ = try SampleSource([path], model: imageModel).feed(0) }
    #expect(
      shape == "\(path) has shape [2, 4], which does not fit input 'input' of shape [N, 3, 2, 2]")
    let doubles = try npy(
      Tensor([Double](repeating: 0, count: 12), shape: [1, 3, 2, 2]), as: "d.npy")
    let type = sentence { _ = try SampleSource([doubles], model: imageModel).feed(0) }
    #expect(type.hasPrefix("\(doubles) holds double, input 'input' takes float"))
  }

  @Test func aNaNIsNamedByItsSample() throws {
    var values = [Float](repeating: 1, count: 24)
    values[17] = .nan
    let path = try npy(Tensor(values, shape: [2, 3, 2, 2]), as: "nan.npy")
    let source = try SampleSource([path], model: imageModel)
    _ = try source.feed(0)
    #expect(sentence { _ = try source.feed(1) } == "sample 1 of \(path) holds a NaN")
  }

  @Test func noSamplesIsAnError() throws {
    let path = try npy(Tensor([] as [Float], shape: [0, 3, 2, 2]), as: "none.npy")
    #expect(
      sentence { _ = try SampleSource([path], model: imageModel) } == "\(path) holds no samples")
    #expect(sentence { _ = try SampleSource([], model: imageModel) } == "no data is given")
    let empty = try TemporaryFolder()
    #expect(
      sentence { _ = try SampleSource([empty.url.path], model: imageModel) }
        .contains("no .jpg"))
  }

  @Test func listsGivePathsAndClasses() throws {
    let list = try folder.write("# split\nb.png 3 wolf\n\na.png 1\n", as: "list.txt")
    let parsed = try ImageList(path: list)
    #expect(parsed.paths == [folder.path("b.png"), folder.path("a.png")])
    #expect(parsed.labels == [3, 1])
    let partial = try folder.write("a.png 1\nb.png\n", as: "partial.txt")
    #expect(throws: SampleError.self) { try ImageList(path: partial) }
    let wrong = try folder.write("a.png cat\n", as: "wrong.txt")
    #expect(
      throws: SampleError.list(path: wrong, line: 1, problem: "'cat' is not a class index")
    ) { try ImageList(path: wrong) }
  }
}
