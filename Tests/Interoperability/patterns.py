"""Small networks, one for each pattern that has to fuse; weights repeat in every run."""

from dataclasses import dataclass, field, replace

import numpy
import onnx
from onnx import helper, numpy_helper


@dataclass
class Pattern:
    """A network and the integer kernels that stock ONNX Runtime has to use for it."""

    name: str
    model: onnx.ModelProto
    kernels: dict
    inputs: dict = field(default_factory=dict)
    products: int = 0
    """Products of two computed values, as those of an attention."""


class Builder:
    def __init__(self, name, shape, opset=17):
        self.name, self.shape, self.opset = name, shape, opset
        self.random = numpy.random.default_rng(sum(map(ord, name)))
        self.nodes, self.initializers = [], []

    def constant(self, values):
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(numpy.asarray(values), name))
        return name

    def weight(self, *shape):
        spread = (numpy.prod(shape[1:]) if len(shape) > 1 else 8) ** -0.5
        return self.constant(self.random.normal(0, spread, shape).astype(numpy.float32))

    def node(self, operator, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{position}" for position in range(outputs)]
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=name, **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, data, channels, filters, kernel=3, bias=True, **attributes):
        group = attributes.get("group", 1)
        size = kernel if isinstance(kernel, list) else [kernel, kernel]
        inputs = [data, self.weight(filters, channels // group, *size)]
        if bias:
            inputs.append(self.weight(filters))
        if "pads" not in attributes and "auto_pad" not in attributes:
            attributes["pads"] = [side // 2 for side in size] * 2
        return self.node("Conv", *inputs, **attributes)

    def model(self, output):
        """The network as it is, checked by nothing."""
        self.nodes[-1].output[list(self.nodes[-1].output).index(output)] = "y"
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
            self.initializers,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets),
        )

    def inferred(self, output):
        """The network with the shapes of all its values."""
        return onnx.shape_inference.infer_shapes(self.model(output), strict_mode=True)

    def pattern(self, output, **kernels):
        return Pattern(
            self.name,
            self.inferred(output),
            kernels,
            {"x": self.random.normal(size=[24, *self.shape[1:]]).astype(numpy.float32)},
        )


def convolution_patterns():
    forms = {
        "plain": dict(channels=4, filters=8),
        "odd channels": dict(channels=3, filters=7),
        "no bias": dict(channels=4, filters=8, bias=False),
        "strided": dict(channels=4, filters=5, strides=[2, 2]),
        "dilated": dict(channels=4, filters=5, dilations=[2, 2]),
        "grouped": dict(channels=6, filters=9, group=3),
        "depthwise": dict(channels=8, filters=8, group=8),
        "depthwise with multiplier": dict(channels=4, filters=8, group=4),
        "pointwise": dict(channels=5, filters=11, kernel=1),
        "same padding": dict(channels=4, filters=4, auto_pad="SAME_UPPER", strides=[2, 2]),
        "asymmetric padding": dict(channels=4, filters=4, pads=[1, 0, 2, 1]),
    }
    for name, form in forms.items():
        net = Builder(f"conv {name}", ["N", form["channels"], 9, 9])
        yield net.pattern(net.conv("x", **form), QLinearConv=1)
    net = Builder("conv of one dimension", ["N", 4, 16])
    yield net.pattern(net.conv("x", 4, 6, kernel=[3], pads=[1, 1]), QLinearConv=1)


def activation_patterns():
    for name, limits in {"Clip 0..6": (0, 6), "Clip -1..1": (-1, 1)}.items():
        net = Builder(name, ["N", 4, 8, 8])
        bounds = [net.constant(numpy.float32(limit)) for limit in limits]
        clipped = net.node("Clip", net.conv("x", 4, 8), *bounds)
        yield net.pattern(net.conv(clipped, 8, 4), QLinearConv=2, Clip=0)
    net = Builder("Relu", ["N", 4, 8, 8])
    yield net.pattern(net.conv(net.node("Relu", net.conv("x", 4, 8)), 8, 4), QLinearConv=2, Relu=0)
    net = Builder("LeakyRelu", ["N", 4, 8, 8])
    leaky = net.node("LeakyRelu", net.conv("x", 4, 8), alpha=0.1)
    yield net.pattern(net.conv(leaky, 8, 4), QLinearConv=2, QLinearLeakyRelu=1)
    net = Builder("Swish", ["N", 4, 8, 8])
    data = net.conv("x", 4, 8)
    swish = net.node("Mul", data, net.node("Sigmoid", data))
    yield net.pattern(net.conv(swish, 8, 4), QLinearConv=2, QLinearSigmoid=1, QLinearMul=1)
    net = Builder("HardSwish", ["N", 4, 8, 8])
    yield net.pattern(net.conv(net.node("HardSwish", net.conv("x", 4, 8)), 8, 4), QLinearConv=2)


def structure_patterns():
    net = Builder("residual", ["N", 4, 8, 8])
    first = net.node("Relu", net.conv("x", 4, 8))
    total = net.node("Relu", net.node("Add", net.conv(first, 8, 8), first))
    pooled = net.node("GlobalAveragePool", total)
    flat = net.node("Flatten", pooled)
    result = net.node("Gemm", flat, net.weight(5, 8), net.weight(5), transB=1)
    yield net.pattern(result, QLinearConv=2, QLinearAdd=1, QLinearGlobalAveragePool=1, QGemm=1)

    net = Builder("means near zero", ["N", 4, 8, 8])
    pooled = net.node("GlobalAveragePool", net.conv("x", 4, 8, kernel=1, bias=False))
    result = net.node("Gemm", net.node("Flatten", pooled), net.weight(5, 8), transB=1)
    pattern = net.pattern(result, QLinearConv=1, QLinearGlobalAveragePool=1, QGemm=1)
    # Halves that cancel but for a little.
    x = pattern.inputs["x"]
    pattern.inputs["x"] = x - x[..., ::-1] + numpy.float32(1e-5) * x[..., :1]
    yield pattern

    net = Builder("concat", ["N", 4, 8, 8])
    parts = [net.conv("x", 4, 3), net.node("Relu", net.conv("x", 4, 5, kernel=1))]
    joined = net.node("Concat", *parts, axis=1)
    yield net.pattern(net.conv(joined, 8, 4), QLinearConv=3, QLinearConcat=1)

    net = Builder("pooling", ["N", 4, 16, 16])
    pooled = net.node("MaxPool", net.conv("x", 4, 8), kernel_shape=[2, 2], strides=[2, 2])
    pooled = net.node("AveragePool", net.conv(pooled, 8, 8), kernel_shape=[3, 3], strides=[2, 2])
    yield net.pattern(net.conv(pooled, 8, 4), QLinearConv=3, QLinearAveragePool=1, MaxPool=0)

    net = Builder("data movement", ["N", 4, 8, 8])
    moved = net.node("Transpose", net.conv("x", 4, 8), perm=[0, 1, 3, 2])
    scales = net.constant(numpy.float32([1, 1, 2, 2]))
    moved = net.node("Resize", moved, "", scales, mode="nearest")
    left, right = net.node("Split", moved, outputs=2, axis=1)
    bounds = [net.constant(numpy.int64([value])) for value in (0, 9, 2)]
    left = net.node("Slice", left, *bounds)
    right = net.node("Gather", right, net.constant(numpy.arange(3, 12)), axis=2)
    total = net.node("Add", left, right)
    yield net.pattern(net.conv(total, 4, 4), QLinearConv=2, QLinearAdd=1)


def matrix_patterns():
    for transposed in (0, 1):
        net = Builder(f"Gemm transB={transposed}", ["N", 10])
        first = net.weight(13, 10) if transposed else net.weight(10, 13)
        hidden = net.node("Gemm", "x", first, net.weight(13), transB=transposed)
        second = net.weight(7, 13) if transposed else net.weight(13, 7)
        result = net.node("Gemm", net.node("Relu", hidden), second, transB=transposed)
        yield net.pattern(result, QGemm=2, Gemm=0, FusedGemm=0)
    net = Builder("MatMul chain", ["N", 6, 16])
    hidden = net.node("Relu", net.node("MatMul", "x", net.weight(16, 15)))
    result = net.node("MatMul", hidden, net.weight(15, 9))
    yield net.pattern(result, QLinearMatMul=1, MatMulIntegerToFloat=1)
    net = Builder("MatMul with bias", ["N", 6, 16])
    hidden = net.node("Add", net.node("MatMul", "x", net.weight(16, 12)), net.weight(12))
    hidden = net.node("Erf", hidden)
    result = net.node("Add", net.weight(5), net.node("MatMul", hidden, net.weight(12, 5)))
    yield net.pattern(result, MatMul=0, Gemm=0, FusedMatMul=0)
    net = Builder("MatMul of two axes with bias", ["N", 16])
    hidden = net.node("Add", net.node("MatMul", "x", net.weight(16, 12)), net.weight(12))
    yield net.pattern(net.node("Tanh", hidden), MatMul=0, Gemm=0, FusedMatMul=0)


def attention_patterns():
    heads = numpy.int64([0, 12, 2, 8])

    def split(net, data, order):
        projected = net.node("Add", net.node("MatMul", data, net.weight(16, 16)), net.weight(16))
        return net.node("Transpose", net.node("Reshape", projected, net.constant(heads)), perm=order)

    def joined(net, parts):
        rows = net.node("Transpose", parts, perm=[0, 2, 1, 3])
        rows = net.node("Reshape", rows, net.constant(numpy.int64([0, 12, 16])))
        return net.node("MatMul", rows, net.weight(16, 16))

    net = Builder("attention", ["N", 12, 16])
    scores = net.node("MatMul", split(net, "x", [0, 2, 1, 3]), split(net, "x", [0, 2, 3, 1]))
    scaled = net.node("Mul", scores, net.constant(numpy.float32(8**-0.5)))
    mixed = net.node("MatMul", net.node("Softmax", scaled), split(net, "x", [0, 2, 1, 3]))
    result = joined(net, mixed)
    yield replace(net.pattern(result, QLinearMatMul=1, MatMulIntegerToFloat=5), products=2)

    net = Builder("attention with a mask, residual", ["N", 12, 16])
    keys = net.node("Transpose", split(net, "x", [0, 2, 1, 3]), perm=[0, 1, 3, 2])
    scores = net.node("MatMul", split(net, "x", [0, 2, 1, 3]), keys)
    scaled = net.node("Div", scores, net.constant(numpy.float32(3)))
    mask = numpy.triu(numpy.full((1, 1, 12, 12), -1e4, numpy.float32), 1)
    masked = net.node("Add", scaled, net.constant(mask))
    mixed = net.node("MatMul", net.node("Softmax", masked), split(net, "x", [0, 2, 1, 3]))
    result = net.node("Add", joined(net, mixed), "x")
    yield replace(net.pattern(result, QLinearMatMul=1, MatMulIntegerToFloat=5), products=2)


def all_patterns():
    return [
        *convolution_patterns(),
        *activation_patterns(),
        *structure_patterns(),
        *matrix_patterns(),
        *attention_patterns(),
    ]
