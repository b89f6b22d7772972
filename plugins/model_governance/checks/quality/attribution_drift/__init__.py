"""attribution_drift: do the model's answers still hang on the same features?

Global attributions on the reference and on current (`attributions`), their order compared (`ranking`) as Amazon
SageMaker Clarify compares them: normalised discounted cumulative gain, an alarm below 0.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.attribution_drift import pictures
from model_governance.checks.quality.attribution_drift.attributions import attribute, draw_sides
from model_governance.checks.quality.attribution_drift.params import AttributionParams
from model_governance.checks.quality.attribution_drift.ranking import (
    NOTHING,
    bootstrap_interval,
    change,
    ndcg,
    permutation_p_value,
)
from model_governance.contract.check import Advice, Check, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, MetricSpec, Table, versions_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Columns, Role, Subject


def measure(subject: Subject, params: AttributionParams, seed: int) -> CheckResult:
    """Attributions of both sides on seeded samples, and whether their order was kept.

    Raises:
        CheckError: a side has too few rows.
        SubjectError, ModelMisbehaved: as `feature_rows` and `Model`.
    """
    sides, rows = draw_sides(subject, params.samples, seed)
    found = attribute(subject, sides, draws=params.draws, seed=seed)
    reference, current = found["reference"], found["current"]
    names = subject.columns.names
    means = reference.mean(axis=0), current.mean(axis=0)
    kept = _order_kept(reference, current, names, params=params, seed=seed)
    return CheckResult(
        kind=CHECK.kind,
        seed=seed,
        metrics=(
            kept,
            *(_attribution(name, current[:, place]) for place, name in enumerate(names)),
            *(_change(name, reference[:, place], current[:, place]) for place, name in enumerate(names)),
        ),
        tables=(_table(names, *means),),
        artifacts=(pictures.attributions(names, *means),),
        highlights=_highlights(kept, names, means[1]),
        notes=_notes(subject, params, rows, len(reference), len(current)),
        tools=versions_of("matplotlib", "numpy", "pandas", "scipy"),
    )


def _highlights(kept: Metric, names: tuple[str, ...], current: np.ndarray) -> tuple[str, ...]:
    """Whether the order was kept, and what the model relies on tonight."""
    if not kept.told:
        return ()
    first = sorted(range(len(names)), key=lambda place: -current[place])[:3]
    relied = ", ".join(f"{names[place]} ({current[place]:.3g})" for place in first)
    return (
        f"The order of what the model relies on has an nDCG of {kept.told}; {kept.detail}.",
        f"Tonight it relies most on {relied}.",
    )


def _order_kept(
    reference: np.ndarray, current: np.ndarray, names: tuple[str, ...], *, params: AttributionParams, seed: int
) -> Metric:
    means, n = (reference.mean(axis=0), current.mean(axis=0)), len(reference) + len(current)
    if means[0].max() <= NOTHING:
        reason = "no feature changes the model's answer on the reference, so there is no order to keep"
        return CHECK.metric("attribution_ndcg", None, n=n, reason=reason)
    value = ndcg(*means)
    interval = bootstrap_interval(ndcg, reference, current, seed=seed, resamples=params.resamples)
    if interval is not None:
        # Redrawn rows only ever disturb a kept order.
        interval = min(interval[0], value), max(interval[1], value)
    evidence = permutation_p_value(reference, current, seed=seed, permutations=params.permutations)
    first = [names[int(one.argmax())] for one in means]
    detail = f"first is {first[0]} on both sides" if first[0] == first[1] else f"first was {first[0]}, now {first[1]}"
    return CHECK.metric("attribution_ndcg", value, n=n, interval=interval, p_value=evidence, detail=detail)


def _attribution(name: str, rows: np.ndarray) -> Metric:
    from scipy.stats import t

    mean, error = float(rows.mean()), float(rows.std(ddof=1)) / len(rows) ** 0.5
    reach = float(t.ppf(0.975, len(rows) - 1)) * error
    interval = (max(0.0, mean - reach), mean + reach) if reach > NOTHING else None
    return CHECK.metric("attribution", mean, n=len(rows), interval=interval, key=name)


def _change(name: str, reference: np.ndarray, current: np.ndarray) -> Metric:
    value, interval, evidence = change(reference, current)
    return CHECK.metric(
        "attribution_change", value, n=len(reference) + len(current), interval=interval, key=name, p_value=evidence,
        detail=f"{reference.mean():.3g} on the reference, {current.mean():.3g} now",
    )  # fmt: skip


def _table(names: tuple[str, ...], reference: np.ndarray, current: np.ndarray) -> Table:
    """Features in the order of the reference."""
    ranks = [_ranks(one) for one in (reference, current)]
    rows = tuple(
        (names[one], float(reference[one]), ranks[0][one], float(current[one]), ranks[1][one])
        for one in sorted(range(len(names)), key=ranks[0].__getitem__)
    )
    header = ("feature", "attribution, reference", "rank, reference", "attribution, current", "rank, current")
    return Table(name="attributions", title="Mean change of the answer by feature", header=header, rows=rows)


def _ranks(values: np.ndarray) -> list[int]:
    order = sorted(range(len(values)), key=lambda one: (-values[one], one))
    return [order.index(one) + 1 for one in range(len(values))]


def _notes(
    subject: Subject, params: AttributionParams, rows: dict[Role, int], reference: int, current: int
) -> tuple[str, ...]:
    model = subject.require_model()
    unit = "class probabilities" if model.call_proba else "predicted labels" if model.classes else "predictions"
    what = f"Attribution: mean absolute change of {unit} when a value is replaced by {params.draws} values of the reference."
    drawn = (
        f"Seeded samples: {reference:,} of {rows['reference']:,} reference rows, {current:,} of {rows['current']:,} of "
        "current; the intervals say how much another sample would differ."
    )
    alone = (
        "One value is replaced at a time: features that say the same share their attribution, and combinations that "
        "never occur are asked too. Attributions say what the model uses, not what is true."
    )
    noise = "Attributions near 0 change places by chance and hardly move the value, as they gain next to nothing."
    return what, drawn, alone, noise


def suggest(_reference: pd.DataFrame, columns: Columns) -> Suggestion:
    """Clarify's limit."""
    return Suggestion(
        params={"samples": 500, "draws": 4},
        thresholds=({"metric": "attribution_ndcg", "geq_to": 0.9, "severity": "warn"},),
        comment=(
            f"The order of {len(columns.names)} features by what they do to the answer, against that on the reference; "
            "below 0.9 is where SageMaker Clarify raises its alarm. It warns only: another order is a reason to look at "
            "the feed of the features that changed places, not a proof of harm. samples x draws x features x 2 rows "
            "are asked of the model each night."
        ),
    )


