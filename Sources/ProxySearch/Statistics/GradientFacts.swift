/// What the gradients of a loss, sample by sample, tell of a layer.
public struct GradientFacts: Sendable, Equatable {
  /// Mean gradient with respect to the weights, `[outputs, fan_in]` in the order of the rows.
  public var mean: [Float]
  /// Mean square of it: the diagonal of the empirical Fisher matrix.
  public var meanSquare: [Float]
  /// Mean square of the gradient with respect to a value of each output channel.
  public var outputMeanSquare: [Double]
  /// Mean over the samples of the squared sum over a channel's positions of value times gradient.
  public var channelFisher: [Double]

  public init(
    mean: [Float], meanSquare: [Float], outputMeanSquare: [Double], channelFisher: [Double]
  ) {
    self.mean = mean
    self.meanSquare = meanSquare
    self.outputMeanSquare = outputMeanSquare
    self.channelFisher = channelFisher
  }
}
