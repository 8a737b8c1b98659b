public import GraphIR

/// How the columns that a layer's weight multiplies are read off its input.
public struct ObservedLayer: Sendable, Equatable {
  enum Columns: Sendable, Equatable {
    /// The innermost axis.
    case innermost
    case window(Window)
  }

  struct Window: Sendable, Equatable {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    /// Leading pads; trailing ones follow from the output size.
    var padding: Padding
  }

  enum Padding: Sendable, Equatable {
    case explicit(begin: [Int], end: [Int])
    case same(upper: Bool)
  }

  public let name: String
  public let input: String
  public let group: Int
  let columns: Columns

  /// A convolution: outputs have channels before positions.
  public var readsWindows: Bool { columns != .innermost }

  /// Whether zeros are read around the input.
  public var readsPadding: Bool {
    guard case .window(let window) = columns else { return false }
    return switch window.padding {
    case .explicit(let begin, let end): begin.contains { $0 > 0 } || end.contains { $0 > 0 }
    case .same: window.kernel.contains { $0 > 1 }
    }
  }

  /// A `Conv`, or a `Gemm` or `MatMul` whose constant is on the right.
  public init(name: String, node: Node, weightShape: [Int]) throws {
    self.name = name
    input = node.input(0) ?? ""
    guard node.op == "Conv" else {
      group = 1
      columns = .innermost
      return
    }
    let axes = weightShape.count - 2
    func list(_ attribute: String, _ fallback: Int, count: Int) throws -> [Int] {
      let values = try node.ints(attribute) ?? Array(repeating: fallback, count: count)
      guard values.count == count else {
        throw GraphError.attributeValue(
          node: node.label, attribute: attribute, problem: "must have \(count) values")
      }
      return values
    }
    let group = try node.int("group") ?? 1
    guard axes > 0, group > 0, weightShape[0] % group == 0 else {
      throw GraphError.attributeValue(
        node: node.label, attribute: "group", problem: "does not divide the output channels")
    }
    self.group = group
    let pads = try list("pads", 0, count: 2 * axes)
    let padding: Padding =
      switch try node.string("auto_pad") ?? "NOTSET" {
      case "SAME_UPPER": .same(upper: true)
      case "SAME_LOWER": .same(upper: false)
      case "VALID":
        .explicit(begin: [Int](repeating: 0, count: axes), end: [Int](repeating: 0, count: axes))
      default: .explicit(begin: Array(pads[..<axes]), end: Array(pads[axes...]))
      }
    let window = Window(
      kernel: Array(weightShape[2...]), strides: try list("strides", 1, count: axes),
      dilations: try list("dilations", 1, count: axes), padding: padding)
    guard window.strides.allSatisfy({ $0 > 0 }), window.dilations.allSatisfy({ $0 > 0 }) else {
      throw GraphError.attributeValue(
        node: node.label, attribute: "strides", problem: "and dilations must be positive")
    }
    columns = .window(window)
  }
}

extension ObservedLayer.Window {
  /// Output size and leading pad of every axis; nil where the window does not fit.
  func output(of input: [Int]) -> [(size: Int, begin: Int)]? {
    guard input.count == kernel.count else { return nil }
    var result: [(size: Int, begin: Int)] = []
    for axis in input.indices {
      let extent = (kernel[axis] - 1) * dilations[axis] + 1
      switch padding {
      case .explicit(let begin, let end):
        let room = input[axis] + begin[axis] + end[axis] - extent
        guard room >= 0 else { return nil }
        result.append((room / strides[axis] + 1, begin[axis]))
      case .same(let upper):
        let size = (input[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (size - 1) * strides[axis] + extent - input[axis])
        result.append((size, upper ? total / 2 : total - total / 2))
      }
    }
    return result
  }
}