def _other_unit(subject: Subject) -> Subject:
    """The last column of numbers arrives in a thousandth of its unit, so that every value is a thousand times as large."""
    frame = subject.frame("current")
    last = subject.columns.of_kind("integer", "numeric")[-1]
    frame[last] = frame[last] * 1000
    return subject.with_frame("current", frame)


CHECK = Check(
    kind="attribution_drift",
    title="Attribution drift",
    question="Do the model's answers still hang on the same features?",
    params=AttributionParams,
    metrics=(
        MetricSpec(
            name="attribution_ndcg", better="higher",
            meaning="how well current keeps the reference's order of features, as normalised discounted cumulative gain "
            "of the reference's attributions; 1 is the same order",
        ),
        MetricSpec(
            name="attribution", better="neither", unit="of the answer", per="column",
            meaning="mean absolute change of the answer on current when the feature takes values of the reference",
        ),
        MetricSpec(
            name="attribution_change", better="neither", unit="of the answer", per="column",
            meaning="attribution on current minus attribution on the reference",
        ),
    ),
    roles=("reference", "current"),
    tasks=("binary_classification", "multiclass_classification", "regression", "ranking"),
    measure=measure,
    self_test=SelfTest(
        description="one column of numbers arrives in a thousandth of its unit",
        threshold={"metric": "attribution_ndcg", "geq_to": 0.9},
        apply=_other_unit,
        params={"samples": 300, "draws": 4},
    ),
    suggest=suggest,
    advice=Advice(rank=70, title="Find out why the model relies on other features.", text="Its predictions depend on other features than on the reference: a column may have lost its meaning, or gained one."),
    cost="Seconds; asks the model for about 2 x `samples` x `draws` predictions per feature.",
)  # fmt: skip
