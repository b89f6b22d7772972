"""How `attribution_drift` measures: attributions on samples of reference and current, and how well their order agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.attribution_drift import figures, report
from model_governance.checks.quality.attribution_drift.attributions import MINIMUM_ROWS, attribute, draw_samples
from model_governance.checks.quality.attribution_drift.metrics import METRICS
from model_governance.checks.quality.attribution_drift.ranking import (
    NEGLIGIBLE,
    agreement_limits,
    mean_change,
    permutation_p_value,
)
from model_governance.contract.result import CheckResult, make_metric, versions_of
from model_governance.stats.limits import StudentT

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.attribution_drift.params import AttributionParams
    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: AttributionParams, seed: int) -> CheckResult:
    """Measure attributions on seeded samples of both datasets and compare their order.

    Args:
        subject: Model, datasets `reference` and `current`.
        params: Sizes of the samples and of the resampling.
        seed: Seed of samples, replacements, bootstrap and permutations.

    Returns:
        The nDCG of the order, attribution and change per feature, a table and a figure.

    Raises:
        CheckError: The reference has too few rows, or current has none.
        SubjectError: As `feature_rows`.
        ModelMisbehaved: As `Model`.
    """
    samples, rows = draw_samples(subject, params.samples, seed)
    if rows["current"] < MINIMUM_ROWS:
        return _too_few(rows["current"], subject.columns.names, seed=seed)
    attributions = attribute(subject, samples, draws=params.draws, seed=seed)
    reference, current = attributions["reference"], attributions["current"]
    names = subject.columns.names
    means = reference.mean(axis=0), current.mean(axis=0)
    agreement = _rank_agreement(reference, current, names, params=params, seed=seed)
    return CheckResult(
        kind="attribution_drift",
        seed=seed,
        metrics=(
            agreement,
            *(_attribution(name, current[:, place]) for place, name in enumerate(names)),
            *(_change(name, reference[:, place], current[:, place]) for place, name in enumerate(names)),
        ),
        tables=(report.attribution_table(names, *means),),
        artifacts=(figures.attributions(names, *means),),
        highlights=report.highlights(agreement, names, means[1]),
        notes=report.notes(subject, params, rows, sampled=(len(reference), len(current))),
        tools=versions_of("matplotlib", "numpy", "pandas", "scipy"),
    )


def _too_few(rows: int, names: tuple[str, ...], *, seed: int) -> CheckResult:
    """Nothing measured, for want of rows of current: that is no change of what the model relies on."""
    reason = f"attributions need at least {MINIMUM_ROWS} rows of current, found {rows}"
    keyed = [
        ("attribution_ndcg", None),
        *((name, key) for name in ("attribution", "attribution_change") for key in names),
    ]
    metrics = tuple(
        make_metric(METRICS, name, None, n=rows, key=key, reason=reason, absence="uncertain") for name, key in keyed
    )
    return CheckResult(kind="attribution_drift", seed=seed, metrics=metrics, notes=(reason,))


def _rank_agreement(
    reference: np.ndarray, current: np.ndarray, names: tuple[str, ...], *, params: AttributionParams, seed: int
) -> Metric:
    """The nDCG of current's order of features, from attributions (n, d) and (m, d)."""
    means, n = (reference.mean(axis=0), current.mean(axis=0)), len(reference) + len(current)
    if means[0].max() <= NEGLIGIBLE:
        reason = "no feature changes the model's answer on the reference, so there is no order to keep"
        return make_metric(METRICS, "attribution_ndcg", None, n=n, reason=reason)
    limits = agreement_limits(reference, current, seed=seed, resamples=params.resamples)
    p_value = permutation_p_value(reference, current, seed=seed, permutations=params.permutations)
    first = [names[int(mean.argmax())] for mean in means]
    detail = f"first is {first[0]} on both sides" if first[0] == first[1] else f"first was {first[0]}, now {first[1]}"
    return make_metric(METRICS, "attribution_ndcg", limits.value, n=n, limits=limits, p_value=p_value, detail=detail)


def _attribution(name: str, attributions: np.ndarray) -> Metric:
    """Mean attribution of a feature from those of the rows (n,), with Student's t limits."""
    mean, error = float(attributions.mean()), float(attributions.std(ddof=1)) / len(attributions) ** 0.5
    limits = StudentT(value=mean, error=error, freedom=len(attributions) - 1.0) if error > NEGLIGIBLE else None
    # An attribution is no less than 0, whatever the limits of a mean.
    interval = (max(0.0, limits.interval()[0]), limits.interval()[1]) if limits else None
    return make_metric(METRICS, "attribution", mean, n=len(attributions), interval=interval, key=name, limits=limits)


def _change(name: str, reference: np.ndarray, current: np.ndarray) -> Metric:
    """Change of a feature's mean attribution, from attributions of the rows (n,) and (m,)."""
    value, limits, p_value = mean_change(reference, current)
    return make_metric(
        METRICS, "attribution_change", value, n=len(reference) + len(current), limits=limits, key=name,
        p_value=p_value, detail=f"{reference.mean():.3g} on the reference, {current.mean():.3g} now",
    )  # fmt: skip
