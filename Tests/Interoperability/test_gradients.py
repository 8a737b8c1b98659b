"""Gradients that proxies read, against central differences of the network in ONNX Runtime."""

import json

import numpy
import onnx
import onnxruntime
import pytest
from networks import REPOSITORY, SHARED, pictures, stored

# Small: inputs of one are alike everywhere, so that whole planes reach the kink of a ReLU at once.
STEP = 1e-4

# Along which the weights of a layer move, and the formula of the derivative that way.
DIRECTIONS = {
    "W": (lambda weight: weight, "sum(GV * W)"),
    "abs(W)": (numpy.abs, "sum(GV * abs(W))"),
    "positive part": (lambda weight: numpy.maximum(weight, 0), "sum(GV * relu(W))"),
}


def digits():
    return {"image": numpy.load(REPOSITORY / "models/digits-calibration.npy")[:8]}


def sentences():
    ids = stored("minilm-calib-input-ids.npy")[:4, :32]
    return {
        "input_ids": ids,
        "attention_mask": stored("minilm-calib-attention-mask.npy")[:4, :32],
        "token_type_ids": numpy.zeros_like(ids),
    }


# The file, samples, values whose sum is differentiated, and the directions: signs of weights are
# others before batch normalization is folded.
NETWORKS = {
    "digits": (REPOSITORY / "models/digits.onnx", digits, ["logits"], ["W"]),
    "resnet8": (
        SHARED / "models/mlperf-tiny-resnet8.onnx",
        lambda: {"input": pictures(8)},
        None,
        list(DIRECTIONS),
    ),
    "minilm": (
        SHARED / "models/minilm-l6-v2.onnx",
        sentences,
        ["last_hidden_state", "sentence_embedding"],
        ["W"],
    ),
}


def sensitivities(tapq, path, samples, formula):
    """What the formula gives for each layer, by the layer's name."""
    folder = tapq.new_folder()
    proxy = folder / "tested.tap"
    proxy.write_text(
        f"name: tested\nthought: none\nformula: {formula}\nprovenance: this test\n"
    )
    flags = ["--proxy", proxy, "--bits", "4,8", "--average-bits", "6", "--rounding", "nearest"]
    flags += ["--embedding-bits", "32"]
    for name, values in samples.items():
        numpy.save(folder / f"{name}.npy", values)
        source = folder / f"{name}.npy"
        flags += ["--calibration", f"{name}={source}" if len(samples) > 1 else source]
    report = tapq.call("quantize", path, "-o", folder / "out.onnx", "--effort", "fast", "--json", *flags)
    return {layer["name"]: layer["sensitivity"] for layer in json.loads(report)["layers"]}


class Differences:
    """The sum of some values for inputs of one, as weights change."""

    def __init__(self, path, samples, values):
        self.model = onnx.load(path)
        graph = self.model.graph
        softmax = [node for node in graph.node if node.op_type == "Softmax"]
        self.values = values or [softmax[-1].input[0]]
        known = {output.name for output in graph.output}
        graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in self.values if name not in known
        )
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = {name: numpy.ones_like(array[:1]) for name, array in samples.items()}

    def weight_of(self, layer):
        for node in self.model.graph.node:
            if layer in (node.name, node.output[0]):
                return next(name for name in node.input[1:] if name in self.weights)
        raise AssertionError(f"no layer {layer}")

    def total(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            self.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return sum(
            output.astype(numpy.float64).sum() for output in session.run(self.values, self.inputs)
        )

    def derivative(self, layer, direction):
        tensor = self.weights[self.weight_of(layer)]
        weight = onnx.numpy_helper.to_array(tensor).copy()
        totals = []
        for sign in (1, -1):
            moved = (weight + sign * STEP * direction(weight)).astype(numpy.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(moved, tensor.name))
            totals.append(self.total())
        tensor.CopyFrom(onnx.numpy_helper.from_array(weight, tensor.name))
        return (totals[0] - totals[1]) / (2 * STEP)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_onnxruntime(tapq, name):
    path, samples, values, directions = NETWORKS[name]
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    samples = samples()
    differences = Differences(path, samples, values)
    for label in directions:
        direction, formula = DIRECTIONS[label]
        found = sensitivities(tapq, path, samples, formula)
        layers = list(found)[:: max(1, len(found) // 8)]
        expected = {layer: differences.derivative(layer, direction) for layer in layers}
        scale = max(abs(value) for value in expected.values())
        for layer in layers:
            assert found[layer] == pytest.approx(
                expected[layer], rel=0.03, abs=0.01 * scale
            ), f"{layer} of {name} along {label}"
