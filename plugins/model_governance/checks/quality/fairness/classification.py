"""Rates of a classifier by group, and the differences between groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness import figures, report
from model_governance.checks.quality.fairness.dependence import group_effects, labelled_effects
from model_governance.checks.quality.fairness.disparity import (
    difference,
    equal_shares_p_value,
    range_of_shares,
)
from model_governance.checks.quality.fairness.group_metrics import (
    GroupMetrics,
    Rate,
    absent_comparison,
    extremes,
    known_labels,
    predict_all,
    too_small_groups,
    unscored_share,
)
from model_governance.checks.quality.fairness.params import MINIMUM_CELL_ROWS
from model_governance.contract.result import Estimate
from model_governance.contract.slices import named_values
from model_governance.errors import CheckError
from model_governance.stats.limits import ExactShare, LargestOf, SmallestRatio

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import numpy as np

    from model_governance.checks.quality.fairness.groups import Grouping
    from model_governance.checks.quality.fairness.params import FairnessParams
    from model_governance.contract.dependence import Clusters
    from model_governance.contract.subject import Subject

BINARY_ONLY = ("selection_rate", "true_positive_rate", "false_positive_rate")
DIFFERENCES = {
    "selection_rate": "demographic_parity_difference",
    "true_positive_rate": "equal_opportunity_difference",
    "group_accuracy": "accuracy_gap",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Predictions against labels for the n rows of current.

    Attributes:
        selected: Predicted positive, (n,) bool; all False with several classes.
        positive: Labelled positive, (n,) bool; False without a label, all False with several classes.
        correct: Predicted as labelled, (n,) bool; False without a label.
        known: Has a label, (n,) bool.
        binary: Whether there are two classes.
        reason: Why there are no labels; empty where there are some.
    """

    selected: np.ndarray
    positive: np.ndarray
    correct: np.ndarray
    known: np.ndarray
    binary: bool
    reason: str

    def counted(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """For every rate the rows that count as successes, (n,) bool, and those of the denominator, (n,) bool."""
        import numpy as np

        negative = self.known & ~self.positive
        return {
            "selection_rate": (self.selected, np.ones(len(self.selected), dtype=bool)),
            "true_positive_rate": (self.positive & self.selected, self.positive),
            "false_positive_rate": (negative & self.selected, negative),
            "group_accuracy": (self.correct, self.known),
        }


def classify(subject: Subject) -> Outcomes:
    """Predict current and compare with the labels that are known.

    Raises:
        CheckError: Labels, positive class and model do not fit.
        SubjectError: As `feature_rows`.
        ModelMisbehaved: As `Model`.
    """
    import numpy as np

    model = subject.require_model()
    predicted = predict_all(subject)
    labels, known, reason = known_labels(subject)
    binary = subject.task == "binary_classification"
    positive = _positive_class(subject) if binary else None
    truth = np.zeros(len(predicted), dtype=object) if labels is None else labels.to_numpy(dtype=object)
    if labels is not None:
        unknown = [label for label in labels[known].tolist() if label not in model.classes]
        if unknown:
            raise CheckError(
                f"current holds label(s) {named_values(unknown)} that model {model.name!r} does not know "
                f"({', '.join(map(repr, model.classes))}); use the coding it was trained on"
            )
    return Outcomes(
        selected=predicted == positive if binary else np.zeros(len(predicted), dtype=bool),
        positive=known & (truth == positive) if binary else np.zeros(len(predicted), dtype=bool),
        correct=known & (truth == predicted.astype(object)), known=known, binary=binary, reason=reason,
    )  # fmt: skip


def _positive_class(subject: Subject) -> object:
    """The positive class: columns.positive, else the second class of the model."""
    model, positive = subject.require_model(), subject.columns.positive
    if len(model.classes) != 2 or (positive is not None and positive not in model.classes):
        raise CheckError(
            f"binary classification needs a model of two classes, one of them columns.positive ({positive!r}); "
            f"{model.name!r} has {', '.join(map(repr, model.classes)) or 'none'}"
        )
    return model.classes[1] if positive is None else positive


def classification_metrics(
    outcomes: Outcomes,
    grouping: Grouping,
    *,
    clusters: Clusters,
    params: FairnessParams,
    seed: int,
    named: Callable[[str], Collection[str]],
) -> GroupMetrics:
    """All metrics of one grouping, and their design effects where rows belong together.

    `named` gives the keys of thresholds by metric, as `Subject.keys_named`.
    """
    scored = grouping.scored(params.minimum_group_rows)
    rates = _rates(outcomes, grouping, scored)
    estimates = [unscored_share(grouping, scored)]
    if outcomes.binary:
        estimates += _disparities(rates, grouping, params=params, seed=seed)
    estimates.append(_difference("accuracy_gap", rates["group_accuracy"], grouping, params=params, seed=seed))
    for rate in rates.values():
        estimates += _by_group(rate, grouping)
        if not rate.reason:
            compared = rate.groups.tolist()
            estimates += too_small_groups(
                rate.name,
                grouping,
                rate.rows,
                compared=compared,
                minimum=params.minimum_group_rows,
                named=named(rate.name),
            )
    known = [rate for rate in rates.values() if not rate.reason]
    return GroupMetrics(
        estimates=tuple(estimates),
        table=report.rate_table(grouping, list(rates.values())),
        figure=figures.rates(grouping, known),
        effects=_effects(outcomes, known, grouping, clusters) if clusters else {},
    )


def _effects(outcomes: Outcomes, rates: list[Rate], grouping: Grouping, clusters: Clusters) -> dict[str, float]:
    import numpy as np

    effects: dict[str, float] = {}
    odds: list[float] = []
    counted = outcomes.counted()
    for rate in rates:
        success, among = counted[rate.name]
        rows = {number: np.flatnonzero(among & (grouping.number == number)) for number in rate.groups.tolist()}
        found = group_effects({number: (part, success[part].astype(float)) for number, part in rows.items()}, clusters)
        effects |= labelled_effects(
            found, group=rate.name, difference=DIFFERENCES.get(rate.name, ""), names=grouping.names,
            grouping=grouping.name,
        )  # fmt: skip
        if rate.name == "selection_rate" and found.ratio is not None:
            effects[f"selection_rate_ratio[{grouping.name}]"] = found.ratio
        if rate.name in ("true_positive_rate", "false_positive_rate") and found.difference is not None:
            odds.append(found.difference)
    return effects | ({f"equalized_odds_difference[{grouping.name}]": max(odds)} if odds else {})


def _rates(outcomes: Outcomes, grouping: Grouping, scored: np.ndarray) -> dict[str, Rate]:
    import numpy as np

    def count(rows: np.ndarray) -> np.ndarray:
        return np.bincount(grouping.number[rows], minlength=len(grouping.names))

    rates = {}
    for name, (success, among) in outcomes.counted().items():
        if name in BINARY_ONLY and not outcomes.binary:
            continue
        successes, rows = count(success), count(among)
        reason = "" if name == "selection_rate" else outcomes.reason
        groups = scored[rows[scored] >= MINIMUM_CELL_ROWS]
        rates[name] = Rate(name=name, successes=successes, rows=rows, groups=groups, reason=reason)
    return rates


def _disparities(rates: dict[str, Rate], grouping: Grouping, *, params: FairnessParams, seed: int) -> list[Estimate]:
    return [
        _difference("demographic_parity_difference", rates["selection_rate"], grouping, params=params, seed=seed),
        _selection_ratio(rates["selection_rate"], grouping, seed=seed),
        _difference("equal_opportunity_difference", rates["true_positive_rate"], grouping, params=params, seed=seed),
        _equalized_odds(rates["true_positive_rate"], rates["false_positive_rate"], grouping, params=params, seed=seed),
    ]


def _difference(name: str, rate: Rate, grouping: Grouping, *, params: FairnessParams, seed: int) -> Estimate:
    if rate.reason or len(rate.groups) < 2:
        return absent_comparison(name, grouping, rate.reason, n=rate.n)
    shares = rate.shares
    return Estimate(
        name=name, key=grouping.name, value=float(difference(shares.observed)), n=rate.n,
        limits=range_of_shares(shares, seed=seed, resamples=params.resamples),
        p_value=equal_shares_p_value(shares, seed=seed), detail=_extremes(rate, grouping),
    )  # fmt: skip


def _selection_ratio(rate: Rate, grouping: Grouping, *, seed: int) -> Estimate:
    name = "selection_rate_ratio"
    if len(rate.groups) < 2:
        return absent_comparison(name, grouping, "", n=rate.n)
    shares = rate.shares
    if not shares.successes.any():
        reason = "no row of any group is predicted positive, so no ratio exists"
        return Estimate(name=name, key=grouping.name, value=None, n=rate.n, reason=reason, absence="uncertain")
    counts = zip(shares.successes, shares.rows, strict=True)
    limits = SmallestRatio(shares=tuple((float(hits), float(rows)) for hits, rows in counts))
    return Estimate(
        name=name, key=grouping.name, value=limits.value, n=rate.n, limits=limits,
        p_value=equal_shares_p_value(shares, seed=seed), detail=_extremes(rate, grouping),
    )  # fmt: skip


def _equalized_odds(
    true_positive: Rate, false_positive: Rate, grouping: Grouping, *, params: FairnessParams, seed: int
) -> Estimate:
    """The larger of two differences, with limits of both together; of two p-values the smaller one counts twice."""
    name, n = "equalized_odds_difference", true_positive.n + false_positive.n
    if true_positive.reason or min(len(true_positive.groups), len(false_positive.groups)) < 2:
        return absent_comparison(name, grouping, true_positive.reason, n=n)
    both = [true_positive.shares, false_positive.shares]
    differences = [float(difference(shares.observed)) for shares in both]
    larger = true_positive if differences[0] >= differences[1] else false_positive
    p_value = min(equal_shares_p_value(shares, seed=seed) for shares in both)
    limits = tuple(range_of_shares(shares, seed=seed, resamples=params.resamples) for shares in both)
    return Estimate(
        name=name, key=grouping.name, value=max(differences), n=n, p_value=min(1.0, 2 * p_value),
        limits=LargestOf(parts=limits), detail=f"{larger.name.replace('_', ' ')}: {_extremes(larger, grouping)}",
    )  # fmt: skip


def _extremes(rate: Rate, grouping: Grouping) -> str:
    return extremes([grouping.names[number] for number in rate.groups], rate.shares.observed)


def _by_group(rate: Rate, grouping: Grouping) -> list[Estimate]:
    if rate.reason:
        return []
    return [
        Estimate(
            name=rate.name, key=f"{grouping.name}={grouping.names[number]}", n=int(rate.rows[number]),
            value=float(rate.successes[number] / rate.rows[number]),
            limits=ExactShare(successes=float(rate.successes[number]), n=float(rate.rows[number])),
        )
        for number in rate.groups.tolist()
    ]  # fmt: skip
