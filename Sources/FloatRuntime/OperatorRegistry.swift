/// The operators that the engine implements, by family; one family, one file in `Operators/`.
enum OperatorRegistry {
  static let families: [[OperatorDefinition]] = [
    ActivationOperators.definitions,
    ArithmeticOperators.definitions,
    CastOperators.definitions,
    ConcatOperators.definitions,
    ConstantOperators.definitions,
    ControlFlowOperators.definitions,
    GatherOperators.definitions,
    LogicOperators.definitions,
    RecurrentOperators.definitions,
    ScatterOperators.definitions,
    SequenceOperators.definitions,
    ShapeOperators.definitions,
    SliceOperators.definitions,
    QuantizeOperators.definitions,
    BlockOperators.definitions,
    UniqueOperator.definitions,
    RegionOperators.definitions,
    ResizeOperator.definitions,
    GridOperators.definitions,
    TextOperators.definitions,
    TermFrequencyOperator.definitions,
    UnaryOperators.definitions,
    ErfGeluOperator.definitions,
    MaskedSoftmaxOperator.definitions,
    FusedAttentionOperator.definitions,
    RotaryEmbedding.definitions,
    AttentionOperator.definitions,
    WindowOperators.definitions,
    SpectrumOperators.definitions,
    EinsumOperator.definitions,
    WhereOperator.definitions,
    ReductionOperators.definitions,
    SoftmaxOperators.definitions,
    NormalizationOperators.definitions,
    LocalResponseNormalization.definitions,
    LossOperators.definitions,
    SelectionOperators.definitions,
    CumulativeOperators.definitions,
    DropoutOperator.definitions,
    DeterminantOperator.definitions,
    ConvolutionOperators.definitions.map(\.acceptingHalves),
    MatMulOperators.definitions.map(\.acceptingHalves),
    PoolingOperators.definitions.map(\.acceptingHalves),
    ConvTransposeOperator.definitions.map(\.acceptingHalves),
    QuantizedConvolutionOperators.definitions,
    QuantizedMatMulOperators.definitions.map(\.acceptingHalves),
    BlockedGemmOperator.definitions,
    QuantizedPoolingOperators.definitions,
    MaxUnpoolOperator.definitions,
    BatchNormalizationOperator.definitions.map(\.acceptingHalves),
  ]

  static let definitions: [String: OperatorDefinition] = {
    var table: [String: OperatorDefinition] = [:]
    for definition in families.joined() {
      table[key(definition.name, domain: definition.domain)] = definition
    }
    return table
  }()

  static func key(_ op: String, domain: String) -> String { "\(domain):\(op)" }
}
