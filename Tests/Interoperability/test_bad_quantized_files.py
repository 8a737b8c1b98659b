"""Quantized files that are wrong, or right in ways that integer kernels do not cover: the result is
right, or there is none and one sentence names file and node."""

import ml_dtypes
import numpy
import onnx
import pytest
from bad_files import CHANNELS, FILTERS, Layer, matrix
from engines import assert_engines_agree
from patterns import Builder
from stock_runtime import StockRuntime

U8, I8, I32, F32 = numpy.uint8, numpy.int8, numpy.int32, numpy.float32
FORMS = ["separate", "joined"]
every_engine = pytest.mark.parametrize("engine", ["float", "integer"])
every_form = pytest.mark.parametrize("form", FORMS)


def assert_refused(result, outputs, path, model):
    assert result.returncode in (1, 2), f"exit code {result.returncode}: {result.stderr}"
    assert not outputs
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("tapq: "), result.stderr
    assert str(path) in result.stderr
    assert any(f"'{node.name}'" in result.stderr for node in model.graph.node), result.stderr


def assert_right(found, expected, step, what):
    """At most a step off on 0.1 % of the values, for rounding ties."""
    assert found.shape == expected.shape, what
    off = numpy.abs(found.astype(numpy.float64) - expected) / step
    assert not numpy.isnan(off).any(), what
    assert off.max() <= 1.01, f"{what}: {off.max():.2f} steps off"
    count = int((off > 0.01).sum())
    assert count <= max(1, 0.001 * off.size), f"{what}: {count} of {off.size} values differ"


def judge(tapq, model, inputs, engine, expected, step):
    """`expected` is None where no number is right."""
    path = tapq.new_folder() / "bad.onnx"
    onnx.save(model, path)
    result, outputs = tapq.attempt_run(path, inputs, engine)
    if result.returncode != 0:
        assert_refused(result, outputs, path, model)
        return
    what = f"{engine} engine on {path}"
    if expected is None:
        numbers = outputs["y"][~numpy.isnan(outputs["y"])]
        assert not numbers.size, f"{what} has a result: {numbers[:4]}"
    else:
        assert_right(outputs["y"], expected, step, what)


def judge_layer(tapq, layer, form, engine):
    with numpy.errstate(all="ignore"):
        expected = layer.exact(form)
        step = abs(float(layer.y_scale)) or 1
        model = getattr(layer, form)()
    judge(tapq, model, {"x": layer.x}, engine, expected, step)


PER_FILTER = numpy.linspace(0.002, 0.006, FILTERS, dtype=F32)
LARGEST, LEAST = numpy.full(FILTERS, 2**31 - 1, I32), numpy.full(FILTERS, -(2**31), I32)
BYTES = I8([-90, 3, 60, 0, 127])
KERNELS = numpy.ones((FILTERS, CHANNELS, 3, 3))

UNUSUAL = {
    "scale of each filter": Layer(w_scale=PER_FILTER),
    "zero point of each filter": Layer(w_scale=PER_FILTER, w_zero=I8([3, -100, 0, 127, -128])),
    "matrix, zero point of each column": matrix(
        w_scale=PER_FILTER, w_zero=I8([3, -100, 0, 127, -128]), y_scale=F32(0.5)
    ),
    "unsigned weights": Layer(w=U8(KERNELS * [0, 100, 255]), w_zero=U8(255), y_scale=F32(0.5)),
    "scale of the input is read otherwise": Layer(reader={"x_scale": F32(0.02)}),
    "zero point of the input is read otherwise": Layer(reader={"x_zero": U8(90)}),
    "matrix, zero point of the input is read otherwise": matrix(reader={"x_zero": U8(90)}),
    "negative scale of the weights": Layer(w_scale=F32(-0.004)),
    "negative scale of a filter": Layer(w_scale=PER_FILTER * F32([1, 1, -1, 1, 1])),
    "scale zero of a filter": Layer(w_scale=PER_FILTER * F32([1, 1, 0, 1, 1])),
    "scale zero of the weights": Layer(w_scale=F32(0)),
    "tiny scale of the weights": Layer(w_scale=F32(1e-42)),
    "negative scale of the input": Layer(x_scale=F32(-8 / 255)),
    "matrix, negative scale of the input": matrix(x_scale=F32(-8 / 255)),
    "scale zero of the input": Layer(x_scale=F32(0)),
    "negative scale of the output": Layer(y_scale=F32(-12 / 255)),
    "matrix, negative scale of the output": matrix(y_scale=F32(-12 / 255)),
    "scale zero of the output": Layer(y_scale=F32(0)),
    "largest bias": Layer(bias=LARGEST, y_scale=F32(3e3)),
    "least bias": Layer(bias=LEAST, y_scale=F32(3e3)),
    "matrix, largest bias": matrix(bias=LARGEST, y_scale=F32(3e3)),
    "uint16 input": Layer(x_scale=F32(8 / 65535), x_zero=numpy.uint16(32768)),
    "matrix, uint16 input": matrix(x_scale=F32(8 / 65535), x_zero=numpy.uint16(32768)),
    "int16 output": Layer(y_scale=F32(12 / 65535), y_zero=numpy.int16(3)),
    "int16 weights": Layer(w=numpy.int16(KERNELS * 300), w_zero=numpy.int16(7), y_scale=F32(0.5)),
    "4-bit input": Layer(x_scale=F32(0.5), x_zero=ml_dtypes.uint4(7)),
    "4-bit output": Layer(y_scale=F32(1), y_zero=ml_dtypes.int4(-1)),
}


