"""Every pattern that has to fuse, at every storage width."""

import onnx
import pytest
from patterns import all_patterns
from stock_runtime import StockRuntime, assert_agrees, check_file, layers_of, plan_of

PATTERNS = {pattern.name: pattern for pattern in all_patterns()}
WIDTHS = {
    "8": ["--bits", "8"],
    "4": ["--bits", "4"],
    "2": ["--bits", "2"],
    "3, 6": ["--bits", "3,6", "--average-bits", "5"],
    "8, activations 4": ["--bits", "8", "--activation-bits", "4"],
    "4, activations 2": ["--bits", "4", "--activation-bits", "2"],
}


def written(tapq, pattern, *flags):
    source = tapq.new_folder() / "float.onnx"
    onnx.save(pattern.model, source)
    return tapq.quantize(source, {"x": pattern.inputs["x"][4:]}, *flags)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PATTERNS)
def test_pattern(tapq, name, width):
    pattern = PATTERNS[name]
    path = written(tapq, pattern, *WIDTHS[width])
    check_file(path)
    stock = StockRuntime(path, path.parent)
    plan = plan_of(path)
    assert stock.kernels["QLinearConv"] == len(layers_of(plan, "Conv"))
    products = len(layers_of(plan, "Gemm", "MatMul")) + pattern.products
    assert stock.integer_matrix_products == products
    # Those that cut integers off stay beside the integer kernels.
    narrow = sum(activation["bits"] < 8 for activation in plan["activations"].values())
    for kernel, count in pattern.kernels.items():
        count += narrow if kernel == "Clip" else 0
        assert stock.kernels[kernel] == count, f"{kernel}: {dict(stock.kernels)}"
    inputs = {"x": pattern.inputs["x"][:4]}
    assert_agrees(stock.run(inputs), tapq.run(path, inputs), f"{name} at {width} bits")


@pytest.mark.parametrize("name", ["conv plain", "residual", "Gemm transB=1", "MatMul chain"])
def test_native_storage_loads(tapq, name):
    pattern = PATTERNS[name]
    path = written(tapq, pattern, "--bits", "4", "--storage", "native")
    check_file(path)
    inputs = {"x": pattern.inputs["x"][:4]}
    stock = StockRuntime(path, path.parent)
    assert stock.kernels["QLinearConv"] == 0
    assert_agrees(stock.run(inputs), tapq.run(path, inputs), f"{name}, native")


def test_cast_is_folded(tapq):
    path = written(tapq, PATTERNS["conv plain"], "--bits", "2")
    model = onnx.load(path)
    types = {tensor.data_type for tensor in model.graph.initializer}
    assert onnx.TensorProto.INT2 in types
    assert any(node.op_type == "Cast" for node in model.graph.node)
    assert StockRuntime(path, path.parent).kernels["Cast"] == 0


def test_writing_twice_gives_the_same_bytes(tapq):
    pattern = PATTERNS["residual"]
    files = [written(tapq, pattern, "--bits", "2,4,8", "--average-bits", "5") for _ in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
