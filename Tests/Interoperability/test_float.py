"""The float engine against stock ONNX Runtime and against the outputs beside the networks."""

import numpy
import pytest
from networks import NETWORKS, SHARED, stored
from stock_runtime import StockRuntime
from test_speech import CONTEXT, FRAME, MODEL

TOLERANCE = 1e-4


def assert_close(expected, found, what):
    """Differences are relative to the output's largest value."""
    assert expected.shape == found.shape, what
    scale = numpy.abs(expected).max()
    assert numpy.abs(expected - found).max() <= TOLERANCE * scale, what


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_float_network(tapq, network):
    if not network.is_present:
        pytest.skip(f"{network.path} is absent")
    inputs = network.inputs()
    folder = tapq.new_folder()
    expected = StockRuntime(network.path, folder).run(inputs)
    found = tapq.run(network.path, inputs)
    for name, values in expected.items():
        assert_close(values, found[name], f"{network.name}: {name}")


@pytest.mark.skipif(not MODEL.is_file(), reason=f"{MODEL} is absent")
def test_speech_frames(tapq):
    """The state of each frame feeds the next."""
    expected = stored("silero-float-speech-prob.npy").ravel()
    sound = stored("silero-speech-16k.npy").astype(numpy.float32) / 32768
    sound = numpy.concatenate([numpy.zeros(CONTEXT, numpy.float32), sound])
    state = numpy.zeros((2, 1, 128), numpy.float32)
    for frame in range(20):
        piece = sound[frame * FRAME : (frame + 1) * FRAME + CONTEXT][None]
        inputs = {"input": piece, "state": state, "sr": numpy.array(16000, numpy.int64)}
        outputs = tapq.run(MODEL, inputs)
        state = outputs["stateN"]
        assert abs(outputs["output"].item() - expected[frame]) <= TOLERANCE, frame


def test_sentence_embeddings(tapq):
    model = SHARED / "models/minilm-l6-v2.onnx"
    if not model.is_file():
        pytest.skip(f"{model} is absent")
    ids = stored("minilm-pairs-input-ids.npy")
    inputs = {
        "input_ids": ids,
        "attention_mask": stored("minilm-pairs-attention-mask.npy"),
        "token_type_ids": numpy.zeros_like(ids),
    }
    found = tapq.run(model, inputs)["sentence_embedding"]
    assert_close(stored("minilm-pairs-float-embeddings.npy"), found, "sentence embeddings")
