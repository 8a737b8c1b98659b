"""A recurrent network: convolutions in integers around float `If` and `LSTM`."""

import numpy
import pytest
from networks import SHARED, stored
from stock_runtime import StockRuntime, assert_agrees, layers_of, plan_of

MODEL = SHARED / "models/silero-vad-16k-op15.onnx"
CONTEXT, FRAME = 64, 512


def frames(count):
    """Frames of speech, each behind the last samples of the one before."""
    start = 10 * 16000
    sound = stored("silero-speech-16k.npy")[start - CONTEXT :].astype(numpy.float32) / 32768
    return numpy.stack([sound[i * FRAME : (i + 1) * FRAME + CONTEXT] for i in range(count)])


def written(tapq, sound, bits):
    """The detector's quantized file."""
    folder = tapq.new_folder()
    numpy.save(folder / "sound.npy", sound)
    path = folder / "quantized.onnx"
    sources = [f"input={folder / 'sound.npy'}", "state=0", "sr=16000"]
    flags = [flag for source in sources for flag in ("--calibration", source)]
    tapq.call("quantize", MODEL, "-o", path, *flags, "--bits", bits)
    return path


def inputs_of(frame):
    return {
        "input": frame[None],
        "state": numpy.zeros((2, 1, 128), numpy.float32),
        "sr": numpy.array(16000, numpy.int64),
    }


@pytest.mark.skipif(not MODEL.is_file(), reason=f"{MODEL} is absent")
@pytest.mark.parametrize("bits", ["8", "4"])
def test_speech_detector(tapq, bits):
    sound = frames(17)
    path = written(tapq, sound[1:], bits)
    stock = StockRuntime(path, path.parent)
    assert stock.kernels["QLinearConv"] == len(layers_of(plan_of(path), "Conv")) > 0
    inputs = inputs_of(sound[0])
    assert_agrees(stock.run(inputs), tapq.run(path, inputs), f"speech detector at {bits} bits")
