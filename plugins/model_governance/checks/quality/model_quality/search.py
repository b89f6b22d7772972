"""The search for weak slices: rows, by one column or two, that the model serves worse than all others.

Looking into thousands of slices finds bad ones by chance. So the rows are split in two halves by the
seed: the first nominates, under the false discovery rate of Benjamini and Hochberg (1995) over every
slice tested, and the second confirms the few nominees, under Bonferroni. What the second half shows
was not chosen by it, so its numbers are not flattered by the search, and where no slice is weak the
chance of confirming any is at most `level` (Cox, 1975: data splitting).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.cells import code_column, cuts
from model_governance.checks.quality.model_quality.measurement import absent
from model_governance.checks.quality.model_quality.slices import Sliced
from model_governance.checks.quality.model_quality.uncertainty import TAIL
from model_governance.contract.result import Estimate, Table
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import CheckError
from model_governance.stats.intervals import on_scale
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.cells import Cut
    from model_governance.checks.quality.model_quality.measurement import Exam, Interval, Measurement
    from model_governance.checks.quality.model_quality.params import Search

NOMINEES = 10
MOST_TOLD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A slice against all other rows: mean losses, their gap (above 0: the slice is worse), one-sided p-value."""

    words: str
    rows: int
    inside: float
    outside: float
    spread_inside: float
    spread_outside: float
    p_value: float

    @property
    def gap(self) -> float:
        """Mean loss inside minus outside."""
        return self.inside - self.outside

    @property
    def spread(self) -> float:
        """Standard error of the gap."""
        return math.hypot(self.spread_inside, self.spread_outside)

    def reach(self, spread: float) -> float:
        """Half the width of a 95% interval with this standard error."""
        from scipy.stats import norm

        return float(norm.ppf(1 - TAIL)) * spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """What the search found: the nominees on the confirming half, best evidence first, with adjusted p-values."""

    tested: int
    nominees: tuple[Contrast, ...]
    p_values: tuple[float, ...]


def find_weak_slices(exam: Exam, found: Measurement, search: Search) -> Sliced:
    """Metrics, tables and notes of the search.

    Raises:
        SubjectError: the dataset lacks a column to look into.
        CheckError: rows depend on one another (rankings, forecasts).
    """
    if found.losses is None:
        raise CheckError(
            f"search needs rows that do not depend on one another, and those of {exam.subject.task} do; name slices instead"
        )
    columns = {
        name: code_column(exam.labelled.column(name), bins=search.bins, by_value=_is_category(exam, name))
        for name in search.features or exam.subject.columns.names
    }
    weakness = search_cuts(list(cuts(columns, depth=search.maximum_depth)), found.losses, search=search, seed=exam.seed)
    if weakness is None:
        few = (
            f"no slice has {search.minimum_rows} rows inside and outside in both halves of {exam.labelled.n:,} labelled "
            "rows; lower search.minimum_rows or widen the window"
        )
        return Sliced(
            estimates=tuple(absent(one, few, n=exam.labelled.n) for one in ("worst_slice_gap", "weak_slices"))
        )
    classes = exam.subject.task != "regression"
    return Sliced(
        estimates=_estimates(weakness, search, classes=classes),
        tables=(_table(weakness, search),),
        highlights=_weak(weakness, search, classes=classes),
        notes=(_how(weakness, search),),
    )


def _is_category(exam: Exam, name: str) -> bool:
    """Codes of categories are no numbers, however many there are."""
    feature = exam.subject.columns.features.get(name)
    return feature is not None and feature.kind not in NUMBER_KINDS


