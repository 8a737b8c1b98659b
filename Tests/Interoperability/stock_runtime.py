"""What stock ONNX Runtime makes of a file: outputs, and the kernels left after its fusions."""

import collections
import functools
import json

import numpy
import onnx
import onnxruntime

INTEGER_MATRIX_KERNELS = ("QGemm", "QLinearMatMul", "MatMulIntegerToFloat")
# Operators that are integer kernels without any fusion.
INTEGER_OPERATORS = {"QLinearConv", "QLinearMatMul", "QGemm", "MatMulInteger", "ConvInteger"}


@functools.cache
def saturates():
    """Whether ONNX Runtime adds pairs of products in 16 bits here, as it does on x86 without VNNI:
    those of 8-bit weights saturate."""
    constant = onnx.numpy_helper.from_array
    values = {
        "x": numpy.full((1, 8), 255, numpy.uint8),
        "w": numpy.full((8, 4), 127, numpy.int8),
        "one": numpy.float32(1),
        "coarse": numpy.float32(2000),
        "u": numpy.uint8(0),
        "s": numpy.int8(0),
    }
    inputs = ["x", "one", "u", "w", "one", "s", "coarse", "u"]
    node = onnx.helper.make_node("QLinearMatMul", inputs, ["y"])
    graph = onnx.helper.make_graph(
        [node],
        "pairs",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, [1, 8])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.UINT8, [1, 4])],
        [constant(value, name) for name, value in values.items() if name != "x"],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return int(session.run(None, {"x": values["x"]})[0][0, 0]) != round(8 * 255 * 127 / 2000)


class StockRuntime:
    """`is_exact` says whether its integer kernels are: on processors where they saturate, there are
    exact ones for fused layers, but not for the integer operators of a file."""

    def __init__(self, model, folder, optimized=True):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = (
            levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
        )
        dump = folder / "optimized.onnx"
        if optimized:
            options.optimized_model_filepath = str(dump)
        self.is_exact = not saturates() or not INTEGER_OPERATORS.intersection(
            node.op_type for node in onnx.load(model, load_external_data=False).graph.node
        )
        # Elsewhere it turns operators on int8 values into some that it has no kernel for.
        if self.is_exact and saturates():
            options.add_session_config_entry("session.x64quantprecision", "1")
        self.session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self.kernels = collections.Counter()
        if optimized:
            self.kernels.update(node.op_type for node in onnx.load(dump).graph.node)

    def run(self, inputs):
        values = self.session.run(None, inputs)
        return {info.name: value for info, value in zip(self.session.get_outputs(), values)}

    @property
    def integer_matrix_products(self):
        return sum(self.kernels[name] for name in INTEGER_MATRIX_KERNELS)


def plan_of(path):
    """The plan that travels in the file's metadata."""
    entries = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    return json.loads(entries["tapq.plan"])


def layers_of(plan, *operators):
    return [layer for layer in plan["layers"] if layer["op"] in operators]


def check_file(path):
    onnx.checker.check_model(str(path), full_check=True)


def assert_agrees(expected, found, what):
    """At most one output step on 0.1 % of the values; a step is 1/255 of the output's range."""
    assert expected.keys() == found.keys(), what
    for name, stock in expected.items():
        own = found[name]
        assert stock.shape == own.shape, f"{what}: {name}"
        assert numpy.isfinite(own).all(), f"{what}: {name}"
        span = float(stock.max() - stock.min()) if stock.size else 0
        step = max(span / 255, 1e-6)
        off = numpy.abs(stock.astype(numpy.float64) - own) / step
        count = int((off > 0.5).sum())
        assert off.max() <= 1.5, f"{what}: {name} is {off.max():.2f} steps off"
        # A rounding tie may fall in the smallest outputs too.
        allowed = max(1, int(0.001 * off.size))
        assert count <= allowed, f"{what}: {name} differs on {count} of {off.size} values"


def assert_close_in_direction(expected, found, what):
    """For networks whose float operators lie between integer layers: where a float result falls
    on a rounding tie, the two runtimes round apart and every later value moves, as it does between
    optimization levels of ONNX Runtime. No sample turns away; `stages` judges every part by
    itself."""
    for name, stock in expected.items():
        rows = stock.astype(numpy.float64).reshape(len(stock), -1)
        own = found[name].astype(numpy.float64).reshape(len(stock), -1)
        norms = numpy.linalg.norm(rows, axis=1) * numpy.linalg.norm(own, axis=1)
        cosines = (rows * own).sum(axis=1) / norms
        assert cosines.min() >= 0.995, f"{what}: {name} has cosines {cosines}"
        assert numpy.median(cosines) >= 0.999, f"{what}: {name} has cosines {cosines}"
