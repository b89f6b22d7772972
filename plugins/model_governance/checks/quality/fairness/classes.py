"""Rates of a classifier by group, and how far they lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness import pictures
from model_governance.checks.quality.fairness.measurement import (
    FEW_GROUPS,
    Measurement,
    extremes,
    known_labels,
    predict_all,
    shown_rows,
    unscored,
)
from model_governance.checks.quality.fairness.params import LEAST_CELL
from model_governance.checks.quality.fairness.spread import (
    Shares,
    difference_interval,
    equal_shares_p_value,
    gap,
    shortfall,
    spread_interval,
)
from model_governance.contract.result import Estimate, Table
from model_governance.errors import CheckError
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.fairness.groups import Grouping
    from model_governance.checks.quality.fairness.params import FairnessParams
    from model_governance.contract.subject import Subject

BINARY_ONLY = ("selection_rate", "true_positive_rate", "false_positive_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Every row of current: predicted positive, truly positive, right (n,) bool; the last two where `known`.

    Without a positive class (several classes) only `right` and `known` have a meaning.
    """

    selected: np.ndarray
    positive: np.ndarray
    right: np.ndarray
    known: np.ndarray
    binary: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share per scored group: counts of all k groups, which of them have enough rows, and why there may be none."""

    name: str
    successes: np.ndarray
    rows: np.ndarray
    groups: np.ndarray
    reason: str = ""

    @property
    def shares(self) -> Shares:
        """The groups that are compared."""
        return Shares(successes=self.successes[self.groups], rows=self.rows[self.groups])

    @property
    def n(self) -> int:
        """Rows behind the comparison."""
        return int(self.rows[self.groups].sum())


def observe_classes(subject: Subject) -> Outcomes:
    """What the model answers for current, against the labels that are in.

    Raises:
        CheckError: labels, positive class and model do not fit.
        SubjectError, ModelMisbehaved: as `feature_rows` and `Model`.
    """
    import numpy as np

    model = subject.require_model()
    predicted = predict_all(subject)
    labels, known, reason = known_labels(subject)
    binary = subject.task == "binary_classification"
    wanted = _positive(subject) if binary else None
    truth = np.zeros(len(predicted), dtype=object) if labels is None else labels.to_numpy(dtype=object)
    if labels is not None:
        strange = sorted({repr(one) for one in labels[known].unique().tolist() if one not in model.classes})
        if strange:
            raise CheckError(
                f"current holds label(s) {', '.join(strange[:5])} that model {model.name!r} does not know "
                f"({', '.join(map(repr, model.classes))}); use the coding it was trained on"
            )
    return Outcomes(
        selected=predicted == wanted if binary else np.zeros(len(predicted), dtype=bool),
        positive=known & (truth == wanted) if binary else np.zeros(len(predicted), dtype=bool),
        right=known & (truth == predicted.astype(object)), known=known, binary=binary, reason=reason,
    )  # fmt: skip


def _positive(subject: Subject) -> object:
    """The class that counts as positive: columns.positive, else the second."""
    model, wanted = subject.require_model(), subject.columns.positive
    if len(model.classes) != 2 or (wanted is not None and wanted not in model.classes):
        raise CheckError(
            f"binary classification needs a model of two classes, one of them columns.positive ({wanted!r}); "
            f"{model.name!r} has {', '.join(map(repr, model.classes)) or 'none'}"
        )
    return model.classes[1] if wanted is None else wanted


def measure_classes(outcomes: Outcomes, grouping: Grouping, *, params: FairnessParams, seed: int) -> Measurement:
    """All metrics of one grouping."""
    scored = grouping.scored(params.minimum_group_rows)
    rates = _rates(outcomes, grouping, scored)
    numbers = [unscored(grouping, scored)]
    if outcomes.binary:
        numbers += _gaps(rates, grouping, params=params, seed=seed)
    numbers.append(_difference("accuracy_gap", rates["group_accuracy"], grouping, params=params, seed=seed))
    for rate in rates.values():
        numbers += _by_group(rate, grouping)
    shown = [one for one in rates.values() if not one.reason]
    return Measurement(
        numbers=tuple(numbers),
        table=_table(grouping, list(rates.values())),
        picture=pictures.rates(grouping.name, list(grouping.names), shown),
    )


def _rates(outcomes: Outcomes, grouping: Grouping, scored: np.ndarray) -> dict[str, Rate]:
    import numpy as np

    def count(rows: np.ndarray) -> np.ndarray:
        return np.bincount(grouping.number[rows], minlength=len(grouping.names))

    known, selected, positive = outcomes.known, outcomes.selected, outcomes.positive
    counts = {
        "selection_rate": (count(selected), grouping.rows),
        "true_positive_rate": (count(positive & selected), count(positive)),
        "false_positive_rate": (count(known & ~positive & selected), count(known & ~positive)),
        "group_accuracy": (count(outcomes.right), count(known)),
    }
    rates = {}
    for name, (successes, rows) in counts.items():
        if name in BINARY_ONLY and not outcomes.binary:
            continue
        reason = "" if name == "selection_rate" else outcomes.reason
        groups = scored[rows[scored] >= LEAST_CELL]
        rates[name] = Rate(name=name, successes=successes, rows=rows, groups=groups, reason=reason)
    return rates


def _gaps(rates: dict[str, Rate], grouping: Grouping, *, params: FairnessParams, seed: int) -> list[Estimate]:
    return [
        _difference("demographic_parity_difference", rates["selection_rate"], grouping, params=params, seed=seed),
        _ratio(rates["selection_rate"], grouping, params=params, seed=seed),
        _difference("equal_opportunity_difference", rates["true_positive_rate"], grouping, params=params, seed=seed),
        _odds(rates["true_positive_rate"], rates["false_positive_rate"], grouping, params=params, seed=seed),
    ]


def _difference(name: str, rate: Rate, grouping: Grouping, *, params: FairnessParams, seed: int) -> Estimate:
    if rate.reason or len(rate.groups) < 2:
        return Estimate(name=name, key=grouping.name, value=None, n=rate.n, reason=rate.reason or FEW_GROUPS)
    shares = rate.shares
    return Estimate(
        name=name, key=grouping.name, value=float(gap(shares.observed)), n=rate.n,
        interval=difference_interval(shares, seed=seed, resamples=params.resamples),
        p_value=equal_shares_p_value(shares, seed=seed), detail=_where(rate, grouping),
    )  # fmt: skip


def _ratio(rate: Rate, grouping: Grouping, *, params: FairnessParams, seed: int) -> Estimate:
    name = "selection_rate_ratio"
    if len(rate.groups) < 2:
        return Estimate(name=name, key=grouping.name, value=None, n=rate.n, reason=FEW_GROUPS)
    shares = rate.shares
    if not shares.successes.any():
        reason = "no row of any group is predicted positive, so no ratio exists"
        return Estimate(name=name, key=grouping.name, value=None, n=rate.n, reason=reason)
    low, high = spread_interval([shares], shortfall, seed=seed, resamples=params.resamples)
    return Estimate(
        name=name, key=grouping.name, value=1 - float(shortfall(shares.observed)), n=rate.n, interval=(1 - high, 1 - low),
        p_value=equal_shares_p_value(shares, seed=seed), detail=_where(rate, grouping),
    )  # fmt: skip


def _odds(true: Rate, false: Rate, grouping: Grouping, *, params: FairnessParams, seed: int) -> Estimate:
    """The worse of two gaps; of two p-values the smaller one counts twice (Bonferroni)."""
    name, n = "equalized_odds_difference", true.n + false.n
    if true.reason or min(len(true.groups), len(false.groups)) < 2:
        return Estimate(name=name, key=grouping.name, value=None, n=n, reason=true.reason or FEW_GROUPS)
    families = [true.shares, false.shares]
    gaps = [float(gap(one.observed)) for one in families]
    worse = true if gaps[0] >= gaps[1] else false
    evidence = min(equal_shares_p_value(one, seed=seed) for one in families)
    return Estimate(
        name=name, key=grouping.name, value=max(gaps), n=n, p_value=min(1.0, 2 * evidence),
        interval=spread_interval(families, gap, seed=seed, resamples=params.resamples),
        detail=f"{worse.name.replace('_', ' ')}: {_where(worse, grouping)}",
    )  # fmt: skip


def _where(rate: Rate, grouping: Grouping) -> str:
    return extremes([grouping.names[one] for one in rate.groups], rate.shares.observed)


def _by_group(rate: Rate, grouping: Grouping) -> list[Estimate]:
    if rate.reason:
        return []
    return [
        Estimate(
            name=rate.name, key=f"{grouping.name}={grouping.names[one]}", n=int(rate.rows[one]),
            value=float(rate.successes[one] / rate.rows[one]),
            interval=clopper_pearson(int(rate.successes[one]), int(rate.rows[one])),
        )
        for one in rate.groups.tolist()
    ]  # fmt: skip


def _table(grouping: Grouping, rates: list[Rate]) -> Table:
    """Rates by group; empty where a group is too small to be compared."""
    rows = []
    for place, name in enumerate(grouping.names):
        cells = [
            float(one.successes[place] / one.rows[place]) if place in one.groups and not one.reason else None
            for one in rates
        ]
        rows.append((name, shown_rows(grouping.rows[place]), *cells))
    header = ("group", "rows", *(one.name.replace("_", " ") for one in rates))
    return Table(
        name=f"groups_{_slug(grouping.name)}", title=f"Rates by {grouping.name}", header=header, rows=tuple(rows)
    )


def _slug(name: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in name)
