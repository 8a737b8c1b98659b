"""The real networks beside the repository with samples for each, and the ones in models/."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TAPQ_SHARED", REPOSITORY.parent / "shared"))

PLANS = {
    "8": ["--bits", "8"],
    "4": ["--bits", "4"],
    "mixed": ["--bits", "2,4,8", "--average-bits", "4.8"],
    "4, activations 4": ["--bits", "4", "--activation-bits", "4"],
}


@dataclass(frozen=True)
class Network:
    name: str
    path: Path
    samples: Callable[[], dict]
    """Inputs by name; the first axis counts samples."""
    batch: int = 4
    """Samples in one run."""
    has_float_islands: bool = False
    """Float operators lie between the integer layers."""

    @property
    def is_present(self):
        return self.path.is_file()

    def inputs(self, first=0, count=None):
        """Samples for one run; those of `batch` and no other fit where the batch is fixed."""
        end = first + (count or self.batch)
        return {name: values[first:end] for name, values in self.samples().items()}

    def calibration(self):
        return {name: values[self.batch :] for name, values in self.samples().items()}


def stored(name):
    return numpy.load(SHARED / "data" / name)


def pictures(count):
    return stored("cifar10-calib-images.npy")[:count].transpose(0, 3, 1, 2).astype(numpy.float32)


def normalized_pictures():
    mean = numpy.float32([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    deviation = numpy.float32([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    return {"input": (pictures(20) / 255 - mean) / deviation}


def enlarged_pictures(times, scale, offset):
    large = pictures(20).repeat(times, axis=2).repeat(times, axis=3)
    return {"input": large * numpy.float32(scale) + numpy.float32(offset)}


def speech_features():
    return {"input": stored("kws-calib-mfcc.npy")[:20]}


def faces():
    images = stored("faces-calib-images.npy").transpose(0, 3, 1, 2).astype(numpy.float32)
    return {"input": (images - 127) / 128}


def sentences():
    ids = stored("minilm-calib-input-ids.npy")[:36]
    return {
        "input_ids": ids,
        "attention_mask": stored("minilm-calib-attention-mask.npy")[:36],
        "token_type_ids": numpy.zeros_like(ids),
    }


def digits():
    images = numpy.load(REPOSITORY / "models/digits-calibration.npy")[:20]
    scale = numpy.float32(1 / 16 if images.dtype == numpy.uint8 and images.max() <= 16 else 1)
    return {"image": images.astype(numpy.float32).reshape(-1, 1, 8, 8) * scale}


def shared(name, samples, batch=4, **properties):
    return Network(name, SHARED / "models" / f"{name}.onnx", samples, batch, **properties)


NETWORKS = [
    Network("digits", REPOSITORY / "models/digits.onnx", digits),
    shared("cifar10-resnet20", normalized_pictures),
    shared("cifar10-resnet20-bn", normalized_pictures),
    shared("mlperf-tiny-resnet8", lambda: {"input": pictures(20)}),
    shared("mlperf-tiny-resnet8-bn", lambda: {"input": pictures(20)}),
    shared("mlperf-tiny-vww96", lambda: enlarged_pictures(3, 1 / 255, 0)),
    shared("mlperf-tiny-vww96-bn", lambda: enlarged_pictures(3, 1 / 255, 0)),
    shared("mlperf-tiny-dscnn-kws", speech_features),
    shared("mlperf-tiny-dscnn-kws-bn", speech_features),
    shared("imagenet-mobilenetv1-0.75-224", lambda: enlarged_pictures(7, 1 / 127.5, -1), batch=2),
    shared("ultraface-rfb-320", faces, batch=1),
    shared("ultraface-rfb-320-op13", faces, batch=1),
    # A tie moves a whole sentence: few of them move, of four it may be most.
    shared("minilm-l6-v2", sentences, batch=20, has_float_islands=True),
]
