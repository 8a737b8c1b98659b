"""Cuts a quantized network at its quantized activations, so that every stage between two of them
is judged on the same inputs whatever came before."""

import numpy
import onnx
from onnx import helper
from stock_runtime import StockRuntime

COMPUTED = " computed"


def quantized_activations(graph):
    constants = {tensor.name for tensor in graph.initializer}
    return [
        node.output[0]
        for node in graph.node
        if node.op_type == "QuantizeLinear" and node.input[0] not in constants
    ]


def observing(model, names):
    """The model with the values as further outputs."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return watched


def cut(model, values):
    """The model with each of the values computed under another name and read from an input."""
    stages = onnx.ModelProto()
    stages.CopyFrom(model)
    graph = stages.graph
    del graph.value_info[:]
    for node in graph.node:
        for position, name in enumerate(node.output):
            if name in values:
                node.output[position] = name + COMPUTED
    for name, value in values.items():
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        graph.input.append(helper.make_tensor_value_info(name, kind, value.shape))
        graph.output.append(helper.make_tensor_value_info(name + COMPUTED, kind, value.shape))
    return stages


def steps_apart(tapq, path, inputs, engine="float"):
    """For each quantized activation, by how many steps tapq and stock ONNX Runtime differ."""
    model = onnx.load(path)
    names = quantized_activations(model.graph)
    folder = tapq.new_folder()
    onnx.save(observing(model, names), folder / "observed.onnx")
    seen = StockRuntime(folder / "observed.onnx", folder).run(inputs)
    values = {name: seen[name] for name in names}
    onnx.save(cut(model, values), folder / "stages.onnx")
    feeds = {**inputs, **values}
    stock = StockRuntime(folder / "stages.onnx", folder).run(feeds)
    own = tapq.run(folder / "stages.onnx", feeds, engine)
    return {
        name: numpy.abs(
            stock[name + COMPUTED].astype(numpy.int32)
            - own[(name + COMPUTED).replace("/", "_")].astype(numpy.int32)
        )
        for name in names
    }