def search_cuts(candidates: list[Cut], losses: np.ndarray, *, search: Search, seed: int) -> Weakness | None:
    """Nominate on one half, confirm on the other; losses of shape (n,). None where no slice has enough rows."""
    import numpy as np

    first = np.zeros(len(losses), dtype=bool)
    first[np.random.default_rng(seed).permutation(len(losses))[: len(losses) // 2]] = True
    tested = []
    for place, cut in enumerate(candidates):
        enough = _count(cut, ~first) >= search.minimum_rows
        tested += [
            (place, cell, one)
            for cell, one in _contrasts(cut, losses, first, minimum=search.minimum_rows)
            if enough[cell] and (~first).sum() - _count(cut, ~first)[cell] >= search.minimum_rows
        ]
    if not tested:
        return None
    q_values = adjusted([one.p_value for _, _, one in tested], "benjamini_hochberg")
    chosen = [one for one, q in zip(tested, q_values, strict=True) if q <= search.level] or tested
    # The largest gap that chance leaves standing goes first; without any discovery it alone is looked at again.
    chosen.sort(key=lambda one: (one[2].gap - one[2].reach(one[2].spread), one[2].words), reverse=True)
    chosen = chosen[: NOMINEES if min(q_values) <= search.level else 1]
    second = [
        next(found for at, found in _contrasts(candidates[place], losses, ~first, minimum=1) if at == cell)
        for place, cell, _ in chosen
    ]
    p_values = adjusted([one.p_value for one in second], "bonferroni")
    return Weakness(tested=len(tested), nominees=tuple(second), p_values=p_values)


def _count(cut: Cut, rows: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.bincount(cut.cell[rows & (cut.cell >= 0)], minlength=len(cut.words))


def _contrasts(cut: Cut, losses: np.ndarray, rows: np.ndarray, *, minimum: int) -> list[tuple[int, Contrast]]:
    """Every cell of a cut with `minimum` rows inside and outside, against all other rows."""
    import numpy as np

    kept = rows & (cut.cell >= 0)
    cell, loss, width = cut.cell[kept], losses[kept], len(cut.words)
    count = np.bincount(cell, minlength=width)
    total, square = (np.bincount(cell, weights=one, minlength=width) for one in (loss, loss**2))
    n, everything, squares = int(rows.sum()), float(losses[rows].sum()), float(np.square(losses[rows]).sum())
    big = np.flatnonzero((count >= minimum) & (n - count >= minimum))
    inside, spread_in = _mean_and_spread(count[big], total[big], square[big])
    outside, spread_out = _mean_and_spread(n - count[big], everything - total[big], squares - square[big])
    binary = bool(np.isin(losses, (0.0, 1.0)).all())
    p_values = _p_values(
        count[big], total[big], n, everything, (inside - outside, spread_in, spread_out), binary=binary
    )
    return [
        (
            int(at),
            Contrast(
                words=cut.words[at], rows=int(count[at]), inside=float(inside[i]), outside=float(outside[i]),
                spread_inside=float(spread_in[i]), spread_outside=float(spread_out[i]), p_value=float(p_values[i]),
            ),
        )
        for i, at in enumerate(big)
    ]  # fmt: skip


def _mean_and_spread(count: np.ndarray, total: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and its standard error from counts, sums and sums of squares."""
    import numpy as np

    mean = total / count
    variance = np.maximum(square / count - mean**2, 0.0) * count / np.maximum(count - 1, 1)
    return mean, np.sqrt(variance / count)


def _p_values(
    count: np.ndarray, total: np.ndarray, n: int, everything: float, gaps: tuple[np.ndarray, ...], *, binary: bool
) -> np.ndarray:
    """One-sided: exact (Fisher's test, the hypergeometric law) for losses of 0 and 1, else Welch's test."""
    import numpy as np
    from scipy.stats import hypergeom, t

    if binary:
        return np.clip(hypergeom.sf(np.round(total) - 1, n, round(everything), count), 0.0, 1.0)
    gap, inside, outside = gaps
    spread = np.hypot(inside, outside)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = spread**4 / (inside**4 / (count - 1) + outside**4 / (n - count - 1))
        found = t.sf(gap / spread, np.maximum(freedom, 1.0))
    return np.where(spread > 0, found, np.where(gap > 0, 0.0, 1.0))


def gap_interval(one: Contrast, *, classes: bool) -> Interval | None:
    """Interval of the gap: distances to the limits of both sides added in squares (Zou and Donner, 2008)."""
    if one.spread == 0:
        return None
    low_in, high_in = loss_interval(one.inside, one.spread_inside, one, classes=classes)
    low_out, high_out = loss_interval(one.outside, one.spread_outside, one, classes=classes)
    below = math.hypot(one.inside - low_in, high_out - one.outside)
    above = math.hypot(high_in - one.inside, one.outside - low_out)
    return one.gap - below, one.gap + above


def loss_interval(loss: float, spread: float, one: Contrast, *, classes: bool) -> Interval:
    """Limits of one side: on the logit scale for shares of wrong rows, on the log scale for sizes of errors."""
    if spread == 0:
        return loss, loss
    return on_scale(loss, one.reach(spread), "logit" if classes else "log") or (loss, loss)


def _estimates(weakness: Weakness, search: Search, *, classes: bool) -> tuple[Estimate, ...]:
    worst, confirmed = weakness.nominees[0], sum(one <= search.level for one in weakness.p_values)
    seen = "confirmed" if weakness.p_values[0] <= search.level else "not confirmed"
    gap = Estimate(
        name="worst_slice_gap", value=worst.gap, n=worst.rows, interval=gap_interval(worst, classes=classes),
        detail=f"{in_words(worst, classes=classes)}; {seen}",
    )  # fmt: skip
    count = Estimate(
        name="weak_slices", value=confirmed, n=weakness.tested, p_value=min(weakness.p_values),
        detail=f"of {weakness.tested:,} slices tested, {len(weakness.nominees)} nominated",
    )  # fmt: skip
    return gap, count


def in_words(one: Contrast, *, classes: bool) -> str:
    """`AGEP up to 23 and SEX 2: accuracy 0.71 (0.69 to 0.73) against 0.82, 3,214 rows`."""
    low, high = loss_interval(one.inside, one.spread_inside, one, classes=classes)
    inside, outside = one.inside, one.outside
    if classes:
        inside, outside, low, high = 1 - inside, 1 - outside, 1 - high, 1 - low
    what = "accuracy" if classes else "mean absolute error"
    limits = f" ({low:.3g} to {high:.3g})" if low < high else ""
    return f"{one.words}: {what} {inside:.3g}{limits} against {outside:.3g}, {one.rows:,} rows"


def _table(weakness: Weakness, search: Search) -> Table:
    rows = tuple(
        (one.words, one.rows, one.inside, one.outside, p_value, "yes" if p_value <= search.level else "no")
        for one, p_value in zip(weakness.nominees, weakness.p_values, strict=True)
    )
    header = ("slice", "rows of the confirming half", "loss inside", "loss outside", "p, adjusted", "confirmed")
    title = "Slices nominated as weak, seen on the half of the rows that did not nominate them"
    return Table(name="weak_slices", title=title, header=header, rows=rows)


def _how(weakness: Weakness, search: Search) -> str:
    return (
        f"Searched {weakness.tested:,} slices on one half of the rows and confirmed on the other; with no weak slice "
        f"the chance of naming one is at most {search.level:.0%}."
    )


def _weak(weakness: Weakness, search: Search, *, classes: bool) -> tuple[str, ...]:
    """The slices that were confirmed, best evidence first."""
    weak = [
        in_words(one, classes=classes)
        for one, p_value in zip(weakness.nominees, weakness.p_values, strict=True)
        if p_value <= search.level
    ]
    found = [f"Weak: {one}." for one in weak[:MOST_TOLD]]
    if len(weak) > MOST_TOLD:
        found.append(f"{len(weak) - MOST_TOLD} more slices are weak; the table lists them.")
    return tuple(found) or ("No slice is confirmed to be weak.",)
