"""Fixtures: the tapq binary that $TAPQ names, and a quantizer that keeps its results."""

import functools
import json
import os
import subprocess
from pathlib import Path

import numpy
import pytest
from networks import PLANS


class Tapq:
    """Runs the command line and fails with what it printed."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.count = 0

    def attempt(self, *arguments):
        """The finished process, whatever its exit code."""
        return subprocess.run(
            [self.binary, *map(str, arguments)], capture_output=True, text=True, check=False
        )

    def call(self, *arguments):
        result = self.attempt(*arguments)
        assert result.returncode == 0, f"tapq {' '.join(map(str, arguments))}\n{result.stderr}"
        return result.stdout

    def new_folder(self):
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        return folder

    def quantize(self, model, calibration, *flags):
        """The path of the quantized file. `calibration` holds samples along the first axis."""
        folder = self.new_folder()
        sources = []
        for name, values in calibration.items():
            path = folder / f"{len(sources)}.npy"
            numpy.save(path, values)
            source = f"{name}={path}" if len(calibration) > 1 else str(path)
            sources += ["--calibration", source]
        output = folder / "quantized.onnx"
        self.call("quantize", model, "-o", output, *sources, *flags)
        return output

    def attempt_run(self, model, inputs, engine):
        """The finished process of one run, and the outputs that it left by name."""
        folder = self.new_folder()
        flags = []
        for position, (name, values) in enumerate(inputs.items()):
            path = folder / f"input{position}.npy"
            numpy.save(path, values)
            flags += ["--input", f"{name}={path}"]
        outputs = folder / "outputs"
        result = self.attempt("run", model, *flags, "--output-dir", outputs, "--engine", engine)
        return result, {path.stem: numpy.load(path) for path in outputs.glob("*.npy")}

    def run(self, model, inputs, engine="float"):
        """The outputs of one of tapq's engines by name: float, which simulates quantized networks,
        or integer."""
        result, outputs = self.attempt_run(model, inputs, engine)
        assert result.returncode == 0, f"{engine} engine on {model}\n{result.stderr}"
        return outputs

    def integer_share(self, model, inputs):
        """How much of the multiply-accumulates runs in integers."""
        shapes = []
        for name, values in inputs.items():
            shapes += ["--shape", f"{name}={'x'.join(map(str, values.shape))}"]
        flags = ["--engine", "integer", "--runs", "1", "--threads", "1", "--json"]
        return json.loads(self.call("benchmark", model, *shapes, *flags))[0]["integer_share"]


@pytest.fixture(scope="session")
def tapq(tmp_path_factory):
    binary = os.environ.get("TAPQ")
    if not binary or not Path(binary).is_file():
        pytest.fail("$TAPQ has to name the tapq binary; scripts/test sets it")
    return Tapq(binary, tmp_path_factory.mktemp("tapq"))


@pytest.fixture(scope="session")
def quantized(tapq):
    """Gives the file of a network under one of the plans; every file is made once."""

    @functools.cache
    def path(network, plan):
        if not network.is_present:
            pytest.skip(f"{network.path} is absent")
        return tapq.quantize(network.path, network.calibration(), *PLANS[plan])

    return path
