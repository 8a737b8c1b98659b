import FloatRuntime
import GraphIR
import Tensors
import Testing

@testable import IntegerRuntime

/// Expects the bits of the float engine, on one thread and on several, in the first run and the
/// next.
func expectEqual(
  _ builder: LayerBuilder, inputs: [String: [Int]], integerShare: Bool = false
) throws {
  var builder = builder
  let feed = inputs.mapValues { builder.samples($0) }
  let expected = try FloatEngine(model: builder.model).run(
    feed.mapValues { .tensor($0) })
  for threads in [1, 3] {
    let engine = try IntegerEngine(model: builder.model, threads: threads)
    for _ in 0..<2 {
      let found = try engine.run(feed)
      for (name, value) in expected {
        guard case .tensor(let tensor) = value else { continue }
        #expect(found[name] == tensor, "\(name) on \(threads) threads")
      }
    }
    let profile = try engine.profile(feed)
    #expect(profile.arenaBytes >= profile.arenaLowerBound)
    if integerShare { #expect(profile.integerMultiplications > 0) }
  }
}
