"""The product as a method of the detection bench: its own measurements and its own verdict, run after run.

The functions of the data_drift check are called without its figures, tables and documents. One number per run: how far the
verdict lies beyond (above 0) or within (below 0) a fail, as the logarithm of a level, for the run alone or over all runs.
"""

from __future__ import annotations

import copy
import math
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins"))

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from detection_runs import Setting

    from model_governance.checks.data.data_drift.column_drift import RowStatistics
    from model_governance.checks.data.data_drift.comparison import Comparison
    from model_governance.checks.data.data_drift.predictions import Predictions
    from model_governance.checks.data.data_drift.windows import PreviousProfiles
    from model_governance.contract.result import CheckResult, Estimate, Metric
    from model_governance.contract.subject import Subject
    from model_governance.engine.dependence import Dependence
    from model_governance.engine.distances import Distance, Wasserstein
    from model_governance.engine.profiles import ColumnProfile
    from model_governance.engine.witnesses import RowEffects
    from model_governance.policy import Policy
    from model_governance.verdict.finding import Finding

JOINT_ROWS = 2_000
EARLIER = 40
TYPICAL = 20
"""First runs whose mean `joint_drift_auc` is its bound: day effects and weekdays move all columns a little in every run."""
MOMENT = datetime(2026, 6, 1, tzinfo=UTC)
# Bounds near nothing: other methods ask whether anything changed at all, and a bound above a planted change hides it.
THRESHOLDS: tuple[dict[str, Any], ...] = (
    {"metric": "psi", "less_than": 1e-6},
    {"metric": "wasserstein", "less_than": 1e-6},
    {"metric": "missing_increase", "less_than": 1e-6},
    {"metric": "new_category_share", "less_than": 1e-6},
    {"metric": "out_of_range_share", "less_than": 1e-6},
    {"metric": "category_share_ratio", "less_than": 1.0001},
    {"metric": "prediction_drift", "less_than": 1e-6},
    {"metric": "flagged_share_ratio", "between": (0.9999, 1.0001)},
    {"metric": "accuracy", "min_absolute_change": -1e-6},
    {"metric": "roc_auc", "min_absolute_change": -1e-6},
)


