"""One quantized layer whose constants tests replace by unusual or bad ones."""

import dataclasses

import ml_dtypes
import numpy
from patterns import Builder

CHANNELS, FILTERS, DEPTH = 8, 5, 64


@dataclasses.dataclass
class Layer:
    """A convolution, or a matrix product where the weight has two axes, its output channels
    first."""

    x_scale: object = numpy.float32(8 / 255)
    x_zero: object = numpy.uint8(128)
    w: object = None
    w_scale: object = numpy.float32(0.004)
    w_zero: object = None
    """Zero for each scale, where it is omitted."""
    bias: object = None
    bias_scale: object = None
    """That of the sums, where it is omitted."""
    y_scale: object = numpy.float32(12 / 255)
    y_zero: object = numpy.uint8(120)
    axis: int = 0
    """Of the weight's scales."""
    reader: dict = dataclasses.field(default_factory=dict)
    """Scale and zero point of the node that reads the quantized input, where they differ from
    those of the node that quantizes it."""

    def __post_init__(self):
        random = numpy.random.default_rng(5)
        if self.w is None:
            shape = (FILTERS, CHANNELS, 3, 3)
            self.w = random.integers(-127, 128, shape).astype(numpy.int8)
        if self.w_zero is None:
            self.w_zero = numpy.zeros(numpy.shape(self.w_scale), self.w.dtype)
        if self.bias is None:
            self.bias = random.integers(-3000, 3000, len(self.w)).astype(numpy.int32)
        shape = (4, CHANNELS, 6, 6) if self.is_convolution else (4, self.w.shape[1])
        self.x = numpy.random.default_rng(8).normal(size=shape).astype(numpy.float32)

    @property
    def is_convolution(self):
        return self.w.ndim == 4

    @property
    def sum_scale(self):
        return numpy.float32(self.read("x_scale")) * self.w_scale

    def read(self, name):
        return self.reader.get(name, getattr(self, name))

    def constants(self, net, *names):
        return [net.constant(self.read(name)) for name in names]

    def quantized_input(self):
        net = Builder("layer", ["N", *self.x.shape[1:]], opset=21)
        own = [net.constant(self.x_scale), net.constant(self.x_zero)]
        return net, net.node("QuantizeLinear", "x", *own)

    def separate(self):
        """A float operator between nodes that dequantize and quantize."""
        net, x = self.quantized_input()
        x = net.node("DequantizeLinear", x, *self.constants(net, "x_scale", "x_zero"))
        weight = self.constants(net, "w", "w_scale", "w_zero")
        w = net.node("DequantizeLinear", *weight, axis=self.axis)
        scale = self.sum_scale if self.bias_scale is None else self.bias_scale
        b = net.node("DequantizeLinear", net.constant(self.bias), net.constant(scale), axis=0)
        if self.is_convolution:
            y = net.node("Conv", x, w, b, pads=[1, 1, 1, 1])
        else:
            y = net.node("Gemm", x, w, b, transB=1)
        own = self.constants(net, "y_scale", "y_zero")
        return net.model(net.node("DequantizeLinear", net.node("QuantizeLinear", y, *own), *own))

    def joined(self):
        """QLinearConv, or QLinearMatMul, which has no bias."""
        net, x = self.quantized_input()
        own = self.constants(net, "y_scale", "y_zero")
        inputs = [x, *self.constants(net, "x_scale", "x_zero")]
        inputs.append(net.constant(self.w if self.is_convolution else self.w.T.copy()))
        inputs += [*self.constants(net, "w_scale", "w_zero"), *own]
        if self.is_convolution:
            y = net.node("QLinearConv", *inputs, net.constant(self.bias), pads=[1, 1, 1, 1])
        else:
            y = net.node("QLinearMatMul", *inputs)
        return net.model(net.node("DequantizeLinear", y, *own))

    def exact(self, form):
        """The result of one of the forms in float64, between quantized input and output."""
        integers = saturated(self.x.astype(numpy.float64) / self.x_scale, self.x_zero)
        x = (integers - float(self.read("x_zero"))) * float(self.read("x_scale"))
        along = [-1 if axis == self.axis else 1 for axis in range(self.w.ndim)]
        w = self.w.astype(numpy.float64)
        w -= numpy.asarray(self.w_zero).astype(numpy.float64).reshape(along)
        w *= numpy.asarray(self.w_scale).astype(numpy.float64).reshape(along)
        is_joined = form == "joined"
        scale = self.sum_scale if is_joined or self.bias_scale is None else self.bias_scale
        bias = self.bias.astype(numpy.float64) * scale
        if self.is_convolution:
            padded = numpy.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
            windows = numpy.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
            y = numpy.einsum("nchwij,fcij->nfhw", windows, w) + bias.reshape(-1, 1, 1)
        else:
            y = x @ w.T + (0 if is_joined else bias)
        integers = saturated(y / self.y_scale, self.y_zero)
        return (integers - float(self.y_zero)) * self.y_scale


def saturated(quotients, zero):
    limits = ml_dtypes.iinfo(numpy.asarray(zero).dtype)
    return numpy.clip(numpy.rint(quotients) + float(zero), int(limits.min), int(limits.max))


def matrix(**changes):
    weights = numpy.random.default_rng(6).integers(-127, 128, (FILTERS, DEPTH))
    return Layer(**{"w": weights.astype(numpy.int8), **changes})
