"""Writes the operator cases of the installed onnx package, opset 18 to 25, as model and tensor files.

The layout is that of libonnx-testdata: DIRECTORY/NAME/model.onnx and
DIRECTORY/NAME/test_data_set_0/{input,output}_N.pb. Cases of older operator sets are left
out, as libonnx-testdata has them. A folder that this version of onnx wrote before is kept.
"""

import pathlib
import shutil
import sys

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

OLDEST, NEWEST = 18, 25


def serialize(value, info):
    if isinstance(value, (onnx.TensorProto, onnx.SequenceProto, onnx.OptionalProto)):
        return value.SerializeToString()
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name).SerializeToString()
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name).SerializeToString()
    return numpy_helper.from_array(value, info.name).SerializeToString()


def write(case, directory):
    graph = case.model.graph
    directory.mkdir(parents=True)
    (directory / "model.onnx").write_bytes(case.model.SerializeToString())
    for index, (inputs, outputs) in enumerate(case.data_sets):
        data = directory / f"test_data_set_{index}"
        data.mkdir()
        for kind, values, infos in (
            ("input", inputs, graph.input),
            ("output", outputs, graph.output),
        ):
            for position, (value, info) in enumerate(zip(values, infos)):
                if info.type.WhichOneof("value") != "map_type":
                    path = data / f"{kind}_{position}.pb"
                    path.write_bytes(serialize(value, info))


def opset(model):
    """The version of the standard operators; None where another domain is used."""
    versions = {item.domain: item.version for item in model.opset_import}
    return versions.get("") if set(versions) == {""} else None


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: generate.py DIRECTORY")
    target = pathlib.Path(sys.argv[1])
    stamp = target / "generated"
    contents = f"onnx {onnx.__version__}, opset {OLDEST} to {NEWEST}\n"
    if stamp.exists():
        if stamp.read_text() == contents:
            return
        shutil.rmtree(target)
    if target.exists() and any(target.iterdir()):
        sys.exit(f"{target} holds something else")
    written = 0
    for case in collect_testcases(None):
        version = opset(case.model)
        if version is not None and OLDEST <= version <= NEWEST:
            write(case, target / case.name)
            written += 1
    stamp.write_text(contents)
    print(f"{written} cases in {target}")


if __name__ == "__main__":
    main()