class Ours:
    """The data drift check and the accuracy of the labelled rows, under one policy."""

    def __init__(self, setting: Setting, *, seed: int) -> None:
        from model_governance.checks.data.data_drift.params import DriftParams, lookback
        from model_governance.contract.subject import Columns, Feature
        from model_governance.verdict.judgement import baselines_of

        reference = setting.reference
        kinds = dict.fromkeys(setting.numbers, "numeric") | dict.fromkeys(setting.categories, "category")
        features = {name: Feature(kind=kind) for name, kind in kinds.items()}
        clustered = bool(reference["entity"].duplicated().any())
        self.columns = Columns(features=features, target="label", positive=1, entity="entity" if clustered else None)
        self.reference, self.params, self.seed = reference, DriftParams(joint_rows=JOINT_ROWS), seed
        self.remembered = lookback(self.params).runs
        self.joint: tuple[float, ...] = ()
        self.baselines = {"approved": baselines_of(self._quality(reference))}
        self.profiles: tuple[Any, ...] = ()
        self.verdicts: tuple[Any, ...] = ()
        self.run = 0

    @property
    def memory(self) -> tuple[Any, ...]:
        """Profiles and verdicts of earlier runs, the areas of the first ones, and the number of runs."""
        return self.profiles, self.verdicts, self.joint, self.run

    @memory.setter
    def memory(self, kept: tuple[Any, ...]) -> None:
        self.profiles, self.verdicts, self.joint, self.run = kept

    def fork(self) -> Ours:
        """What it remembers is replaced, never changed."""
        return copy.copy(self)

    def statistics(self, frames: list[pd.DataFrame]) -> list[float]:
        """How far each of the next runs is beyond a fail."""
        return [self._statistic(frame) for frame in frames]

    def _statistic(self, frame: pd.DataFrame) -> float:
        from model_governance.contract.result import CheckResult
        from model_governance.verdict import judge

        self.run += 1
        metrics, profile = self._measured(frame)
        verdict = judge(
            "drift", CheckResult(kind="data_drift", seed=1, metrics=metrics), self._policy(), moment=MOMENT,
            baselines=self.baselines, earlier=self.verdicts, basis="reference",
        )  # fmt: skip
        self.verdicts = (verdict, *self.verdicts)[:EARLIER]
        if verdict.outcome != "fail":  # what failed is no accepted run
            self.profiles = ((f"{self.run:05}", profile), *self.profiles)[: self.remembered]
        if len(self.joint) < TYPICAL:
            self.joint += tuple(metric.value for metric in metrics if metric.name == "joint_drift_auc")
        return max(_beyond(finding, metrics) for finding in verdict.findings)

    def _policy(self) -> Policy:
        from model_governance.policy import AlarmSpec, CheckSpec, Policy

        thresholds = _thresholds(self.reference, joint=self.joint)
        return Policy.model_construct(
            checks={"drift": CheckSpec(kind="data_drift", thresholds=thresholds)}, waivers=(), fail_on="error",
            on_uncertain="warn", alarms=AlarmSpec(),
        )  # fmt: skip

    def _measured(self, frame: pd.DataFrame) -> tuple[tuple[Metric, ...], Any]:
        from model_governance.checks.data.data_drift.comparison import choose_features, open_comparison
        from model_governance.checks.data.data_drift.flagged_share import flagged_estimates
        from model_governance.checks.data.data_drift.metrics import METRICS
        from model_governance.checks.data.data_drift.windows import PreviousProfiles
        from model_governance.contract.result import declared

        subject = self._subject(frame)
        families, _ = choose_features(subject, self.params)
        comparison = open_comparison(subject, self.params, families)
        answers, previous = self._answers(frame), PreviousProfiles(profiles=self.profiles, notes=())
        drift, stored = score_drift(answers, previous)
        wanted = {threshold.metric for threshold in self._policy().checks["drift"].thresholds}
        metrics = [
            declared(METRICS, estimate)
            for estimate in (*self._estimates(subject, comparison, previous), *flagged_estimates(answers), drift)
            if estimate.name in wanted
        ]
        profile = replace(comparison.current_profile, predictions=stored, model=answers.model)
        return (*metrics, *self._quality(frame).metrics), profile

    def _estimates(self, subject: Subject, comparison: Comparison, previous: PreviousProfiles) -> Iterator[Estimate]:
        from model_governance.checks.data.data_drift.column_drift import effects_of, row_statistics
        from model_governance.checks.data.data_drift.joint_drift import joint_estimates, tell_apart
        from model_governance.checks.data.data_drift.row_dependence import row_dependence
        from model_governance.checks.data.data_drift.windows import window_reference

        entity = subject.columns.entity
        window = window_reference(self.params.window, previous, comparison)
        dependence = row_dependence(subject, comparison, window, previous=previous)
        statistics = row_statistics(comparison.reference, comparison.current, comparison.families)
        for name, current in comparison.current_profile.columns.items():
            yield from column_estimates(
                name, comparison.frozen.columns[name], current, rows=statistics[name],
                effects=effects_of(dependence, name), missing=dependence.missing[name],
            )  # fmt: skip
        yield from joint_estimates(tell_apart(comparison, max_rows=JOINT_ROWS, seed=self.seed, entity=entity))

    def _answers(self, frame: pd.DataFrame) -> Predictions:
        """The model's scores of both datasets."""
        from model_governance.checks.data.data_drift.joint_clusters import clusters_of
        from model_governance.checks.data.data_drift.predictions import Predictions

        sides = {"reference": self.reference, "current": frame}
        entity = self.columns.entity
        clusters = {role: clusters_of(rows[entity]) for role, rows in sides.items()} if entity else {}
        scores = {role: rows["score"].to_numpy() for role, rows in sides.items()}
        return Predictions(
            name="score", family="numbers", reference=scores["reference"], current=scores["current"], positive=1,
            threshold=0.5, clusters=clusters, model="of the bench",
        )  # fmt: skip

    def _subject(self, frame: pd.DataFrame) -> Subject:
        from model_governance.contract.subject import Dataset, Subject

        digest = "0" * 64
        datasets = {
            role: Dataset(role=role, uri=role, sha256=digest, frame=rows)
            for role, rows in (("reference", self.reference), ("current", frame))
        }
        return Subject(name="bench", task="binary_classification", columns=self.columns, datasets=datasets)

    def _quality(self, frame: pd.DataFrame) -> CheckResult:
        """Accuracy, share of positives and ROC AUC, with limits of as many rows as independent ones would have to be."""
        from model_governance.checks.quality.model_quality.discrimination import roc_auc
        from model_governance.contract.result import CheckResult, Metric
        from model_governance.engine.dependence import design_effect
        from model_governance.stats.limits import TAIL, ExactShare, GrowingError

        found, largest, rows = [], 1.0, len(frame)
        for name, better, counted in (
            ("accuracy", "higher", frame["right"] == "yes"), ("prevalence", "neither", frame["label"] == 1),
        ):  # fmt: skip
            codes = counted.to_numpy().astype("int64")
            effect = design_effect(codes, frame["entity"].to_numpy()).mean if self.columns.entity else 1.0
            largest = max(largest, effect)
            found.append((name, better, codes.mean(), ExactShare(successes=codes.sum() / effect, n=rows / effect)))
        area = roc_auc(frame["score"].to_numpy(), frame["label"].to_numpy() == 1)
        limits = GrowingError(value=area.value, low95=area.interval[0], high95=area.interval[1], grows="probit")
        found.append(("roc_auc", "higher", area.value, limits.inflated(largest)))
        metrics = tuple(
            Metric(name=name, value=float(value), n=rows, better=better, limits=limits, meaning="of the labels",
                   low=limits.low(TAIL), high=limits.high(TAIL))
            for name, better, value, limits in found
        )  # fmt: skip
        return CheckResult(kind="data_drift", seed=1, metrics=metrics)


