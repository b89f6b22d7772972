"""The reader of pickled data frames builds frames and calls nothing else."""

from __future__ import annotations

import importlib
import lzma
import pickle
import sys
from pathlib import Path

import pandas as pd
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "include" / "examples"


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    before = set(sys.modules)
    yield importlib.import_module("rdatasets")
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(EXAMPLES)):
            del sys.modules[name]


def write(folder, content):
    path = folder / "frame.pkl.compress"
    path.write_bytes(lzma.compress(content))
    return path


def test_a_frame_is_read_as_it_was_written(reader, tmp_path):
    frame = pd.DataFrame({"demand": [3.9, 4.1], "title": ["Dumbo", None], "day": [1, 2]})
    # The wheel was written with numpy 1, which has other names.
    content = pickle.dumps(frame, protocol=3).replace(b"numpy._core", b"numpy.core")
    pd.testing.assert_frame_equal(reader.read_frame(write(tmp_path, content)), frame)


class Written:
    """A pickle of this writes a file when it is loaded by a plain unpickler."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_pickle_that_would_call_something_else_is_refused_before_the_call(reader, tmp_path):
    mark = tmp_path / "called"
    with pytest.raises(pickle.UnpicklingError, match="expected a data frame, found the name"):
        reader.read_frame(write(tmp_path, pickle.dumps(Written(mark))))
    assert not mark.exists()


def test_something_that_is_no_frame_is_refused(reader, tmp_path):
    with pytest.raises(pickle.UnpicklingError, match="expected a data frame, found dict"):
        reader.read_frame(write(tmp_path, pickle.dumps({"demand": [1.0]})))
