"""The share of rows that a model flags, and score cells that resolve the rows it flags."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import synthetic
from drift_cases import measure, numbers_only
from joint_cases import dataset, outcomes, scored
from model_governance.checks.data.data_drift import CHECK
from model_governance.checks.data.data_drift.flagged_share import NAMES, flagged_estimates
from model_governance.checks.data.data_drift.metrics import METRICS
from model_governance.checks.data.data_drift.params import PROFILE
from model_governance.checks.data.data_drift.predictions import Predictions, compare_predictions
from model_governance.checks.data.data_drift.score_cells import UPPER_TAIL, score_cells
from model_governance.contract.result import declared
from model_governance.contract.subject import ParamFile
from model_governance.engine import open_relation
from model_governance.errors import CheckError, ModelMisbehaved
from model_governance.policy import Threshold
from verdict_cases import verdict

RARE = 0.0013


@pytest.fixture(scope="module", autouse=True)
def _undrawn():
    with numbers_only():
        yield


def transactions(rows, *, frauds, seed):
    """Scores of which nearly all are tiny, and a share of frauds with scores around 0.8."""
    draw = np.random.default_rng(seed)
    scores = 10 ** draw.normal(-5.5, 0.6, rows)
    fraud = draw.random(rows) < frauds
    scores[fraud] = draw.beta(8, 2, fraud.sum())
    return pd.DataFrame({"score": scores, "amount": draw.gamma(2, 20, rows)})


def fraud_model(reference, current):
    return scored(reference, current, lambda frame: frame["score"].to_numpy(), score="numeric", amount="numeric")


def predictions(reference, current, *, threshold=0.5):
    return Predictions(
        name="prediction", family="numbers", positive=1, threshold=threshold,
        reference=None if reference is None else np.asarray(reference), current=np.asarray(current),
    )  # fmt: skip


def flagged(rows, of):
    """Answers of which `rows` are flagged."""
    return np.repeat([0.9, 0.1], [rows, of - rows])


def test_ten_times_as_many_frauds_fail_without_labels():
    # V18: 0.13% of 29,706 rows become 1.2%.
    subject = fraud_model(transactions(60_000, frauds=RARE, seed=1), transactions(29_706, frauds=0.012, seed=2))
    result = measure(subject, joint=False)
    share, increase, ratio = (result.metric(name) for name in NAMES)
    assert share.value == pytest.approx(0.012, abs=0.002)
    assert increase.value == pytest.approx(0.0107, abs=0.002)
    assert ratio.low > 6
    assert ratio.p_value < 1e-50
    assert outcomes(CHECK, subject, result, "flagged_share_ratio") == ["fail"]
    assert "rows reach 0.5" in share.detail


def test_the_score_counts_where_it_matters():
    subject = fraud_model(transactions(60_000, frauds=RARE, seed=1), transactions(29_706, frauds=0.012, seed=2))
    drift = measure(subject, joint=False).metric("prediction_drift")
    assert drift.low > 0.01, "tenths see 0.13% become 1.2% in one cell of a tenth: a PSI of 0.001"
    unchanged = fraud_model(transactions(60_000, frauds=RARE, seed=3), transactions(29_706, frauds=RARE, seed=4))
    drift = measure(unchanged, joint=False).metric("prediction_drift")
    assert drift.value < 0.002
    assert drift.p_value is None or drift.p_value > 0.001


@pytest.mark.parametrize("rows", [500, 2000])
def test_unchanged_small_runs_with_a_rare_flag_never_fail(rows):
    draw = np.random.default_rng(7)
    threshold = Threshold(metric="flagged_share_ratio", between=[0.5, 2])
    seen = set()
    for _ in range(100):
        counts = draw.binomial(100_000, RARE), draw.binomial(rows, RARE)
        answers = predictions(flagged(counts[0], 100_000), flagged(counts[1], rows))
        metrics = [declared(METRICS, estimate) for estimate in flagged_estimates(answers)]
        seen.add(verdict(metrics, threshold).findings[0].outcome)
    assert seen <= {"uncertain", "pass"}


@pytest.mark.parametrize(
    ("before", "now", "outcome"),
    [
        ((8000, 20_000), (2000, 5000), "pass"),
        ((400, 20_000), (600, 10_000), "fail"),
        ((400, 20_000), (40, 10_000), "fail"),
        ((26, 20_000), (1, 500), "uncertain"),
    ],
    ids=["unchanged", "tripled", "fell silent", "too few rows"],
)
def test_a_ratio_is_judged_on_both_sides(before, now, outcome):
    metrics = [
        declared(METRICS, estimate) for estimate in flagged_estimates(predictions(flagged(*before), flagged(*now)))
    ]
    found = verdict(metrics, Threshold(metric="flagged_share_ratio", between=[0.5, 2])).findings[0].outcome
    assert found == outcome


def test_the_decision_threshold_says_what_is_flagged():
    subject = fraud_model(transactions(3000, frauds=0.1, seed=1), transactions(2000, frauds=0.1, seed=2))
    result = measure(replace(subject, decision_threshold=0.8), joint=False)
    scores = subject.frame("current")["score"]
    assert result.metric("flagged_share").value == (scores >= 0.8).mean() < (scores >= 0.5).mean()
    assert "reach 0.8" in result.metric("flagged_share").detail


def test_a_model_without_probabilities_flags_by_its_label():
    subject = fraud_model(transactions(3000, frauds=0.1, seed=1), transactions(2000, frauds=0.1, seed=2))
    model = replace(subject.model, call_proba=None)
    result = measure(replace(subject, model=model), joint=False)
    assert result.metric("flagged_share").value == (subject.frame("current")["score"] >= 0.5).mean()
    assert "are labelled positive" in result.metric("flagged_share").detail
    with pytest.raises(CheckError, match="decision_threshold needs probabilities"):
        measure(replace(subject, model=model, decision_threshold=0.3), joint=False)


def test_other_tasks_flag_nothing():
    subject = fraud_model(transactions(500, frauds=0.1, seed=1), transactions(500, frauds=0.1, seed=2))
    result = measure(replace(subject, task="regression"), joint=False)
    assert not {metric.name for metric in result.metrics} & set(NAMES)


def test_a_model_that_fails_on_current_rows_leaves_a_reason():
    subject = fraud_model(transactions(500, frauds=0.1, seed=1), transactions(400, frauds=0.1, seed=2))

    def fails(frame):
        if len(frame) == 400:
            raise ValueError("no")
        return subject.model.call_proba(frame)

    result = measure(replace(subject, model=replace(subject.model, call_proba=fails)), joint=False)
    assert all("raised" in result.metric(name).reason for name in (*NAMES, "prediction_drift"))
    with pytest.raises(ModelMisbehaved):
        measure(
            replace(
                subject.with_frame("reference", subject.frame("current")),
                model=replace(subject.model, call_proba=fails),
            ),
            joint=False,
        )


def test_the_share_needs_no_rows_of_the_reference():
    subject = synthetic.subject()
    stored = next(artifact for artifact in measure(subject).artifacts if artifact.name == PROFILE)
    file = ParamFile(name="profile", uri=PROFILE, sha256=stored.sha256, content=stored.content)
    given = replace(subject, param_files={"profile": file})
    result = measure(given, profile=PROFILE)
    assert 0 < result.metric("flagged_share").low < result.metric("flagged_share").value
    assert all("a profile replaces" in result.metric(name).reason for name in (*NAMES[1:], "joint_drift_auc"))


def scores_of(values):
    return open_relation(dataset("reference", pd.DataFrame({"prediction": values})))


def test_score_cells_resolve_the_upper_tail_as_far_as_rows_reach():
    scores = np.random.default_rng(1).random(20_000)
    cells = score_cells(scores_of(scores), "prediction", threshold=0.73)
    assert 0.73 in cells.inner
    assert set(cells.inner) <= set(cells.edges)
    tail = np.quantile(scores, UPPER_TAIL, method="inverted_cdf")
    assert [quantile in cells.inner for quantile in tail] == [True] * 5 + [False]
    few = score_cells(scores_of(scores[:90]), "prediction", threshold=0.73)
    assert len(few.inner) == 10


def test_scores_of_a_few_values_have_a_cell_each():
    cells = score_cells(scores_of(np.repeat([0.1, 0.4, 0.9], 50)), "prediction", threshold=0.5)
    assert cells.edges == cells.inner
    assert {0.1, 0.4, 0.5, 0.9} <= set(cells.edges)


def test_flags_of_customers_count_as_customers():
    draw = np.random.default_rng(3)
    customers = np.repeat(np.arange(400), 10)
    answers = [np.where(np.repeat(draw.random(400) < 0.1, 10), 0.9, 0.1) for _ in range(2)]
    alone = predictions(*answers)
    together = replace(alone, clusters={"reference": customers, "current": customers})
    (share, _, ratio), (own_share, _, own_ratio) = (list(flagged_estimates(given)) for given in (together, alone))
    assert (share.value, ratio.value) == (own_share.value, own_ratio.value)
    width, own_width = (limits.high(0.025) - limits.low(0.025) for limits in (share.limits, own_share.limits))
    assert width / own_width == pytest.approx(np.sqrt(10), rel=0.1)
    assert ratio.limits.high(0.025) > own_ratio.limits.high(0.025)
    drift, own_drift = (compare_predictions(given).drift.psi for given in (together, alone))
    assert drift.high > own_drift.high


def test_predictions_know_the_entity_of_their_rows():
    subject = fraud_model(
        *(transactions(600, frauds=0.1, seed=seed).assign(customer=np.arange(600) // 6) for seed in (1, 2))
    )
    subject = replace(subject, columns=subject.columns.model_copy(update={"entity": "customer"}))
    result = measure(subject)
    assert result.metric("flagged_share").value == pytest.approx(0.1, abs=0.04)
    assert result.metric("joint_drift_auc").value < 0.6
