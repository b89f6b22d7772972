"""Thresholds of data drift, over runs drawn cell by cell from the reference: a hundred thousand runs in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from model_governance.authoring.calibration.counts import joined
from model_governance.authoring.calibration.critical import side_of
from model_governance.authoring.calibration.curve import ENOUGH_BEYOND, Curve, Proposal
from model_governance.authoring.calibration.results import POWER, Calibrated, NotCalibrated
from model_governance.checks.data.data_drift.comparison import choose_features
from model_governance.engine import open_relation
from model_governance.engine.profiles import profile_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.checks.data.data_drift.params import DriftParams
    from model_governance.contract.subject import Subject
    from model_governance.engine.profiles import Family
    from model_governance.policy import Policy, Threshold
    from model_governance.stats.multiplicity import Adjustment

CHUNK = 4000
LIMITS = (
    "rows are drawn as if they were independent, and so are columns (dependent columns raise false alarms less often, "
    "not more); a bound below {least:g} is not proposed, because smaller changes do not matter in practice"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the reference: rows per cell, and rows that hold nothing."""

    name: str
    family: Family
    counts: np.ndarray
    missing: int

    def draw(self, rows: int, draws: int, draw: np.random.Generator) -> np.ndarray:
        """Counts per cell of runs like the reference, shape (runs, cells)."""
        import numpy as np

        chances = np.append(self.counts, self.missing) / (self.counts.sum() + self.missing)
        drawn: np.ndarray = draw.multinomial(rows, chances, size=draws)[:, :-1]
        return drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """PSI and p-value per column and run, shape (columns, runs) each."""

    names: tuple[str, ...]
    psi: np.ndarray
    p_values: np.ndarray


class Judged(Protocol):
    """Critical bounds of runs, shape (runs,): as judged, and by the numbers without their evidence."""

    def __call__(self, drawn: Drawn, *, level: float) -> tuple[np.ndarray, np.ndarray]:
        """For drawn runs, at a level."""


def calibrate_drift(
    policy: Policy,
    name: str,
    places: Sequence[int],
    *,
    kind: str,
    subject: Subject,
    params: DriftParams,
    windows: int,
    rows: int,
    seed: int,
    level: float,
) -> list[Calibrated | NotCalibrated]:
    """The thresholds of a drift check, by their places. More than `windows` runs are drawn where the level requires it.

    Raises:
        SubjectError, CheckError: the reference lacks a column, or it cannot be cut into cells.
    """
    columns = _columns(subject, params)
    thresholds = {place: policy.checks[name].thresholds[place] for place in places}
    judges = {place: _judge(threshold, params, policy.alarms.adjust) for place, threshold in thresholds.items()}
    known = {
        place: judge for place, judge in judges.items() if judge is not None and side_of(thresholds[place]) == "upper"
    }
    draws = max(windows, math.ceil(2 * ENOUGH_BEYOND / level)) if known else 0
    bounds = _bounds(known, _chunks(columns, subject.datasets["reference"].rows, rows, draws, seed), level=level)
    return [
        _calibrated(
            policy, name, place, kind=kind, bounds=bounds[place], columns=columns, rows=rows, params=params, level=level
        )
        if place in known
        else NotCalibrated(check=name, label=threshold.metric, reason=_reason(threshold, params))
        for place, threshold in thresholds.items()
    ]


def _columns(subject: Subject, params: DriftParams) -> list[Column]:
    import numpy as np

    families, _ = choose_features(subject, params)
    relation = open_relation(subject.datasets["reference"])
    profile = profile_of(relation, families)
    labels = relation.value_counts([name for name, family in families.items() if family == "categories"])
    return [
        Column(
            name=name, family=family, missing=profile.columns[name].rows - profile.columns[name].held,
            counts=np.array(list(labels[name].values())) if name in labels else profile.columns[name].cell_counts,
        )
        for name, family in families.items()
    ]  # fmt: skip


def _chunks(columns: Sequence[Column], reference_rows: int, rows: int, draws: int, seed: int) -> Iterator[Drawn]:
    """Reference and current drawn anew for each run, so that the reference's own sampling error is included."""
    import numpy as np

    for number, start in enumerate(range(0, draws, CHUNK)):
        count = min(CHUNK, draws - start)
        statistics = []
        for place, column in enumerate(columns):
            draw = np.random.default_rng([seed, number, place])
            reference, current = column.draw(reference_rows, count, draw), column.draw(rows, count, draw)
            drawn = joined(reference, current, in_order=column.family == "numbers")
            statistics.append((drawn.psi(), drawn.p_values()))
        yield Drawn(
            names=tuple(column.name for column in columns), psi=np.array([psi for psi, _ in statistics]),
            p_values=np.array([p_value for _, p_value in statistics]),
        )  # fmt: skip


def _judge(threshold: Threshold, params: DriftParams, adjust: Adjustment) -> Judged | None:
    """How one threshold judges drawn runs; None for metrics that counts of cells do not determine."""
    if threshold.metric == "psi":
        return lambda drawn, *, level: _every_column(drawn, threshold.key, adjust, level=level)
    if threshold.metric == "psi_max":
        return _largest
    shares = threshold.metric in ("drift_share", "drifted_columns")
    if shares and (params.numeric_method, params.categorical_method) == ("psi", "psi"):
        unit = 1 if threshold.metric == "drifted_columns" else None
        return lambda drawn, *, level: _moved(drawn, params, unit, level=level)
    return None