@every_engine
@every_form
@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_layer(tapq, name, form, engine):
    judge_layer(tapq, UNUSUAL[name], form, engine)


UNUSUAL_BIASES = {
    "other scale": Layer(bias_scale=F32(3e-4)),
    "matrix, other scale": matrix(bias_scale=F32(3e-4)),
    "one scale for many of the weights": Layer(w_scale=PER_FILTER, bias_scale=F32(1e-4)),
    "negative scale": Layer(bias_scale=F32(-1e-4)),
    "8 bits": Layer(bias=BYTES, bias_scale=F32(0.01)),
    "matrix, 8 bits": matrix(bias=BYTES, bias_scale=F32(0.01)),
    "weights with scales along their depth": Layer(
        w_scale=numpy.linspace(0.002, 0.006, CHANNELS, dtype=F32),
        axis=1,
        bias_scale=F32(1e-4),
    ),
}


@every_engine
@pytest.mark.parametrize("name", UNUSUAL_BIASES)
def test_unusual_bias(tapq, name, engine):
    judge_layer(tapq, UNUSUAL_BIASES[name], "separate", engine)


def deep(depth, integers, **changes):
    weights = numpy.random.default_rng(7).choice(I8(integers), (FILTERS, depth))
    layer = matrix(w=weights, **changes)
    layer.x[0], layer.x[1] = 100, -100
    largest = numpy.abs(layer.x @ (weights * F32(layer.w_scale)).T).max()
    layer.y_scale = F32(min(largest, depth * 4.0 * max(integers) * 0.004) / 120)
    return layer


DEEP = {
    "4-bit weights": deep(70_000, range(-8, 8)),
    "8-bit weights": deep(70_000, range(-127, 128)),
    "sums just inside int32": deep(131_000, [127]),
    "sums beyond int32": deep(140_000, [127], x_zero=U8(0), y_zero=U8(0)),
    "negative sums beyond int32": deep(140_000, [127], x_zero=U8(255), y_zero=U8(255)),
}


@every_engine
@every_form
@pytest.mark.parametrize("name", DEEP)
def test_deep_sums(tapq, name, form, engine):
    judge_layer(tapq, DEEP[name], form, engine)


BAD = {
    "zero point of another type is read": Layer(reader={"x_zero": I8(0)}),
    "matrix, zero point of another type is read": matrix(reader={"x_zero": I8(0)}),
    "zero point of int32": Layer(x_zero=I32(128)),
    "zero point of int32 outside uint8": Layer(x_zero=I32(300)),
    "zero point of float": Layer(x_zero=F32(128)),
    "output zero point of int32": Layer(y_zero=I32(300)),
    "zero point of the weights of another type": Layer(w_zero=U8(200)),
    "matrix, zero point of the weights of another type": matrix(w_zero=U8(200)),
    "three scales for five filters": Layer(w_scale=PER_FILTER[:3]),
    "matrix, three scales for five columns": matrix(w_scale=PER_FILTER[:3]),
    "no scales": Layer(w_scale=PER_FILTER[:0]),
    "three zero points for five filters": Layer(w_scale=PER_FILTER, w_zero=I8([1, 2, 3])),
    "two zero points for one scale": Layer(w_zero=I8([1, 2])),
    "scale of the input is not a number": Layer(x_scale=F32("nan")),
    "scale of the weights is not a number": Layer(w_scale=F32("nan")),
    "matrix, scale of the weights is not a number": matrix(w_scale=F32("nan")),
    "scale of the output is not a number": Layer(y_scale=F32("nan")),
    "scale of the input is infinite": Layer(x_scale=F32("inf")),
    "scale of the weights is infinite": Layer(w_scale=F32("inf")),
    "scales of the weights are int32": Layer(w_scale=I32(1)),
    "bias of three values": Layer(bias=I32([1, 2, 3])),
}


