"""Embedding tables in integers, in stock ONNX Runtime."""

import numpy
import onnx
import pytest
from onnx import helper
from patterns import Builder
from stock_runtime import StockRuntime, assert_agrees, check_file, plan_of

ROWS = 200


def network(width, rank):
    """Two lookups that meet in a sum, then a product; the second table is too small to quantize."""
    builder = Builder(f"embedding {width} {rank}", None)
    words = builder.weight(ROWS, width)
    kinds = builder.weight(2, width)
    sum_ = builder.node(
        "Add",
        builder.node("Gather", words, "x", axis=0),
        builder.node("Gather", kinds, builder.node("Mod", "x", builder.constant(numpy.int64(2)))),
    )
    product = builder.node("MatMul", sum_, builder.weight(width, 24))
    builder.node("Add", product, builder.weight(24))
    builder.nodes[-1].output[0] = "y"
    shape = ["N"] + ["S"] * (rank - 1)
    graph = helper.make_graph(
        builder.nodes,
        builder.name,
        [helper.make_tensor_value_info("x", onnx.TensorProto.INT64, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape + [24])],
        builder.initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("width", [64, 50])
@pytest.mark.parametrize("bits", [8, 4, 32])
def test_tables(tapq, bits, width, rank):
    folder = tapq.new_folder()
    source = folder / "float.onnx"
    onnx.save(network(width, rank), source)
    ids = numpy.random.default_rng(3).integers(0, ROWS, (24, 9)[:rank])
    path = tapq.quantize(source, {"x": ids}, "--embedding-bits", str(bits))
    check_file(path)
    model = onnx.load(path)
    names = {tensor.name: tensor for tensor in model.graph.initializer}
    tables = plan_of(path)["tables"]
    if bits == 32:
        assert not tables and "c0" in names
    else:
        # Blocks of 4 bits need whole blocks of 16 to 32 values.
        expected = 4 if bits == 4 and width % 32 == 0 else 8
        stored = names["c0_quantized"].data_type
        if width == 50 and bits == 4:
            expected = 4
            assert tables[0]["block"] == 25
        assert [table["bits"] for table in tables] == [expected]
        assert "c0" not in names
        assert stored == (onnx.TensorProto.INT4 if expected == 4 else onnx.TensorProto.INT8)
    stock = StockRuntime(path, path.parent)
    assert stock.integer_matrix_products == 1
    inputs = {"x": ids[:4]}
    found = stock.run(inputs)
    assert_agrees(found, tapq.run(path, inputs), f"tables of {bits} bits")
    exact = StockRuntime(source, folder).run(inputs)["y"]
    error = numpy.abs(found["y"] - exact).max() / numpy.abs(exact).max()
    assert error < (0.2 if bits == 4 else 0.05)
