import GraphIR
import Tensors

/// The attributes that convolutions and pooling share.
package struct WindowAttributes: Sendable {
  enum AutoPad: String {
    case explicit = "NOTSET"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
    case valid = "VALID"
  }

  /// Bound on every attribute, so that sums and products of two cannot overflow.
  private static let limit = 1 << 30

  let label: String
  let kernel: [Int]?
  let strides: [Int]?
  let pads: [Int]?
  let dilations: [Int]?
  let autoPad: AutoPad
  let ceilMode: Bool

  package init(_ node: Node) throws {
    label = node.label
    kernel = try WindowAttributes.list(node, "kernel_shape", least: 1)
    strides = try WindowAttributes.list(node, "strides", least: 1)
    pads = try WindowAttributes.list(node, "pads", least: -WindowAttributes.limit)
    dilations = try WindowAttributes.list(node, "dilations", least: 1)
    ceilMode = try node.int("ceil_mode") ?? 0 != 0
    let mode = try node.string("auto_pad") ?? "NOTSET"
    guard let known = AutoPad(rawValue: mode.isEmpty ? "NOTSET" : mode) else {
      throw RuntimeError.attribute(node: label, problem: "unknown auto_pad '\(mode)'")
    }
    autoPad = known
  }

  private static func list(_ node: Node, _ name: String, least: Int) throws -> [Int]? {
    let values = try node.ints(name)
    guard values?.allSatisfy({ $0 >= least && $0 <= limit }) ?? true else {
      throw RuntimeError.attribute(
        node: node.label, problem: "attribute '\(name)' has a value out of range")
    }
    return values
  }

  func axes(_ values: [Int]?, _ name: String, count: Int, default value: Int) throws -> [Int] {
    guard let values, !values.isEmpty else { return Array(repeating: value, count: count) }
    guard values.count == count else {
      throw RuntimeError.attribute(
        node: label, problem: "attribute '\(name)' has \(values.count) values, needs \(count)")
    }
    return values
  }

  /// The window over an input of the spatial shape `input`. `kernel` is the weight's own shape
  /// for convolutions; pooling passes nil.
  package func geometry(input: [Int], kernel given: [Int]? = nil) throws -> WindowGeometry {
    let rank = input.count
    guard (1...3).contains(rank), input.allSatisfy({ $0 >= 0 && $0 <= WindowAttributes.limit })
    else {
      throw RuntimeError.input(
        node: label, problem: "windows of 1 to 3 axes are supported, the input has \(input)")
    }
    guard let kernel = given ?? self.kernel, kernel.count == rank,
      kernel.allSatisfy({ $0 >= 1 && $0 <= WindowAttributes.limit })
    else { throw RuntimeError.attribute(node: label, problem: "kernel_shape does not fit") }
    if let own = self.kernel, own != kernel {
      throw RuntimeError.attribute(
        node: label, problem: "kernel_shape \(own) differs from the weight's \(kernel)")
    }
    let strides = try axes(strides, "strides", count: rank, default: 1)
    let dilations = try axes(dilations, "dilations", count: rank, default: 1)
    let pads = try axes(pads, "pads", count: 2 * rank, default: 0)
    let axes = try (0..<rank).map { axis in
      try axisWindow(
        input: input[axis], kernel: kernel[axis], stride: strides[axis],
        dilation: dilations[axis], pads: (pads[axis], pads[axis + rank]))
    }
    let sizes = axes.flatMap { [$0.phases, max($0.extent, 0)] }
    guard Tensor.checkedCount(of: sizes + axes.map(\.kernel)) != nil else {
      throw RuntimeError.attribute(node: label, problem: "the window is too large")
    }
    return WindowGeometry(rank: rank, axes: axes)
  }

  private func axisWindow(
    input: Int, kernel: Int, stride: Int, dilation: Int, pads: (Int, Int)
  ) throws -> WindowGeometry.Axis {
    let span = (kernel - 1) * dilation + 1
    var begin = pads.0
    var end = pads.1
    var output: Int
    switch autoPad {
    case .explicit:
      let room = input + begin + end - span
      output = room < 0 ? 0 : room / stride + 1
      if ceilMode, room >= 0, room % stride != 0,
        // A window that starts in the padding after the input is dropped.
        output * stride < input + begin
      {
        output += 1
      }
    case .valid:
      begin = 0
      end = 0
      output = input < span ? 0 : (input - span) / stride + 1
    case .sameUpper, .sameLower:
      output = (input + stride - 1) / stride
      let total = max(0, (output - 1) * stride + span - input)
      begin = autoPad == .sameUpper ? total / 2 : total - total / 2
      end = total - begin
    }
    if input == 0 && output <= 0 { output = 0 }
    return WindowGeometry.Axis(
      input: input, output: output, kernel: kernel, stride: stride, dilation: dilation,
      padBegin: begin, padEnd: end)
  }
}
