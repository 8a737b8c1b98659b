"""Channel groups of different widths inside layers: the file stays the network that it was."""

import numpy
import onnx
import pytest
from engines import assert_engines_agree
from networks import NETWORKS
from onnx import numpy_helper
from stock_runtime import (
    StockRuntime,
    assert_agrees,
    assert_close_in_direction,
    check_file,
    layers_of,
    plan_of,
)
from vision_transformer import VisionTransformer


def with_quiet_inputs(model, path, shape, axis):
    """Every other input channel of the layers whose weights have that shape hardly counts."""
    for tensor in model.graph.initializer:
        if list(tensor.dims) == shape:
            values = numpy.moveaxis(numpy_helper.to_array(tensor).copy(), axis, 0)
            values[::2] /= 64
            values = numpy.ascontiguousarray(numpy.moveaxis(values, 0, axis))
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)
    return path


def groups_of(plan):
    return {
        layer["name"]: [(group["channels"], group["bits"]) for group in layer["groups"]]
        for layer in plan["layers"]
        if layer.get("groups")
    }


@pytest.mark.parametrize("bits", ["3", "5"])
def test_convolutions(tapq, bits):
    network = NETWORKS[0]
    path = tapq.new_folder() / "uneven.onnx"
    uneven = with_quiet_inputs(onnx.load(network.path), path, [32, 32, 3, 3], 1)
    path = tapq.quantize(
        uneven, network.calibration(), "--average-bits", bits, "--channel-groups", "2"
    )
    check_file(path)
    plan = plan_of(path)
    (quiet, few), (loud, many) = groups_of(plan)["block2_conv1"]
    assert quiet == loud == 16 and few < many
    stock = StockRuntime(path, path.parent)
    assert stock.kernels["QLinearConv"] == len(layers_of(plan, "Conv"))
    assert stock.kernels["QLinearConcat"] == stock.kernels["Concat"] == 0
    inputs = network.inputs()
    found = assert_engines_agree(tapq, path, inputs, f"groups at {bits} bits")
    assert_agrees(stock.run(inputs), found, f"groups at {bits} bits")


def test_transformer(tapq):
    """Products with a bias and a GELU behind them."""
    network = VisionTransformer(32, 2, 2, side=112, classes=10)
    path = tapq.new_folder() / "uneven.onnx"
    uneven = with_quiet_inputs(network.inferred(network.scores), path, [128, 32], 0)
    samples = numpy.random.default_rng(3).normal(0, 1, (9, 3, 112, 112)).astype(numpy.float32)
    flags = ["--bits", "2,8", "--average-bits", "5", "--channel-groups", "2"]
    path = tapq.quantize(uneven, {"x": samples[1:]}, *flags)
    check_file(path)
    groups = groups_of(plan_of(path))
    assert groups
    assert all(few < many for (_, few), (_, many) in groups.values())
    stock = StockRuntime(path, path.parent)
    layers = layers_of(plan_of(path), "Gemm", "MatMul")
    assert stock.integer_matrix_products == len(layers) + 4
    inputs = {"x": samples[:1]}
    found = assert_engines_agree(tapq, path, inputs, "transformer in groups")
    assert_close_in_direction(stock.run(inputs), found, "transformer in groups")


@pytest.mark.parametrize(
    "network",
    [network for network in NETWORKS if "resnet" in network.name or "kws" in network.name],
    ids=lambda network: network.name,
)
def test_network(tapq, network):
    path = tapq.quantize(
        network.path, network.calibration(), "--average-bits", "3", "--channel-groups", "4"
    )
    inputs = network.inputs()
    what = f"{network.name} in groups"
    found = assert_engines_agree(tapq, path, inputs, what)
    assert_agrees(StockRuntime(path, path.parent).run(inputs), found, what)
