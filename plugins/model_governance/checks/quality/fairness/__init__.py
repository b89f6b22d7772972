"""fairness: does the model treat groups of people alike?

Definitions are Fairlearn's (Weerts et al., 2023): demographic parity, equal opportunity and equalized odds (Hardt,
Price and Srebro, 2016), accuracy by group; the same numbers (tested against it), here with an interval and the
evidence that the groups differ at all. `groups` finds the groups, `spread` the distance between them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness.classes import measure_classes, observe_classes
from model_governance.checks.quality.fairness.groups import groupings
from model_governance.checks.quality.fairness.means import measure_numbers, observe_numbers
from model_governance.checks.quality.fairness.params import FairnessParams
from model_governance.checks.quality.fairness.suggestion import suggest
from model_governance.checks.quality.fairness.vocabulary import METRICS
from model_governance.contract.check import Advice, Check, SelfTest
from model_governance.contract.result import CheckResult, versions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.fairness.measurement import Measurement
    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Subject

GAPS = {
    "accuracy_gap": "shares of right answers",
    "equal_opportunity_difference": "true positive rates",
    "demographic_parity_difference": "shares predicted positive",
    "mean_error_gap": "mean errors",
}


def measure(subject: Subject, params: FairnessParams, seed: int) -> CheckResult:
    """Rates or means of every group of current, and how far the groups lie apart.

    Raises:
        CheckError: a column makes too many groups, or labels and model do not fit.
        SubjectError, ModelMisbehaved: as `feature_rows` and `Model`.
    """
    found: list[Measurement]
    if subject.task == "regression":
        values, reason = observe_numbers(subject)
        found = [
            measure_numbers(values, one, reason=reason, params=params, seed=seed) for one in groupings(subject, params)
        ]
    else:
        outcomes = observe_classes(subject)
        reason = outcomes.reason
        found = [measure_classes(outcomes, one, params=params, seed=seed) for one in groupings(subject, params)]
    metrics = tuple(CHECK.declared(one) for part in found for one in part.numbers)
    return CheckResult(
        kind=CHECK.kind,
        seed=seed,
        metrics=metrics,
        tables=tuple(part.table for part in found),
        artifacts=tuple(part.picture for part in found),
        highlights=_highlights(metrics),
        notes=_notes(params, reason),
        tools=versions_of("matplotlib", "numpy", "pandas", "scipy"),
    )


def _highlights(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """How far the groups of each column lie apart, by the gaps that a reader asks for first."""
    return tuple(
        f"{one.key}: {GAPS[one.name]} differ by {one.told}" + (f", {one.detail}." if one.detail else ".")
        for one in metrics
        if one.name in GAPS and one.told
    )


def _notes(params: FairnessParams, reason: str) -> tuple[str, ...]:
    small = (
        f"Groups below {params.minimum_group_rows} rows are counted, not compared; nor are rates over fewer than 10."
    )
    method = (
        "Intervals of two shares: Newcombe (1998), folded to a distance. Of several groups: inverted simulated nights, "
        "because the largest of several noisy rates lies too high."
    )
    notes = [small, method]
    if reason:
        notes.append(f"Only what needs no labels was measured: {reason}.")
    return tuple(notes)


def _refuse_one_group(subject: Subject) -> Subject:
    """A model that names no row of one region, whatever else the row says."""
    model = subject.require_model()
    refused = model.classes[0]

    def answer(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        return np.where(frame["region"].to_numpy() == "north", refused, model.predict(frame))

    return replace(subject, model=replace(model, native=None, call=answer))


CHECK = Check(
    kind="fairness",
    title="Fairness",
    question="Does the model treat groups alike?",
    params=FairnessParams,
    metrics=METRICS,
    roles=("current",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    measure=measure,
    self_test=SelfTest(
        description="the model refuses everybody from one region",
        threshold={"metric": "demographic_parity_difference", "key": "region", "less_than": 0.3},
        apply=_refuse_one_group,
        params={"groups": ["region"]},
    ),
    suggest=suggest,
    advice=Advice(
        rank=60,
        title="Find out which groups bear the errors.",
        text="The groups named first lie furthest apart. Look at their rows and labels before a decision about them is made.",
    ),
    cost="Seconds; grows with the current rows, the number of groups and `resamples`.",
)
