/// What a formula may compute.
///
/// The sets of EMQ and Auto-Prox, with their guards: logarithms of what is not positive are 0,
/// roots of what is negative are 0, `invert` adds 1e-9.
public enum Primitive: String, Sendable, Hashable, CaseIterable {
  // Elementwise, of two values.
  case add, subtract, multiply, divide
  case power = "pow"
  case least, greatest
  // Elementwise, of one value.
  case negate = "neg"
  case abs, sq, sqrt, exp, log, abslog, invert, relu, sigmoid, tanh, sign
  // Of a whole vector or matrix, to the same shape.
  case softmax, logsoftmax, normalize, minmax
  // To a number.
  case sum, mean, std, max, min, norm, l1
  // Along the inputs, to a number for each output channel.
  case rowSum = "row_sum"
  case rowMean = "row_mean"
  case rowMax = "row_max"
  case rowNorm = "row_norm"
  // Along the output channels of a group, to a number for each input.
  case columnSum = "column_sum"
  case columnMean = "column_mean"
  case columnMax = "column_max"
  case columnNorm = "column_norm"
  /// `A v`: the product of a matrix with a number for each input.
  case matmul
  // Over the layers of the network.
  case layersSum = "layers_sum"
  case layersMean = "layers_mean"
  case layersStd = "layers_std"
  case layersMax = "layers_max"
  case layersMin = "layers_min"
  case layersRank = "layers_rank"
  case tailMean = "tail_mean"
  /// The value times a factor of the layer, which random plans tell: see `PlanFit`.
  case fitted

  enum Form {
    case binary, unary, reshaping, reduction, rowReduction, columnReduction, product, layers, plans
  }

  var form: Form {
    switch self {
    case .add, .subtract, .multiply, .divide, .power, .least, .greatest: .binary
    case .negate, .abs, .sq, .sqrt, .exp, .log, .abslog, .invert, .relu, .sigmoid, .tanh, .sign:
      .unary
    case .softmax, .logsoftmax, .normalize, .minmax: .reshaping
    case .sum, .mean, .std, .max, .min, .norm, .l1: .reduction
    case .rowSum, .rowMean, .rowMax, .rowNorm: .rowReduction
    case .columnSum, .columnMean, .columnMax, .columnNorm: .columnReduction
    case .matmul: .product
    case .layersSum, .layersMean, .layersStd, .layersMax, .layersMin, .layersRank, .tailMean:
      .layers
    case .fitted: .plans
    }
  }

  /// Nil where the name says it.
  var meaning: String? {
    guard form == .plans else { return nil }
    return
      "x times the factor of each layer that random plans, rounded and measured, say is missing"
  }

  var argumentCount: Int { form == .binary || form == .product ? 2 : 1 }

  /// Names that formulas call; the four operations are written with signs.
  static let callable: [String: Primitive] = Dictionary(
    uniqueKeysWithValues: allCases.filter {
      ![.add, .subtract, .multiply, .divide].contains($0)
    }.map { ($0.rawValue, $0) })

  /// The type of the result; nil where the arguments do not fit, with what would.
  func result(of arguments: [ValueType]) -> (type: ValueType?, wanted: String, index: Int) {
    let first = arguments[0]
    switch form {
    case .binary: return (first.joined(arguments[1]), "", 0)
    case .unary: return (first, "", 0)
    case .reshaping:
      return (first == .scalar ? nil : first, "several numbers", 0)
    case .reduction:
      return (first == .scalar ? nil : .scalar, "several numbers", 0)
    case .rowReduction:
      return (first == .matrix ? .rows : nil, "\(ValueType.matrix)", 0)
    case .columnReduction:
      return (first == .matrix ? .columns : nil, "\(ValueType.matrix)", 0)
    case .product:
      if first != .matrix { return (nil, "\(ValueType.matrix) first", 0) }
      return (arguments[1] == .columns ? .rows : nil, "\(ValueType.columns) second", 1)
    case .layers, .plans:
      return (
        first == .scalar ? .scalar : nil, "one number of each layer: reduce it with sum or mean", 0
      )
    }
  }
}
