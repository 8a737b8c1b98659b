/// How weights become integers.
public enum RoundingMethod: String, Sendable, Codable, CaseIterable {
  /// Every weight to its nearest integer.
  case nearest
  /// Error feedback with the second moment of the layer's inputs, then coordinate descent.
  case gptq
  /// `gptq`, then rounding learned layer by layer (`SoftRounding`).
  case adaround
  /// `gptq`, then rounding learned block by block, at the outputs of residual blocks.
  case block
}
