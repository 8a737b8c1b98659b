"""The integer engine beside the float engine, which simulates the same arithmetic."""

import numpy


def assert_engines_agree(tapq, path, inputs, what):
    """Both give the same bits; these are returned."""
    expected = tapq.run(path, inputs, "float")
    found = tapq.run(path, inputs, "integer")
    assert expected.keys() == found.keys(), what
    for name, simulated in expected.items():
        own = found[name]
        assert simulated.dtype == own.dtype, f"{what}: {name}"
        assert simulated.shape == own.shape, f"{what}: {name}"
        assert simulated.size, f"{what}: {name}"
        count = int((simulated != own).sum())
        assert numpy.array_equal(simulated, own), (
            f"{what}: {name} differs on {count} of {own.size} values,"
            f" by {numpy.abs(simulated.astype(numpy.float64) - own).max()} at most"
        )
    return found
