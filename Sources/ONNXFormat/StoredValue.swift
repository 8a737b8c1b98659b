public import Tensors

/// What a `TensorProto`, `SequenceProto` or `OptionalProto` file holds.
public indirect enum StoredValue: Sendable, Equatable {
  case tensor(Tensor)
  case sequence([StoredValue])
  case optional(StoredValue?)
}
