import Testing

@testable import HardwareProfiles

@Suite struct QuantityTests {
  @Test func sizesReadWithTheirUnits() throws {
    #expect(try ByteSize.read("96KiB") == 98_304)
    #expect(try ByteSize.read("1.5 MiB") == 1_572_864)
    #expect(try ByteSize.read("640kB") == 640_000)
    #expect(try ByteSize.read("640KB") == 640_000)
    #expect(try ByteSize.read("7B") == 7)
  }

  @Test func halfAUnitIsExplained() {
    #expect(
      ByteSize.problem("96K")
        == .incompleteUnit(readings: ["96KiB (98304 bytes)", "96kB (96000 bytes)"]))
    #expect(
      ByteSize.problem("96K")?.description
        == "has half a unit: write 96KiB (98304 bytes) or 96kB (96000 bytes)")
    #expect(ByteSize.problem("96KiB") == nil)
    #expect(throws: QuantityProblem.incompleteUnit(readings: ["120MHz"])) {
      try Frequency.read("120M")
    }
  }

  @Test func wrongQuantitiesAreToldApart() {
    func problem(_ text: String) -> QuantityProblem? {
      do {
        _ = try TimeSpan.read(text)
        return nil
      } catch {
        return error
      }
    }
    let units = ["fs", "ps", "ns", "us", "ms", "s"]
    #expect(problem("5") == .missingUnit(units: units))
    #expect(problem("-5ms") == .negative)
    #expect(problem("5kg") == .unknownUnit("kg", units: units))
    #expect(problem("5cycles") == .unknownUnit("cycles", units: units))
    for text in ["", "ms", ".5ms", "1.2.3ms", "nan", "inf s", "\u{664}ms"] {
      #expect(problem(text) == .notANumber(units: units), "\(text)")
    }
    let long = String(repeating: "9", count: 400)
    #expect(problem(long + "s") == .outOfRange || problem(long + "s") == .notANumber(units: units))
    #expect(ByteSize.problem("0B") == .outOfRange)
    #expect(ByteSize.problem("99999999999GiB") == .outOfRange)
  }

  @Test func cyclesAreThoseOfTheClock() throws {
    #expect(try TimeSpan.read("3cycles", clock: 1.5e9) == 2e-9)
    #expect(try TimeSpan.read("1cycle", clock: 1e6) == 1e-6)
    #expect(try TimeSpan.read("4\u{b5}s") == 4e-6)
  }

  @Test func textsReadBackEqual() throws {
    var bits: UInt64 = 0x9e37_79b9_7f4a_7c15
    var seconds = [0, 1, 1e-9, 0.1, 1.0 / 3, 1e300, 123_456.789]
    for _ in 0..<2000 {
      bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let exponent = 1023 - 60 + (bits >> 58)
      seconds.append(Double(bitPattern: exponent << 52 | bits >> 12))
    }
    for value in seconds {
      let text = TimeSpan.text(value)
      #expect(try TimeSpan.read(text) == value, "\(text)")
      guard value > 0 else { continue }
      #expect(try Frequency.read(Frequency.text(value)) == value)
    }
    #expect(TimeSpan.text(1.3e-9) == "1.3ns")
    #expect(TimeSpan.text(2.5e-4) == "250us")
    #expect(Frequency.text(120e6) == "120MHz")
    #expect(ByteSize.text(640 * 1024) == "640KiB")
    #expect(ByteSize.text(1_500_000) == "1500kB")
    #expect(ByteSize.text(16_000_000_000) == "16GB")
    #expect(ByteSize.text(1 << 30) == "1GiB")
    #expect(ByteSize.text(1_000_001) == "1000001B")
  }
}
