"""Constants that no layer quantizes, in 16-bit floats."""

import numpy
import onnx
from engines import assert_engines_agree
from onnx import helper
from patterns import Builder
from stock_runtime import StockRuntime, assert_agrees, check_file


def network():
    """A lookup, a product, and a transposed convolution, which stays float."""
    builder = Builder("half floats", None)
    words = builder.node("Gather", builder.weight(200, 64), "x", axis=0)
    hidden = builder.node("MatMul", words, builder.weight(64, 48))
    image = builder.node("Reshape", hidden, builder.constant(numpy.array([-1, 12, 2, 2])))
    builder.node("ConvTranspose", image, builder.weight(12, 9, 3, 3), builder.weight(9))
    builder.nodes[-1].output[0] = "y"
    graph = helper.make_graph(
        builder.nodes,
        builder.name,
        [helper.make_tensor_value_info("x", onnx.TensorProto.INT64, ["N"])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 9, 4, 4])],
        builder.initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_constants(tapq):
    folder = tapq.new_folder()
    onnx.save(network(), folder / "float.onnx")
    ids = numpy.random.default_rng(3).integers(0, 200, 24)
    wide = tapq.quantize(folder / "float.onnx", {"x": ids}, "--embedding-bits", "32")
    half = tapq.quantize(
        folder / "float.onnx", {"x": ids}, "--embedding-bits", "32", "--float-bits", "16"
    )
    check_file(half)
    types = {tensor.name: tensor.data_type for tensor in onnx.load(half).graph.initializer}
    assert types["c0_half"] == types["c3_half"] == onnx.TensorProto.FLOAT16
    saved = wide.stat().st_size - half.stat().st_size
    assert abs(saved - 2 * (200 * 64 + 12 * 9 * 9)) < 600
    inputs = {"x": ids[:6]}
    own = assert_engines_agree(tapq, half, inputs, "half floats")
    assert_agrees(StockRuntime(half, half.parent).run(inputs), own, "half floats")
    exact = StockRuntime(folder / "float.onnx", folder).run(inputs)["y"]
    assert numpy.abs(own["y"] - exact).max() < 0.05 * numpy.abs(exact).max()
