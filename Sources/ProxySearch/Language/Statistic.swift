/// What a formula may know of a layer at `b` bits.
public enum Statistic: String, Sendable, Hashable, CaseIterable {
  case weights = "W"
  case error = "dW"
  case feedbackError = "dG"
  case inputPower = "X2"
  case inputMean = "X1"
  case outputPower = "Y2"
  case outputError = "dY2"
  case feedbackOutputError = "dYG2"
  case step = "S"
  case bits = "b"
  case fanIn = "fan_in"
  case fanOut = "fan_out"
  case groups
  case parameters = "params"
  case macs
  case depth
  case layers
  case isConvolution = "is_conv"
  case isDepthwise = "is_depthwise"
  case isProduct = "is_product"
  case gamma
  case gradient = "G"
  case squaredGradient = "G2"
  case virtualGradient = "GV"
  case outputGradient = "YG2"
  case channelFisher = "YF"
  case trace
  case eigenvalue
  case synapticFlow = "synflow"
  case localTrace = "local_trace"
  case pruned
  case disturbed
  case measured
  case measuredSmooth = "measured_smooth"
  case measuredDivergence = "measured_kl"
  case measuredNoise = "measured_noise"

  public var type: ValueType {
    switch self {
    case .weights, .error, .feedbackError, .gradient, .squaredGradient, .virtualGradient: .matrix
    case .inputPower, .inputMean: .columns
    case .outputPower, .outputError, .feedbackOutputError, .step, .outputGradient, .channelFisher:
      .rows
    default: .scalar
    }
  }

  public var meaning: String {
    switch self {
    case .weights: "weights"
    case .error: "Q(W) - W, rounded to nearest at the scales of least error"
    case .feedbackError: "Q(W) - W, rounded with error feedback (GPTQ)"
    case .inputPower: "mean square of the inputs, E[x^2]"
    case .inputMean: "mean of the inputs, E[x]"
    case .outputPower: "mean square of the outputs without bias, E[(W x)^2]"
    case .outputError: "mean square of the output error, E[(dW x)^2]"
    case .feedbackOutputError: "mean square of the output error, E[(dG x)^2]"
    case .step: "step size of the quantizer"
    case .bits: "bits of a weight"
    case .fanIn: "weights of an output channel"
    case .fanOut: "output channels"
    case .groups: "convolution groups"
    case .parameters: "weights of the layer"
    case .macs: "multiply-accumulates for one sample"
    case .depth: "position of the layer, from 0"
    case .layers: "number of layers"
    case .isConvolution: "1 for Conv, else 0"
    case .isDepthwise: "1 for a Conv whose groups have one input channel each, else 0"
    case .isProduct: "1 for Gemm and MatMul, else 0"
    case .gamma: "sum over the other layers of the linear CKA of their features (OMPQ)"
    case .gradient: "mean gradient of the loss with respect to the weights"
    case .squaredGradient: "mean square of it over the samples (diagonal of the Fisher matrix)"
    case .virtualGradient:
      "gradient of the sum of the outputs for inputs of one, with respect to the weights"
    case .outputGradient: "mean square of the loss's gradient with respect to the outputs"
    case .channelFisher: "mean square over the samples of the sum of outputs times their gradients"
    case .trace: "trace of the layer's block of the loss's Hessian (Hutchinson)"
    case .eigenvalue: "largest eigenvalue of the layer's block of the loss's Hessian"
    case .synapticFlow:
      "sum |W dR/dW|, R the sum of the outputs of the network of all magnitudes for inputs of one"
    case .localTrace:
      "trace of the Hessian of the squared change of the layer's outputs; of layers in an attention, "
        + "of the attention's outputs"
    case .pruned:
      "distance of the network's outputs without 30 % of the layer's weights, the smallest"
    case .disturbed: "distance of the network's outputs with standard normal noise on the weights"
    case .measured: "measured distance of the network's outputs with only this layer rounded"
    case .measuredSmooth:
      "the same on a smooth curve: the layer's output error times its mean effect on the outputs"
    case .measuredDivergence:
      "measured divergence of the class distribution with only this layer rounded, in nats"
    case .measuredNoise:
      "measured noise over signal of the network's outputs with only this layer rounded"
    }
  }

  /// Whether it takes a run of the network for each layer and width.
  public var isMeasured: Bool {
    switch self {
    case .measured, .measuredSmooth, .measuredDivergence, .measuredNoise, .pruned, .disturbed: true
    default: false
    }
  }

  /// Whether the layer's shape and the width say it.
  var isSize: Bool {
    switch self {
    case .bits, .fanIn, .fanOut, .groups, .parameters, .macs, .depth, .layers, .isConvolution,
      .isDepthwise, .isProduct:
      true
    default: false
    }
  }

  /// Whether it changes with the width.
  var dependsOnBits: Bool {
    switch self {
    case .error, .feedbackError, .outputError, .feedbackOutputError, .step, .bits, .measured,
      .measuredSmooth,
      .measuredDivergence, .measuredNoise:
      true
    default: false
    }
  }
}
