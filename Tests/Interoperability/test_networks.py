"""Every network, quantized to 8 bits, 4 bits and a mixture, in stock ONNX Runtime."""

import numpy
import onnx
import pytest
from engines import assert_engines_agree
from networks import NETWORKS, PLANS
from stages import steps_apart
from stock_runtime import (
    StockRuntime,
    assert_agrees,
    assert_close_in_direction,
    check_file,
    layers_of,
    plan_of,
)
from vision_transformer import VisionTransformer


def passes_checker(path):
    try:
        check_file(path)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        return False
    return True


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_quantized_network(tapq, quantized, network, plan):
    path = quantized(network, plan)
    inputs = network.inputs()
    if passes_checker(network.path):
        check_file(path)
    stock = StockRuntime(path, path.parent)

    layers = plan_of(path)
    assert layers["layers"]
    assert stock.kernels["QLinearConv"] == len(layers_of(layers, "Conv"))
    assert stock.kernels["Conv"] + stock.kernels["FusedConv"] == 0
    assert stock.integer_matrix_products == len(layers_of(layers, "Gemm", "MatMul"))
    agree = assert_close_in_direction if network.has_float_islands else assert_agrees
    agree(stock.run(inputs), tapq.run(path, inputs), f"{network.name} at {plan} bits")
    if network.has_float_islands:
        for name, steps in steps_apart(tapq, path, inputs).items():
            assert steps.max() <= 1, f"{name} is {steps.max()} steps off"
            assert (steps > 0).sum() <= max(1, 0.001 * steps.size), f"{name} differs too often"


def test_attention_in_integers(tapq):
    """Scores and weighted values of a real network, part by part."""
    network = next(network for network in NETWORKS if network.name == "minilm-l6-v2")
    path = tapq.quantize(network.path, network.calibration(), "--attention-bits", "8")
    check_file(path)
    inputs = network.inputs()
    stock = StockRuntime(path, path.parent)
    layers = layers_of(plan_of(path), "Gemm", "MatMul")
    assert stock.integer_matrix_products == len(layers) + 12
    found = assert_engines_agree(tapq, path, inputs, f"{network.name}, attention in integers")
    assert_close_in_direction(stock.run(inputs), found, f"{network.name}, attention in integers")
    for name, steps in steps_apart(tapq, path, inputs).items():
        assert steps.max() <= 1, f"{name} is {steps.max()} steps off"
        assert (steps > 0).sum() <= max(1, 0.001 * steps.size), f"{name} differs too often"


def test_vision_transformer(tapq):
    """Patches, then attentions that are large enough to run in integers by default."""
    source = tapq.new_folder() / "float.onnx"
    network = VisionTransformer(32, 2, 2, side=112, classes=10)
    onnx.save(network.inferred(network.scores), source)
    samples = numpy.random.default_rng(3).normal(0, 1, (9, 3, 112, 112)).astype(numpy.float32)
    path = tapq.quantize(source, {"x": samples[1:]}, "--bits", "8")
    check_file(path)
    stock = StockRuntime(path, path.parent)
    layers = plan_of(path)
    assert stock.integer_matrix_products == len(layers_of(layers, "Gemm", "MatMul")) + 4
    inputs = {"x": samples[:1]}
    found = assert_engines_agree(tapq, path, inputs, "vision transformer")
    assert_close_in_direction(stock.run(inputs), found, "vision transformer")
    for name, steps in steps_apart(tapq, path, inputs).items():
        assert steps.max() <= 1, f"{name} is {steps.max()} steps off"


@pytest.mark.parametrize("rounding", ["nearest", "gptq", "adaround", "block"])
def test_every_rounding(tapq, rounding):
    network = NETWORKS[0]
    path = tapq.quantize(
        network.path, network.calibration(), "--bits", "3", "--rounding", rounding
    )
    check_file(path)
    stock = StockRuntime(path, path.parent)
    assert stock.kernels["QLinearConv"] == len(layers_of(plan_of(path), "Conv"))
    inputs = network.inputs()
    assert_agrees(stock.run(inputs), tapq.run(path, inputs), f"digits, {rounding}")
