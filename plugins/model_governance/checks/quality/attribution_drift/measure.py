"""How `attribution_drift` measures: attributions on samples of reference and current, and how well their order agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.attribution_drift import figures, report
from model_governance.checks.quality.attribution_drift.attributions import attribute, draw_samples
from model_governance.checks.quality.attribution_drift.metrics import METRICS
from model_governance.checks.quality.attribution_drift.ranking import (
    NEGLIGIBLE,
    bootstrap_interval,
    mean_change,
    ndcg,
    permutation_p_value,
)
from model_governance.contract.result import CheckResult, make_metric, versions_of

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
        CheckError: A dataset has too few rows.
        SubjectError: As `feature_rows`.
        ModelMisbehaved: As `Model`.
    """
    samples, rows = draw_samples(subject, params.samples, seed)
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


def _rank_agreement(
    reference: np.ndarray, current: np.ndarray, names: tuple[str, ...], *, params: AttributionParams, seed: int
) -> Metric:
    """The nDCG of current's order of features, from attributions (n, d) and (m, d)."""
    means, n = (reference.mean(axis=0), current.mean(axis=0)), len(reference) + len(current)
    if means[0].max() <= NEGLIGIBLE:
        reason = "no feature changes the model's answer on the reference, so there is no order to keep"
        return make_metric(METRICS, "attribution_ndcg", None, n=n, reason=reason)
    value = ndcg(*means)
    interval = bootstrap_interval(ndcg, reference, current, seed=seed, resamples=params.resamples)
    if interval is not None:
        # Resampled rows can only disturb an order that agrees, so the interval may miss the value.
        interval = min(interval[0], value), max(interval[1], value)
    p_value = permutation_p_value(reference, current, seed=seed, permutations=params.permutations)
    first = [names[int(mean.argmax())] for mean in means]
    detail = f"first is {first[0]} on both sides" if first[0] == first[1] else f"first was {first[0]}, now {first[1]}"
    return make_metric(METRICS, "attribution_ndcg", value, n=n, interval=interval, p_value=p_value, detail=detail)


def _attribution(name: str, attributions: np.ndarray) -> Metric:
    """Mean attribution of a feature from those of the rows (n,), with Student's t interval."""
    from scipy.stats import t

    mean, error = float(attributions.mean()), float(attributions.std(ddof=1)) / len(attributions) ** 0.5
    reach = float(t.ppf(0.975, len(attributions) - 1)) * error
    interval = (max(0.0, mean - reach), mean + reach) if reach > NEGLIGIBLE else None
    return make_metric(METRICS, "attribution", mean, n=len(attributions), interval=interval, key=name)


def _change(name: str, reference: np.ndarray, current: np.ndarray) -> Metric:
    """Change of a feature's mean attribution, from attributions of the rows (n,) and (m,)."""
    value, interval, p_value = mean_change(reference, current)
    return make_metric(
        METRICS, "attribution_change", value, n=len(reference) + len(current), interval=interval, key=name,
        p_value=p_value, detail=f"{reference.mean():.3g} on the reference, {current.mean():.3g} now",
    )  # fmt: skip