def _thresholds(reference: pd.DataFrame, *, joint: tuple[float, ...]) -> tuple[dict[str, Any], ...]:
    share = float((reference["label"] == 1).mean())
    area = max(0.5001, sum(joint) / len(joint)) if len(joint) == TYPICAL else 0.5001
    return (
        *THRESHOLDS,
        {"metric": "joint_drift_auc", "less_than": area},
        {"metric": "prevalence", "between": (share - 1e-5, share + 1e-5)},
    )


def column_estimates(
    name: str,
    before: ColumnProfile,
    now: ColumnProfile,
    *,
    rows: RowStatistics,
    effects: RowEffects,
    missing: Dependence,
) -> Iterator[Estimate]:
    """The metrics of a column that the bench judges, as `compare_columns` gives them beside others that cost more."""
    from model_governance.checks.data.data_drift.category_shares import largest_factor
    from model_governance.checks.data.data_drift.column_drift import _cells, _unseen, _wasserstein
    from model_governance.contract.result import Estimate
    from model_governance.engine.cells import pool_neighbours, pool_rare, thin_cells
    from model_governance.engine.distances import difference_of_shares, population_stability

    numbers, values = before.cells.family == "numbers", effects.all_directions
    whole = _cells(before, now, rows)
    table = pool_neighbours(whole) if numbers else pool_rare(whole)
    thin = thin_cells(whole, ordered=numbers)
    found: dict[str, Distance | Wasserstein | None] = {
        "psi": population_stability(table, thin=thin, dependence=values),
        "missing_increase": difference_of_shares(
            (before.missing, before.rows), (now.missing, now.rows), dependence=missing
        ),
        "wasserstein": _wasserstein(before, now, rows, effects=effects) if numbers else None,
        "out_of_range_share" if numbers else "new_category_share": _unseen(
            before, now, rows, dependence=effects.clusters
        ),
        "category_share_ratio": None if numbers else largest_factor(whole, dependence=values),
    }
    for metric, distance in found.items():
        if distance is not None:
            yield Estimate(name=metric, value=distance.value, n=now.rows, key=name, limits=distance.limits)


def score_drift(answers: Predictions, previous: PreviousProfiles) -> tuple[Estimate, ColumnProfile]:
    """`prediction_drift`, as `compare_predictions` gives it beside other distances, and what later runs learn noise from."""
    from model_governance.checks.data.data_drift.predictions import _relation, prediction_dependence
    from model_governance.checks.data.data_drift.score_cells import score_cells
    from model_governance.contract.result import Estimate
    from model_governance.engine.cells import pool_neighbours, thin_cells
    from model_governance.engine.distances import population_stability
    from model_governance.engine.profiles import profile_of, table_of

    name = answers.name
    before, now = _relation(name, "reference", answers.reference), _relation(name, "current", answers.current)
    frozen = profile_of(before, {name: "numbers"}, cells={name: score_cells(before, name, threshold=answers.threshold)})
    current = profile_of(now, {name: "numbers"}, cells=frozen.cells)
    whole = table_of(frozen.columns[name], current.columns[name])
    psi = population_stability(
        pool_neighbours(whole), thin=thin_cells(whole, ordered=True),
        dependence=prediction_dependence(answers, frozen.cells[name].inner, previous),
    )  # fmt: skip
    estimate = Estimate(name="prediction_drift", value=psi.value, n=len(answers.current), limits=psi.limits)
    return estimate, current.columns[name]


def _beyond(finding: Finding, metrics: tuple[Metric, ...]) -> float:
    """The logarithm of the level over the p-value, or of the accumulated evidence over what a fail needs."""
    from model_governance.stats.accumulation import log_evidence_of
    from model_governance.verdict.budget import ACCUMULATED

    found = -math.inf
    if finding.p_value is not None and finding.level is not None:
        found = math.log(finding.level / max(finding.p_value, 1e-300))
    if finding.log_evidence:
        keys = sum(metric.name == finding.metric for metric in metrics)
        level = finding.level / (1 - ACCUMULATED) * ACCUMULATED
        found = max(found, log_evidence_of(finding.log_evidence) - math.log(keys / level))
    if finding.outcome == "fail":
        found = max(found, 0.0)
    return found
