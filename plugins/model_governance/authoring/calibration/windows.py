"""Windows of rows drawn from the reference: runs in which, by construction, nothing has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.contract.subject import Dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.contract.check import Check, Params
    from model_governance.contract.result import CheckResult
    from model_governance.contract.subject import Role, Subject


def measure_windows(
    check: Check, subject: Subject, params: Params, *, windows: int, rows: int, seed: int, paired: bool = False
) -> Iterator[CheckResult]:
    """What the check measures on each window of `rows` rows (bootstrap: Efron, 1979).

    A check that compares with the reference gets a reference drawn anew for each window; for any other the window
    is drawn from such a redrawn reference. Either way the reference's own sampling error is part of the numbers.
    `paired` windows come two by two from one redrawn reference, as two runs of one year do.

    Raises:
        CheckError, SubjectError: as the check.
    """
    import numpy as np

    frame = subject.frame("reference")
    compares = "reference" in (*check.roles, *check.optional_roles)
    for number in range(windows):
        redrawn = _drawn(frame, len(frame), np.random.default_rng([seed, 0, number // 2 if paired else number]))
        current = _drawn(frame if compares else redrawn, rows, np.random.default_rng([seed, 1, number]))
        datasets: dict[Role, Dataset] = {
            "current": _dataset("current", current),
            "reference": _dataset("reference", redrawn),
        }
        yield check.measure(replace(subject, datasets=datasets), params, seed)


def _drawn(frame: pd.DataFrame, rows: int, draw: np.random.Generator) -> pd.DataFrame:
    return frame.iloc[draw.integers(0, len(frame), rows)].reset_index(drop=True)


def _dataset(role: Role, frame: pd.DataFrame) -> Dataset:
    return Dataset(role, f"drawn:{role}", "drawn", frame)
