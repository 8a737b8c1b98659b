public import Tensors

/// What flows along an edge while a graph runs.
public indirect enum RuntimeValue: Sendable {
  case tensor(Tensor)
  case sequence([RuntimeValue])
  case optional(RuntimeValue?)
}
