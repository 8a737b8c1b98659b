"""Weights in blocks: alone in integers, where stock ONNX Runtime fuses their products and keeps them
packed, or beside quantized inputs, where it dequantizes them."""

import numpy
import onnx
import pytest
from engines import assert_engines_agree
from patterns import Builder
from stock_runtime import StockRuntime, check_file, plan_of

DEPTH, WIDTH, CLASSES = 96, 50, 6


def network():
    """A Gemm of transposed weights, a MatMul with a bias, and one of 6 columns: those of 2 bits that
    are no multiple of 4 are computed wrongly by ONNX Runtime's fused kernel."""
    builder = Builder("weights alone", ["N", DEPTH])
    first = builder.node(
        "Gemm", "x", builder.weight(WIDTH, DEPTH), builder.weight(WIDTH), transB=1
    )
    second = builder.node("MatMul", builder.node("Relu", first), builder.weight(WIDTH, 64))
    hidden = builder.node("Tanh", builder.node("Add", second, builder.weight(64)))
    return builder.pattern(builder.node("MatMul", hidden, builder.weight(64, CLASSES))).model


@pytest.fixture(scope="module")
def source(tapq):
    path = tapq.new_folder() / "float.onnx"
    onnx.save(network(), path)
    return path


def samples(count, seed):
    return numpy.random.default_rng(seed).normal(size=(count, DEPTH)).astype(numpy.float32)


@pytest.mark.parametrize("block", [16, 32])
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
def test_products(tapq, source, bits, block):
    path = tapq.quantize(
        source,
        {"x": samples(16, 1)},
        *("--activation-bits", "32", "--bits", str(bits), "--block-size", str(block)),
    )
    check_file(path)
    # 50 is no whole number of blocks.
    assert [layer.get("block") for layer in plan_of(path)["layers"]] == [block, None, block]
    stock = StockRuntime(path, path.parent)
    assert stock.kernels["MatMulNBits"] == 3
    assert not stock.kernels["DequantizeLinear"]
    inputs = {"x": samples(8, 2)}
    own = assert_engines_agree(tapq, path, inputs, f"{bits} bits")["y"]
    exact = StockRuntime(path, path.parent, optimized=False).run(inputs)["y"]
    scale = numpy.abs(exact).max()
    assert numpy.abs(own - exact).max() < 1e-5 * scale
    # The fused kernel rounds its inputs to 8 bits, block by block.
    assert numpy.abs(stock.run(inputs)["y"] - exact).max() < 0.03 * scale


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_blocks_beside_quantized_inputs(tapq, source, bits):
    path = tapq.quantize(
        source, {"x": samples(16, 1)}, *("--bits", f"{bits},8", "--block-size", "32")
    )
    check_file(path)
    # Without a limit layers take the widest there is: 8 bits, in blocks the other.
    found = [(layer.get("block"), layer["weightBits"]) for layer in plan_of(path)["layers"]]
    assert found == [(32, bits), (None, 8), (32, bits)]
    inputs = {"x": samples(64, 2)}
    own = assert_engines_agree(tapq, path, inputs, f"{bits} bits")
    assert tapq.integer_share(path, inputs) == 1
    for optimized in True, False:
        stock = StockRuntime(path, path.parent, optimized)
        # What lies between two integers is decided by the order of float sums.
        apart = numpy.abs(stock.run(inputs)["y"] - own["y"]) / numpy.abs(own["y"]).max()
        assert numpy.quantile(apart, 0.9) < 1e-5
        assert apart.max() < 0.03


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_convolutions_keep_float_inputs_too(tapq, bits):
    builder = Builder("convolutions alone", ["N", 3, 8, 8])
    hidden = builder.node("Relu", builder.conv("x", 3, 8))
    pooled = builder.node("GlobalAveragePool", builder.conv(hidden, 8, 6))
    folder = tapq.new_folder()
    onnx.save(builder.pattern(pooled).model, folder / "float.onnx")
    random = numpy.random.default_rng(4)
    path = tapq.quantize(
        folder / "float.onnx",
        {"x": random.normal(size=(16, 3, 8, 8)).astype(numpy.float32)},
        *("--activation-bits", "32", "--bits", str(bits)),
    )
    check_file(path)
    inputs = {"x": random.normal(size=(4, 3, 8, 8)).astype(numpy.float32)}
    own = assert_engines_agree(tapq, path, inputs, f"{bits} bits")["y"]
    stock = StockRuntime(path, path.parent).run(inputs)["y"]
    assert numpy.abs(own - stock).max() < 1e-5 * numpy.abs(stock).max()
