"""The integer engine on tapq's own files: bit for bit what the float engine simulates, and within a
step of stock ONNX Runtime, layer by layer on the same inputs."""

import pytest
from engines import assert_engines_agree
from networks import NETWORKS, PLANS
from stages import steps_apart
from test_patterns import PATTERNS, WIDTHS, written
from test_speech import MODEL, frames, inputs_of
from test_speech import written as written_detector

every_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)


def runs(network):
    """First sample and count: one, three and a whole batch, or one by one where one is all."""
    if network.batch == 1:
        return [(0, 1), (1, 1), (2, 1)]
    return [(0, 1), (1, 3), (0, network.batch)]


@pytest.mark.parametrize("plan", PLANS)
@every_network
def test_network(tapq, quantized, network, plan):
    path = quantized(network, plan)
    for first, count in runs(network):
        what = f"{network.name} at {plan} bits, {count} samples from {first}"
        assert_engines_agree(tapq, path, network.inputs(first, count), what)


@every_network
def test_layers_against_stock_runtime(tapq, quantized, network):
    apart = steps_apart(tapq, quantized(network, "8"), network.inputs(), "integer")
    assert apart
    for name, steps in apart.items():
        assert steps.max() <= 1, f"{name} is {steps.max()} steps off"
    total = sum(steps.size for steps in apart.values())
    off = sum(int((steps > 0).sum()) for steps in apart.values())
    assert off <= 1e-4 * total, f"{network.name} differs on {off} of {total} values"


@pytest.mark.parametrize("length", [1, 13])
def test_sequences_of_other_lengths(tapq, quantized, length):
    """The axis of words is as free as that of samples."""
    network = next(network for network in NETWORKS if network.name == "minilm-l6-v2")
    inputs = {name: values[:, :length] for name, values in network.inputs(0, 3).items()}
    assert_engines_agree(tapq, quantized(network, "8"), inputs, f"{network.name} of {length} words")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PATTERNS)
def test_pattern(tapq, name, width):
    path = written(tapq, PATTERNS[name], *WIDTHS[width])
    for count in (1, 3):
        inputs = {"x": PATTERNS[name].inputs["x"][:count]}
        assert_engines_agree(tapq, path, inputs, f"{name} at {width} bits, {count} samples")


@pytest.mark.skipif(not MODEL.is_file(), reason=f"{MODEL} is absent")
@pytest.mark.parametrize("bits", ["8", "4"])
def test_speech_detector(tapq, bits):
    """Integer convolutions around float `If` and `LSTM`."""
    sound = frames(17)
    path = written_detector(tapq, sound[1:], bits)
    for frame in sound[:3]:
        assert_engines_agree(tapq, path, inputs_of(frame), f"speech detector at {bits} bits")
