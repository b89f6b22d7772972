"""Windows of rows drawn from the reference: runs in which, by construction, nothing has changed.

Each split deals the rows of the reference into two halves at random. A check that compares with the reference gets one
half as its reference and runs of rows of the other half, so that no row stands on both sides: the error of a disjoint
pair is that of two independent samples, whatever the rows are. Runs of one split are disjoint too. A check of one run
alone gets rows drawn with replacement from one half: drawn without, runs that are large beside the reference would all
be alike, and the half brings the error of the reference itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.authoring.calibration.answers import with_known_answers
from model_governance.contract.repetition import repeated
from model_governance.contract.subject import Dataset
from model_governance.errors import CheckError, GovernanceError, SubjectUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.contract.check import Check, Params
    from model_governance.contract.result import CheckResult
    from model_governance.contract.subject import Role, Subject

MOST_RUNS_OF_A_SPLIT = 10
"""Runs that share one half as their reference; more would depend on one another too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPlan:
    """How runs of `rows` rows are drawn from a reference.

    Attributes:
        reference_rows: rows of the whole reference.
        rows: rows of a drawn run.
        wanted: rows of a usual run; more than `rows` where the half has no more.
        compares: whether the check compares a run with the reference.
        runs: runs of one split.
    """

    reference_rows: int
    rows: int
    wanted: int
    compares: bool
    runs: int

    @property
    def half(self) -> int:
        """Rows of the half that plays the reference."""
        return self.reference_rows - self.reference_rows // 2

    @property
    def reference_error(self) -> float:
        """Standard error of a metric over the whole reference as a part of that over a run; 0 of one that compares them."""
        return 0.0 if self.compares else math.sqrt(self.rows / self.reference_rows)

    @property
    def dependence(self) -> float:
        """Factor by which windows that share a half carry less evidence than as many independent ones, at least 1."""
        shared = self.rows / (self.rows + self.half)
        return 1 + (self.runs - 1) * shared

    @property
    def sentence(self) -> str:
        """Which rows were used, for readers."""
        if not self.compares:
            return f"runs of {self.rows:,} rows drawn with replacement from random halves of {self.reference_rows:,} rows of the reference"
        text = (
            f"runs of {self.rows:,} rows beside {self.half:,} other rows of the reference, no row on both sides; a real "
            "run is compared with twice as many, so real numbers vary a little less"
        )
        if self.rows < self.wanted:
            text += (
                f"; a usual run of {self.wanted:,} rows is larger than the other half, so smaller ones were drawn: with a "
                "larger reference the bounds could be tighter"
            )
        return text


def plan_windows(*, reference_rows: int, rows: int, compares: bool, paired: bool = False) -> WindowPlan:
    """The plan for a reference and a usual run; `paired` runs come two by two from one split."""
    if not compares:
        return WindowPlan(
            reference_rows=reference_rows, rows=rows, wanted=rows, compares=False, runs=2 if paired else 1
        )
    half = reference_rows // 2
    drawn = max(1, min(rows, half // 2 if paired else half))
    runs = min(max(1, half // drawn), MOST_RUNS_OF_A_SPLIT)
    return WindowPlan(
        reference_rows=reference_rows, rows=drawn, wanted=rows, compares=True, runs=runs - runs % 2 if paired else runs
    )


def measure_windows(
    check: Check, subject: Subject, params: Params, *, plan: WindowPlan, windows: int, seed: int
) -> Iterator[CheckResult | GovernanceError]:
    """What the check measures on each window, or the error that it raised there.

    Raises:
        SubjectUnreachable: as the check.
    """
    frame = subject.frame("reference")
    known = with_known_answers(subject, frame)
    with repeated():
        for number in range(windows):
            split, run = divmod(number, plan.runs)
            reference, current = draw_places(plan, split=split, run=run, seed=seed)
            datasets: dict[Role, Dataset] = {"current": _dataset("current", frame, current, f"{split}.{run}")}
            if plan.compares:
                datasets["reference"] = _dataset("reference", frame, reference, f"{split}")
            try:
                result: CheckResult | GovernanceError = check.measure(replace(known, datasets=datasets), params, seed)
            except SubjectUnreachable:
                raise
            except GovernanceError as error:
                result = error
            except Exception as error:
                # A run records it as an error of the check, and so does calibration.
                result = CheckError(f"unexpected {type(error).__name__}: {error}")
            yield result


def draw_places(plan: WindowPlan, *, split: int, run: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows of one window in the reference: those that play the reference, and those of the run."""
    import numpy as np

    dealt = np.random.default_rng([seed, split]).permutation(plan.reference_rows)
    reference, other = dealt[: plan.half], dealt[plan.half :]
    if plan.compares:
        return reference, other[run * plan.rows : (run + 1) * plan.rows]
    draw = np.random.default_rng([seed, split, run])
    return reference, reference[draw.integers(0, plan.half, plan.rows)]


def _dataset(role: Role, frame: pd.DataFrame, places: np.ndarray, name: str) -> Dataset:
    rows = frame.iloc[places].reset_index(drop=True)
    return Dataset(role, f"drawn:{role}", f"drawn:{name}", rows)
