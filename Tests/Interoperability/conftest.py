"""Fixtures: the tapq binary that $TAPQ names, and a quantizer that keeps its results."""

import os
import subprocess
from pathlib import Path

import numpy
import pytest


class Tapq:
    """Runs the command line and fails with what it printed."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.count = 0

    def call(self, *arguments):
        result = subprocess.run(
            [self.binary, *map(str, arguments)], capture_output=True, text=True, check=False
        )
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

    def run(self, model, inputs):
        """The outputs of tapq's float engine by name."""
        folder = self.new_folder()
        flags = []
        for position, (name, values) in enumerate(inputs.items()):
            path = folder / f"input{position}.npy"
            numpy.save(path, values)
            flags += ["--input", f"{name}={path}"]
        outputs = folder / "outputs"
        self.call("run", model, *flags, "--output-dir", outputs, "--engine", "float")
        return {path.stem: numpy.load(path) for path in outputs.glob("*.npy")}


@pytest.fixture(scope="session")
def tapq(tmp_path_factory):
    binary = os.environ.get("TAPQ")
    if not binary or not Path(binary).is_file():
        pytest.fail("$TAPQ has to name the tapq binary; scripts/test sets it")
    return Tapq(binary, tmp_path_factory.mktemp("tapq"))
