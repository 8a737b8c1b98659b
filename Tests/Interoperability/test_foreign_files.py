"""Files that other tools quantized: both engines agree to the bit, and with stock ONNX Runtime."""

import importlib.util
import warnings

import numpy
import onnx
import pytest
from engines import assert_engines_agree
from foreign import (
    FORMS,
    QuantFormat,
    all_networks,
    blocked_networks,
    float_products,
    quantize,
    quantize_with_nncf,
)
from stages import steps_apart
from stock_runtime import StockRuntime, assert_agrees

NETWORKS = {network.name: network for network in all_networks()}
BLOCKED = {network.name: network for network in blocked_networks()}
FLOAT_PRODUCTS = {network.name: network for network in float_products()}

# ONNX Runtime fuses Softmax into QLinearSoftmax, which adds up a table of rounded exponentials and
# is up to three steps off: the judge of these networks is the runtime without its fusions.
WITH_SOFTMAX = {"Softmax", "attention"}
# Averages of four or six integers at the scale of the inputs are rounding ties, which each of
# ONNX Runtime's optimization levels takes another way.
WITH_TIES = {"AveragePool of smaller windows at the edges"}
# Products of two activations run in float.
OF_ACTIVATIONS = {"attention"}


def judge(tapq, path, inputs, what, optimized=True):
    found = assert_engines_agree(tapq, path, inputs, what)
    stock = StockRuntime(path, path.parent, optimized)
    if stock.is_exact:
        assert_agrees(stock.run(inputs), found, what)
    else:
        # One text for all, so that pytest says it once.
        warnings.warn(
            "ONNX Runtime's integer operators saturate here: the engines alone are compared"
        )


def judge_network(tapq, path, name, what):
    inputs = {"x": NETWORKS[name].inputs["x"][:4]}
    if name not in WITH_TIES:
        judge(tapq, path, inputs, what, optimized=name not in WITH_SOFTMAX)
        return
    assert_engines_agree(tapq, path, inputs, what)
    for value, steps in steps_apart(tapq, path, inputs, "integer").items():
        assert steps.max() <= 1, f"{what}: {value} is {steps.max()} steps off"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETWORKS)
def test_quantized_by_onnx_runtime(tapq, name, form):
    path = quantize(NETWORKS[name], tapq.new_folder(), form)
    judge_network(tapq, path, name, f"{name} in {form}")
    if name not in OF_ACTIVATIONS:
        assert tapq.integer_share(path, {"x": NETWORKS[name].inputs["x"][:1]}) == 1


@pytest.mark.parametrize("form", [form for form in FORMS if form != "4-bit weights"])
@pytest.mark.parametrize("name", NETWORKS)
def test_integer_operators_of_onnx_runtime(tapq, name, form):
    """QLinearConv, QLinearMatMul, and what only ONNX Runtime has: QLinearAdd, QGemm and others."""
    path = quantize(NETWORKS[name], tapq.new_folder(), form, QuantFormat.QOperator)
    judge_network(tapq, path, name, f"{name} in {form}")


@pytest.mark.parametrize("name", ["conv", "depthwise", "grouped", "residual", "MaxPool", "MatMul"])
def test_no_samples(tapq, name):
    """A batch may be empty; so are the results."""
    network = NETWORKS[name]
    path = quantize(network, tapq.new_folder(), "uint8 per channel")
    inputs = {"x": network.inputs["x"][:0]}
    expected = StockRuntime(path, path.parent, optimized=False).run(inputs)["y"]
    for engine in ("float", "integer"):
        result, outputs = tapq.attempt_run(path, inputs, engine)
        assert result.returncode == 0, f"{engine} engine: {result.returncode} {result.stderr}"
        assert outputs["y"].shape == expected.shape


@pytest.mark.parametrize("name", NETWORKS)
def test_quantized_by_nncf(tapq, name):
    if importlib.util.find_spec("nncf") is None:
        pytest.skip("nncf is not installed")
    path = quantize_with_nncf(NETWORKS[name], tapq.new_folder())
    judge_network(tapq, path, name, f"{name} by NNCF")


@pytest.mark.parametrize("count", [1, 4, 24])
@pytest.mark.parametrize("name", FLOAT_PRODUCTS)
def test_float_products(tapq, name, count):
    """ONNX Runtime may quantize their activations where it fuses."""
    path = tapq.new_folder() / "float.onnx"
    onnx.save(FLOAT_PRODUCTS[name].model, path)
    inputs = {"x": FLOAT_PRODUCTS[name].inputs["x"][:count]}
    judge(tapq, path, inputs, f"{name}, {count} samples", optimized=False)


@pytest.mark.parametrize("name", BLOCKED)
def test_weights_in_blocks(tapq, name):
    """ONNX Runtime quantizes the activations of its fused products of blocks: it runs without
    fusions here."""
    path = tapq.new_folder() / "blocked.onnx"
    onnx.save(BLOCKED[name].model, path)
    inputs = {"x": BLOCKED[name].inputs["x"][:4]}
    judge(tapq, path, inputs, name, optimized=False)


def test_the_last_block_may_be_shorter(tapq):
    network = BLOCKED["int4 MatMul"]
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "block_size":
                attribute.i = 20
    path = tapq.new_folder() / "blocked.onnx"
    onnx.save(model, path)
    inputs = {"x": numpy.float32(network.inputs["x"][:4])}
    judge(tapq, path, inputs, "blocks of 20 in 64 rows", optimized=False)
