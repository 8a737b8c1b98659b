import Tensors
import Testing

@testable import FloatRuntime

struct SmallFloatTests {
  @Test(
    "Every code survives decoding and encoding",
    arguments: [
      ElementType.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1,
    ])
  func roundTrip(type: ElementType) throws {
    let format = try #require(SmallFloat(type))
    for code in UInt8(0)...(type == .float4e2m1 ? 15 : 255) {
      let value = format.decode(code)
      if value.isNaN {
        #expect(format.decode(format.encode(value, saturate: false)).isNaN)
      } else {
        #expect(format.encode(value, saturate: false) == code, "\(value)")
      }
    }
  }

  @Test("Ties go to even codes, overflow saturates or not as asked")
  func rounding() throws {
    let format = try #require(SmallFloat(.float8e4m3fn))
    // 1 has code 0x38, the next value 1.125.
    #expect(format.encode(1.0625, saturate: true) == 0x38)
    #expect(format.encode(1.1875, saturate: true) == 0x3A)
    #expect(format.encode(464, saturate: false) == 0x7E)
    #expect(format.encode(465, saturate: false) == 0x7F)
    #expect(format.encode(-1e6, saturate: true) == 0xFE)
    let wide = try #require(SmallFloat(.float8e5m2))
    #expect(wide.encode(.infinity, saturate: true) == 0x7B)
    #expect(wide.encode(.infinity, saturate: false) == 0x7C)
  }

  @Test("Integers drop high bits, floats truncate toward zero")
  func integers() throws {
    let conversion = TypeConversion()
    let wide = Tensor([Int32(300), -200, 7], shape: [3])
    #expect(conversion.convert(wide, to: .int8)?.elements(of: Int8.self) == [44, 56, 7])
    #expect(conversion.convert(wide, to: .int4)?.integers() == [-4, -8, 7])
    let real = Tensor([Float(2.9), -2.9, .nan], shape: [3])
    #expect(conversion.convert(real, to: .int64)?.elements(of: Int64.self) == [2, -2, .min])
    let text = Tensor(strings: ["1.5", " -7 ", "x"].map { Array($0.utf8) }, shape: [3])
    #expect(conversion.convert(text, to: .float32) == nil)
  }
}
