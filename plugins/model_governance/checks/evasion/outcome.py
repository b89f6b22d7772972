"""What one attack achieved, and the numbers that follow from all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.evasion.row_space import ROUNDING, Moves
from model_governance.errors import ModelMisbehaved
from model_governance.intervals import bootstrap, clopper_pearson

if TYPE_CHECKING:
    import numpy as np

    from model_governance.check import Check, Metric
    from model_governance.checks.evasion.params import EvasionParams
    from model_governance.checks.evasion.queries import Queries
    from model_governance.checks.evasion.sample import Sample

ACCESS = {"hopskipjump": "black box, labels only", "gradient": "white box, margins"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack on n rows: sizes of the smallest flips (infinite where none), their moves, the cost.

    `startless` (n,) marks rows for which the search found no adversarial row at any distance: the
    attack failed there, which is not the same as robust.
    """

    attack: str
    nearest: np.ndarray
    moves: Moves
    asked: np.ndarray
    startless: np.ndarray

    def within(self, budget: float) -> np.ndarray:
        """Which rows flip within a budget, shape (n,)."""
        inside: np.ndarray = self.nearest <= budget + ROUNDING
        return inside


def conclude(queries: Queries, attack: str, startless: np.ndarray) -> Outcome:
    """The outcome of an attack, after asking the model about every flip once more.

    Raises:
        ModelMisbehaved: a row that flipped does not flip again, so the model is not deterministic.
    """
    import numpy as np

    rows, moves, nearest = np.flatnonzero(np.isfinite(queries.nearest)), queries.best, queries.nearest.copy()
    if len(rows):
        again = queries.flipped(moves.take(rows), rows, fresh=True)
        if not again.all():
            raise ModelMisbehaved(
                f"model {queries.model.name!r} gave another answer for {int((~again).sum())} of {len(rows)} rows when "
                "asked again; attacks need a model whose answers repeat"
            )
    return Outcome(attack, nearest, moves, queries.asked.copy(), startless)


def smallest(outcomes: list[Outcome]) -> tuple[np.ndarray, Moves]:
    """Per row the size and move of the smallest flip that any attack found."""
    import numpy as np

    sizes = np.stack([one.nearest for one in outcomes])
    winner, rows = sizes.argmin(axis=0), np.arange(sizes.shape[1])
    deltas = np.stack([one.moves.deltas for one in outcomes])[winner, rows]
    picks = np.stack([one.moves.picks for one in outcomes])[winner, rows]
    return sizes.min(axis=0), Moves(deltas, picks)


def metrics_of(
    check: Check, sample: Sample, outcomes: list[Outcome], params: EvasionParams, seed: int
) -> tuple[Metric, ...]:
    """Every metric that the check declares; shares with exact binomial intervals."""
    import numpy as np

    attacked, drawn = len(sample.attacked), len(sample.frame)
    lost = np.any([one.within(params.epsilon) for one in outcomes], axis=0)
    survivors = int((~lost).sum())
    startless = next((one.startless for one in outcomes if one.attack == "hopskipjump"), None)
    caution = (
        ""
        if startless is None or not startless.any()
        else f"upper bound: {int(startless.sum())} rows were never attacked"
    )
    metrics = []
    for one in outcomes:
        hits = int(one.within(params.epsilon).sum())
        detail = f"{hits} of {attacked} rows flip within {params.epsilon:g} of each range"
        metrics.append(
            check.metric("attack_success_rate", hits / attacked, n=attacked, interval=clopper_pearson(hits, attacked),
                         of=one.attack, detail=detail)
        )  # fmt: skip
        metrics.append(_median(check, one, seed))
        metrics.append(check.metric("queries_per_row", float(one.asked.mean()), n=attacked, of=one.attack))
    metrics.append(
        check.metric("robust_share", survivors / attacked, n=attacked, interval=clopper_pearson(survivors, attacked),
                     detail=caution)
    )  # fmt: skip
    if sample.correct is None:
        reason = "current holds no labels; use robust_share, or give labels in columns.target"
        metrics += [check.metric(name, None, n=drawn, reason=reason) for name in ("robust_accuracy", "clean_accuracy")]
    else:
        for name, count in (("robust_accuracy", survivors), ("clean_accuracy", attacked)):
            detail = caution if name == "robust_accuracy" else ""
            metrics.append(
                check.metric(name, count / drawn, n=drawn, interval=clopper_pearson(count, drawn), detail=detail)
            )
    if startless is None:
        metrics.append(check.metric("unattacked_share", None, n=attacked, reason="HopSkipJump did not run"))
    else:
        count = int(startless.sum())
        metrics.append(
            check.metric("unattacked_share", count / attacked, n=attacked, interval=clopper_pearson(count, attacked))
        )
    return tuple(metrics)


def _median(check: Check, outcome: Outcome, seed: int) -> Metric:
    import numpy as np

    found = outcome.nearest[np.isfinite(outcome.nearest)]
    if len(found) == 0:
        return check.metric("median_distance", None, n=0, of=outcome.attack, reason="no row was flipped")
    interval = bootstrap(lambda rows: float(np.median(found[rows])), len(found), seed=seed)
    return check.metric("median_distance", float(np.median(found)), n=len(found), interval=interval, of=outcome.attack)
