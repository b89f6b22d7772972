"""One thread per worker: pytest-xdist keeps the cores busy, and two pools on one core wait for each other."""

from __future__ import annotations

import os

# Before numpy and its like are imported, and for every process that a test starts. A test of thread counts sets its own.
for _pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_pool, "1")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes and unprintable text never become part of a test's name: every worker must find the same names."""
    if isinstance(val, bytes):
        return f"{len(val)}-bytes" if len(val) < 8 else "bytes"
    if isinstance(val, str) and not (val.isascii() and val.isprintable() and "\\x" not in val):
        return "text"
    return None