@every_engine
@every_form
@pytest.mark.parametrize("name", BAD)
def test_bad_layer(tapq, name, form, engine):
    layer = BAD[name]
    with numpy.errstate(all="ignore"):
        model = getattr(layer, form)()
    judge(tapq, model, {"x": layer.x}, engine, None, 1)


@every_engine
@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2"])
def test_float8_activations(tapq, kind, engine):
    zero = getattr(ml_dtypes, kind)(0)
    layer = Layer(x_scale=F32(0.1), x_zero=zero)
    path = tapq.new_folder() / "float8.onnx"
    onnx.save(layer.separate(), path)
    expected = StockRuntime(path, path.parent, optimized=False).run({"x": layer.x})["y"]
    judge(tapq, layer.separate(), {"x": layer.x}, engine, expected, layer.y_scale)


@every_engine
def test_one_value_under_two_zero_points(tapq, engine):
    """Padding stands for zero in both readers."""
    layer = Layer()
    net = Builder("two readers", ["N", CHANNELS, 6, 6], opset=21)
    own = layer.constants(net, "x_scale", "x_zero")
    x = net.node("QuantizeLinear", "x", *own)
    rest = layer.constants(net, "w", "w_scale", "w_zero", "y_scale", "y_zero")
    sides = [
        net.node("QLinearConv", x, own[0], net.constant(U8(zero)), *rest, pads=[1, 1, 1, 1])
        for zero in (128, 90)
    ]
    y = net.node("Concat", *sides, axis=1)
    model = net.model(net.node("DequantizeLinear", y, *rest[3:]))
    layers = [Layer(bias=I32([0] * FILTERS), reader={"x_zero": U8(zero)}) for zero in (128, 90)]
    expected = numpy.concatenate([layer.exact("joined") for layer in layers], axis=1)
    judge(tapq, model, {"x": layer.x}, engine, expected, layer.y_scale)


@every_engine
@every_form
@pytest.mark.parametrize("name", ["x_scale", "x_zero", "w", "w_scale", "bias", "y_scale", "y_zero"])
def test_operand_that_is_an_input(tapq, name, form, engine):
    layer = Layer(w_scale=PER_FILTER)
    model = getattr(layer, form)()
    value = numpy.asarray(getattr(layer, name))
    for tensor in list(model.graph.initializer):
        stored = onnx.numpy_helper.to_array(tensor)
        if stored.dtype == value.dtype and numpy.array_equal(stored, value):
            tensor_type, shape = tensor.data_type, list(tensor.dims)
            model.graph.initializer.remove(tensor)
            model.graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor_type, shape)
            )
    added = {info.name: value for info in model.graph.input if info.name != "x"}
    assert added
    judge(tapq, model, {"x": layer.x, **added}, engine, layer.exact(form), layer.y_scale)


@pytest.mark.parametrize("function", ["Sqrt", "Log", "Reciprocal", "Exp", "Abs"])
@pytest.mark.parametrize("zero", [U8(128), I8(-20)], ids=["uint8", "int8"])
def test_functions_outside_their_domain(tapq, function, zero):
    """What is not a number quantizes alike in both engines."""
    net = Builder("function", ["N", 40])
    parameters = [net.constant(F32(1 / 32)), net.constant(zero)]
    x = net.node("DequantizeLinear", net.node("QuantizeLinear", "x", *parameters), *parameters)
    y = net.node("QuantizeLinear", net.node(function, x), *parameters)
    path = tapq.new_folder() / "function.onnx"
    onnx.save(net.model(net.node("DequantizeLinear", y, *parameters)), path)
    inputs = {"x": numpy.linspace(-5, 5, 320, dtype=F32).reshape(8, 40)}
    assert_engines_agree(tapq, path, inputs, function)


@every_form
@pytest.mark.parametrize("layer", [Layer(), matrix()], ids=["convolution", "matrix"])
def test_inputs_that_are_no_numbers(tapq, layer, form):
    path = tapq.new_folder() / "layer.onnx"
    onnx.save(getattr(layer, form)(), path)
    x = layer.x.copy()
    x.ravel()[:12] = F32(["nan", "inf", "-inf", "1e38", "-1e38", "-nan", "1e9", "-1e9"] + [0] * 4)
    assert_engines_agree(tapq, path, {"x": x}, form)