def _every_column(drawn: Drawn, key: str | None, adjust: Adjustment, *, level: float) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    own = [place for place, name in enumerate(drawn.names) if key in (None, name)]
    psi, p_values = drawn.psi[own], drawn.p_values[own]
    return np.where(rejected(p_values, adjust, level=level), psi, -np.inf).max(axis=0), psi.max(axis=0)


def _largest(drawn: Drawn, *, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The largest PSI, whose p-value is that of its column times the number of columns."""
    import numpy as np

    place, draws = drawn.psi.argmax(axis=0), np.arange(drawn.psi.shape[1])
    largest, p_value = drawn.psi[place, draws], len(drawn.psi) * drawn.p_values[place, draws]
    return np.where(p_value <= level, largest, -np.inf), largest


def _moved(drawn: Drawn, params: DriftParams, unit: int | None, *, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Columns that count as drifted; the evidence is that of the clearest column times the number of columns."""
    import numpy as np

    counted = rejected(drawn.p_values, "benjamini_hochberg", level=params.evidence_level)
    moved = (counted & (drawn.psi >= params.limit_for("psi"))).sum(axis=0) / (unit or len(drawn.psi))
    proven = len(drawn.p_values) * drawn.p_values.min(axis=0) <= level
    return np.where(proven, moved, -np.inf), moved


def rejected(p_values: np.ndarray, adjust: Adjustment, *, level: float) -> np.ndarray:
    """Which p-values, shape (columns, runs), are evidence at this level once adjusted; as `multiplicity.adjusted`."""
    import numpy as np

    count = len(p_values)
    if adjust == "bonferroni":
        return np.minimum(1.0, p_values * count) <= level
    ranked = np.sort(p_values, axis=0)
    ranks = np.arange(1, count + 1)[:, None]
    passing = (ranked * count / ranks <= level).cumsum(axis=0).argmax(axis=0)  # the last rank that passes
    draws = np.arange(p_values.shape[1])
    limit = np.where((ranked * count / ranks <= level).any(axis=0), ranked[passing, draws], -1.0)
    return p_values <= limit


def _bounds(
    judges: dict[int, Judged], chunks: Iterator[Drawn], *, level: float
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    import numpy as np

    parts: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {place: [] for place in judges}
    for drawn in chunks:
        for place, judged in judges.items():
            parts[place].append(judged(drawn, level=level))
    return {
        place: (
            np.sort(np.concatenate([judged for judged, _ in chunks_of_place])),
            np.sort(np.concatenate([numbers for _, numbers in chunks_of_place])),
        )
        for place, chunks_of_place in parts.items()
    }


def _calibrated(
    policy: Policy,
    name: str,
    place: int,
    *,
    kind: str,
    bounds: tuple[np.ndarray, np.ndarray],
    columns: Sequence[Column],
    rows: int,
    params: DriftParams,
    level: float,
) -> Calibrated:
    """The proposed bound keeps the level by the numbers without their evidence; the evidence keeps it as well."""
    threshold = policy.checks[name].thresholds[place]
    judged, numbers_only = (Curve(critical=bound, side="upper") for bound in bounds)
    psi = threshold.metric in ("psi", "psi_max")
    least = params.limit_for("psi") if psi else 1.0 if threshold.metric == "drifted_columns" else 1 / len(columns)
    proposal = numbers_only.propose(level)
    if proposal.bound is not None:
        proposal = Proposal(bound=max(proposal.bound, least), method=proposal.method)
    current = threshold.bound if not isinstance(threshold.bound, tuple) else threshold.bound[1]
    chosen = [column for column in columns if threshold.key in (None, column.name)] if psi else []
    return Calibrated(
        check=name, kind=kind, place=place, threshold=threshold, level=level, curve=judged, proposal=proposal,
        runs_per_year=policy.runs_per_year, detectable=_detectable(chosen, rows, proposal.bound, level=level),
        detectable_now=_detectable(chosen, rows, current, level=level), without_evidence=numbers_only if psi else None,
        limits=LIMITS.format(least=least),
    )  # fmt: skip


def _detectable(columns: Sequence[Column], rows: int, bound: float | None, *, level: float) -> float | None:
    """The PSI that fails in 95% of runs whichever of the columns has it: evidence and bound must both be passed."""
    if bound is None or not columns:
        return None
    return max(_detectable_in(column, rows, bound, level=level / len(columns)) for column in columns)


def _detectable_in(column: Column, rows: int, bound: float, *, level: float) -> float:
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    held = int(column.counts.sum())
    current_rows = rows * held / (held + column.missing)
    drawn = joined(column.counts, (column.counts * current_rows / held)[None, :], in_order=column.family == "numbers")
    freedom = int(drawn.cells[0]) - 1
    if freedom < 1:
        return 0.0
    chance = 1 / held + 1 / current_rows
    needed = max(float(chi2.isf(level, freedom)), bound / chance + freedom)

    def lacking(noncentral: float) -> float:
        return float(ncx2.sf(needed, freedom, noncentral)) - POWER

    return float(brentq(lacking, 0.0, 2 * needed + 200.0, xtol=1e-9)) * chance


def _reason(threshold: Threshold, params: DriftParams) -> str:
    if side_of(threshold) != "upper":
        return f"`{threshold.condition}` has no upper bound to move"
    if threshold.metric in ("drift_share", "drifted_columns"):
        return f"columns count by {params.numeric_method}/{params.categorical_method}; counts of cells determine it for psi only"
    return "not determined by counts of cells; where it carries evidence, its level keeps the budget under any bound"
