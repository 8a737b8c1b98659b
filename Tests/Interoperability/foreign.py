"""Small networks that other tools quantize (ONNX Runtime's static quantizer and NNCF), and weights
in blocks, written by hand."""

import ml_dtypes
import numpy
import onnx
import onnx.version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from patterns import Builder


class Samples(CalibrationDataReader):
    def __init__(self, values):
        self.samples = iter([{"x": value[None]} for value in values])

    def get_next(self):
        return next(self.samples, None)


UINT8 = dict(activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
INT8 = dict(activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)
UINT8_WEIGHTS = dict(activation_type=QuantType.QUInt8, weight_type=QuantType.QUInt8)

FORMS = {
    "uint8": UINT8,
    "uint8 per channel": dict(UINT8, per_channel=True),
    "int8": INT8,
    "int8 per channel": dict(INT8, per_channel=True),
    "int8 symmetric": dict(INT8, extra_options={"ActivationSymmetric": True}),
    "uint8 weights": dict(UINT8_WEIGHTS, extra_options={"WeightSymmetric": False}),
    "int8 weights with zero points": dict(INT8, extra_options={"WeightSymmetric": False}),
    "7-bit weights": dict(UINT8, reduce_range=True, per_channel=True),
    "4-bit weights": dict(
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt4, per_channel=True
    ),
}


def quantize(pattern, folder, form, format=QuantFormat.QDQ):
    """The path of the pattern as ONNX Runtime quantizes it."""
    model = onnx.ModelProto()
    model.CopyFrom(pattern.model)
    if "4-bit" in form:
        # Older files get operators of another domain.
        model = onnx.version_converter.convert_version(model, 21)
        model.ir_version = 10
    onnx.save(model, folder / "float.onnx")
    path = folder / "foreign.onnx"
    samples = Samples(pattern.inputs["x"])
    quantize_static(folder / "float.onnx", path, samples, format, **FORMS[form])
    return path


def quantize_with_nncf(pattern, folder):
    """The path of the pattern as NNCF quantizes it."""
    import nncf

    samples = nncf.Dataset([{"x": value[None]} for value in pattern.inputs["x"]])
    path = folder / "foreign.onnx"
    onnx.save(nncf.quantize(pattern.model, samples), path)
    return path


def image_networks():
    forms = {
        "conv": dict(channels=4, filters=8),
        "pointwise": dict(channels=5, filters=11, kernel=1),
        "depthwise": dict(channels=8, filters=8, group=8),
        "grouped": dict(channels=6, filters=9, group=3),
        "strided": dict(channels=4, filters=5, strides=[2, 2]),
        "dilated": dict(channels=3, filters=7, dilations=[2, 2], pads=[2, 2, 2, 2]),
        "asymmetric padding": dict(channels=4, filters=4, pads=[1, 0, 2, 1], bias=False),
    }
    for name, form in forms.items():
        net = Builder(name, ["N", form["channels"], 9, 9])
        yield net.pattern(net.node("Relu", net.conv("x", **form)))

    net = Builder("conv of one dimension", ["N", 4, 16])
    hidden = net.node("Relu", net.conv("x", 4, 6, kernel=[3], pads=[1, 1]))
    yield net.pattern(net.conv(hidden, 6, 5, kernel=[5], pads=[2, 2], strides=[2]))

    net = Builder("residual", ["N", 4, 8, 8])
    first = net.node("Relu", net.conv("x", 4, 8))
    total = net.node("Relu", net.node("Add", net.conv(first, 8, 8), first))
    flat = net.node("Flatten", net.node("GlobalAveragePool", total))
    yield net.pattern(net.node("Gemm", flat, net.weight(5, 8), net.weight(5), transB=1))

    net = Builder("gate", ["N", 4, 8, 8])
    data = net.conv("x", 4, 8)
    gate = net.node("Sigmoid", net.conv(net.node("GlobalAveragePool", data), 8, 8, kernel=1))
    yield net.pattern(net.conv(net.node("Mul", data, gate), 8, 4))

    net = Builder("product", ["N", 4, 8, 8])
    yield net.pattern(net.node("Mul", net.conv("x", 4, 8), net.conv("x", 4, 8, kernel=1)))

    net = Builder("concat", ["N", 4, 8, 8])
    parts = [net.conv("x", 4, 3), net.node("Relu", net.conv("x", 4, 5, kernel=1)), "x"]
    yield net.pattern(net.conv(net.node("Concat", *parts, axis=1), 12, 4))

    net = Builder("MaxPool", ["N", 4, 9, 9])
    window = dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    yield net.pattern(net.conv(net.node("MaxPool", net.conv("x", 4, 8), **window), 8, 4))

    net = Builder("AveragePool", ["N", 4, 9, 9])
    pooled = net.node("AveragePool", net.conv("x", 4, 8), **window, count_include_pad=1)
    yield net.pattern(net.conv(pooled, 8, 4))

    net = Builder("AveragePool of smaller windows at the edges", ["N", 4, 9, 9])
    yield net.pattern(net.node("AveragePool", net.conv("x", 4, 8), **window))

    for function in ("Sigmoid", "HardSwish", "LeakyRelu", "Tanh", "Clip"):
        net = Builder(function, ["N", 4, 8, 8])
        limits = [net.constant(numpy.float32(limit)) for limit in (0, 6)]
        active = net.node(function, net.conv("x", 4, 8), *(limits if function == "Clip" else []))
        yield net.pattern(net.conv(active, 8, 4))

    net = Builder("data movement", ["N", 4, 8, 8])
    moved = net.node("Transpose", net.conv("x", 4, 8), perm=[0, 2, 3, 1])
    moved = net.node("Reshape", moved, net.constant(numpy.int64([0, 64, 8])))
    yield net.pattern(net.node("MatMul", moved, net.weight(8, 6)))

    net = Builder("rows, a function, an image", ["N", 4, 6, 10])
    rows = net.node("MatMul", net.conv("x", 4, 4), net.weight(10, 12))
    yield net.pattern(net.conv(net.node("Sigmoid", rows), 4, 4))

    net = Builder("sum of an image and rows", ["N", 4, 6, 10])
    rows = net.node("MatMul", "x", net.weight(10, 12))
    pooled = net.node("MaxPool", rows, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    yield net.pattern(net.node("Add", net.node("Relu", net.conv(pooled, 4, 4)), rows))


def matrix_networks():
    for transposed in (0, 1):
        net = Builder(f"Gemm transB={transposed}", ["N", 10])
        first = net.weight(13, 10) if transposed else net.weight(10, 13)
        hidden = net.node("Relu", net.node("Gemm", "x", first, net.weight(13), transB=transposed))
        second = net.weight(7, 13) if transposed else net.weight(13, 7)
        yield net.pattern(net.node("Gemm", hidden, second, transB=transposed))

    net = Builder("MatMul", ["N", 6, 16])
    hidden = net.node("MatMul", "x", net.weight(16, 15))
    hidden = net.node("Relu", net.node("Add", hidden, net.weight(15)))
    yield net.pattern(net.node("MatMul", hidden, net.weight(15, 9)))

    net = Builder("Softmax", ["N", 12])
    scores = net.node("Gemm", "x", net.weight(12, 10), net.weight(10))
    yield net.pattern(net.node("Softmax", scores, axis=1))

    net = Builder("attention", ["N", 6, 16])
    query, key, value = (net.node("MatMul", "x", net.weight(16, 16)) for _ in range(3))
    scores = net.node("MatMul", query, net.node("Transpose", key, perm=[0, 2, 1]))
    mixed = net.node("MatMul", net.node("Softmax", scores, axis=-1), value)
    yield net.pattern(net.node("MatMul", mixed, net.weight(16, 8)))


def all_networks():
    return [*image_networks(), *matrix_networks()]


BLOCKED_TYPES = {
    "int4": (ml_dtypes.int4, 21),
    "uint4": (ml_dtypes.uint4, 21),
    "int2": (ml_dtypes.int2, 25),
    "int8": (numpy.int8, 21),
}


def blocked_weight(net, type, shape, axis, block):
    """A weight whose blocks along the axis have a scale and a zero point each."""
    info = ml_dtypes.iinfo(type)
    integers = net.random.integers(info.min, info.max + 1, shape)
    scales_shape = list(shape)
    scales_shape[axis] = -(-shape[axis] // block)
    spread = integers.std() * shape[axis] ** 0.5
    scales = net.random.uniform(0.5, 1.5, scales_shape) / spread
    zeros = net.random.integers(-1, 2, scales_shape) + (info.max + info.min + 1) // 2
    return net.node(
        "DequantizeLinear",
        net.constant(integers.astype(type)),
        net.constant(scales.astype(numpy.float32)),
        net.constant(zeros.astype(type)),
        axis=axis,
        block_size=block,
    )


def requantized(net, data, scale, zero):
    parameters = [net.constant(numpy.float32(scale)), net.constant(numpy.uint8(zero))]
    return net.node("DequantizeLinear", net.node("QuantizeLinear", data, *parameters), *parameters)


def int8_weight(net, *shape):
    integers = net.random.integers(-127, 128, shape).astype(numpy.int8)
    scale = numpy.float32(shape[-1] ** -0.5 / 64)
    return net.node(
        "DequantizeLinear", net.constant(integers), net.constant(scale), net.constant(numpy.int8(0))
    )


def float_products():
    """Layers with quantized weights behind a node that nobody quantized, as NNCF leaves Flatten."""
    net = Builder("Gemm behind Flatten", ["N", 8, 1, 1])
    flat = net.node("Flatten", requantized(net, "x", 8 / 255, 128))
    yield net.pattern(net.node("Gemm", flat, int8_weight(net, 5, 8), net.weight(5), transB=1))

    net = Builder("MatMul behind Reshape", ["N", 8, 1, 1])
    flat = net.node("Reshape", requantized(net, "x", 8 / 255, 128), net.constant([-1, 8]))
    yield net.pattern(net.node("MatMul", flat, int8_weight(net, 8, 5)))

    net = Builder("Conv behind Abs", ["N", 8, 6, 6])
    positive = net.node("Abs", requantized(net, "x", 8 / 255, 128))
    yield net.pattern(net.node("Conv", positive, int8_weight(net, 5, 8, 3, 3), net.weight(5)))


def blocked_networks():
    for name, (type, opset) in BLOCKED_TYPES.items():
        net = Builder(f"{name} MatMul", ["N", 6, 64], opset)
        data = requantized(net, "x", 8 / 255, 128)
        product = net.node("MatMul", data, blocked_weight(net, type, (64, 12), 0, 16))
        yield net.pattern(requantized(net, product, 10 / 255, 120))

        net = Builder(f"{name} MatMul of float activations", ["N", 6, 64], opset)
        yield net.pattern(net.node("MatMul", "x", blocked_weight(net, type, (64, 12), 0, 32)))

        net = Builder(f"{name} Gemm", ["N", 48], opset)
        data = requantized(net, "x", 8 / 255, 128)
        weight = blocked_weight(net, type, (10, 48), 1, 16)
        product = net.node("Gemm", data, weight, net.weight(10), transB=1)
        yield net.pattern(requantized(net, product, 10 / 255, 120))
