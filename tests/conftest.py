"""One thread per worker: pytest-xdist keeps the cores busy, and two pools on one core wait for each other."""

from __future__ import annotations

import os

# Before numpy and its like are imported, and for every process that a test starts. A test of thread counts sets its own.
for _pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_pool, "1")
