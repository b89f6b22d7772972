"""One decision threshold for every check that asks what a binary model decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

import synthetic
from model_governance.attacks.trees import NoExactAnswer, at_threshold, read_ensemble
from model_governance.checks import catalogue
from model_governance.contract.decision import Decision, decide
from model_governance.contract.slices import Slice
from model_governance.errors import CheckError
from tree_cases import applicants

THRESHOLD = 0.1


@pytest.fixture(scope="module")
def cautious():
    """A model that never reaches one half and is used from 0.1 on."""
    healthy = synthetic.subject()
    model = healthy.require_model()
    timid = replace(
        model,
        call=lambda frame: np.zeros(len(frame), dtype=int),
        call_proba=lambda frame: _lowered(model.predict_proba(frame)),
        train=None,
    )
    return replace(healthy, model=timid, decision_threshold=THRESHOLD)


def _lowered(probabilities):
    share = probabilities[:, 1] * 0.4
    return np.column_stack([1 - share, share])


def measured(kind: str, subject, **params):
    check = catalogue()[kind]
    return check.measure(subject, check.params.model_validate(params), 1)


def test_quality_and_fairness_use_one_threshold(cautious):
    quality = measured("model_quality", cautious)
    fairness = measured("fairness", cautious, groups=["region"])
    decided = (cautious.require_model().predict_proba(cautious.features("current"))[:, 1] >= THRESHOLD).mean()
    assert 0 < decided < 1
    assert quality.metric("predicted_positive_share").value == pytest.approx(decided)
    assert fairness.metric("selection_rate_ratio", key="region").value is not None
    regions = cautious.frame("current")["region"]
    says = cautious.require_model().predict(cautious.features("current"))
    rates = [says[regions == region].mean() for region in regions.unique()]
    assert fairness.metric("selection_rate_ratio", key="region").value == pytest.approx(min(rates) / max(rates))


@pytest.mark.parametrize("kind", ["corruption", "performance_estimation", "evasion"])
def test_other_checks_decide_by_it_too(cautious, kind):
    params = {"evasion": {"samples": 12, "max_iterations": 2, "max_evaluations": 20}}.get(kind, {})
    name = {
        "corruption": "clean_accuracy", "performance_estimation": "estimated_recall", "evasion": "attack_success_rate"
    }[kind]  # fmt: skip
    at_half = replace(cautious, decision_threshold=None, model=replace(cautious.require_model(), decision=None))
    decided = next(metric for metric in measured(kind, cautious, **params).metrics if metric.name == name)
    assert decided.value is not None
    if kind == "performance_estimation":
        assert decided.value > 0.8
    if kind == "corruption":
        truth = cautious.target("current").to_numpy()
        assert decided.value == pytest.approx(
            (cautious.require_model().predict(cautious.features("current")) == truth).mean(), abs=0.05
        )
    assert at_half.require_model().decision is None


def test_the_positive_class_may_be_the_first():
    chances = np.array([[0.3, 0.7], [0.1, 0.9], [0.2, 0.8]])
    assert decide(chances, 0, 0.2).tolist() == [0, 1, 0]
    assert decide(chances, 1, 0.8).tolist() == [0, 1, 1]


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("threshold", [0.02, 0.5, 0.9])
def test_scores_and_logits_are_largest_where_the_decision_is(positive, threshold):
    chances = np.random.default_rng(3).beta(0.5, 0.5, 500)
    both = np.column_stack([1 - chances, chances])
    decision = Decision(positive=positive, threshold=threshold)
    decided = decision.positions(both)
    assert (decision.centred(both).argmax(axis=1) == decided).all()
    np.testing.assert_allclose(decision.centred(both).sum(axis=1), 1)
    logits = np.column_stack([np.zeros(500), np.log(chances / (1 - chances))])
    assert (decision.shifted(logits).argmax(axis=1) == decided).all()


def test_a_subject_gives_its_threshold_to_model_and_champion_and_a_champion_keeps_its_own():
    healthy = synthetic.subject()
    own = healthy.require_model().deciding(0.7)
    given = replace(healthy, champion=healthy.model, decision_threshold=0.2)
    assert (given.model.decision.threshold, given.champion.decision.threshold) == (0.2, 0.2)
    assert replace(given, champion=own).champion.decision.threshold == 0.7


def test_a_trained_copy_decides_alike():
    healthy = replace(synthetic.subject(), decision_threshold=0.05)
    rows = synthetic.rows(200, seed=3)
    copy = healthy.model.fit(rows[list(healthy.columns.names)], rows["label"], seed=1)
    frame = healthy.features("current")
    assert (copy.predict(frame) == (copy.predict_proba(frame)[:, 1] >= 0.05)).all()


def test_a_threshold_needs_probabilities_and_two_classes():
    healthy = synthetic.subject()
    silent = replace(healthy.model, call_proba=None)
    with pytest.raises(CheckError, match="decision_threshold needs probabilities"):
        replace(healthy, model=silent, decision_threshold=0.3)
    with pytest.raises(CheckError, match="two classes"):
        replace(healthy, model=replace(healthy.model, classes=(0, 1, 2)), decision_threshold=0.3)
    with pytest.raises(CheckError, match="not a class of model"):
        healthy.model.deciding(0.3, positive="yes")


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize(
    "estimator",
    [RandomForestClassifier(15, max_depth=4, random_state=1), GradientBoostingClassifier(n_estimators=12, random_state=1)],
    ids=["forest", "boosting"],
)  # fmt: skip
def test_trees_answer_at_the_threshold(estimator, positive):
    frame, labels = applicants(300)
    frame = frame.drop(columns="home")
    fitted = estimator.fit(frame, labels)
    decision = Decision(positive=positive, threshold=0.3)
    chances = fitted.predict_proba(frame)
    trees = at_threshold(read_ensemble(fitted, tuple(frame.columns)), decision, frame, chances)
    assert (trees.decide(frame) == decision.positions(chances)).all()
    assert (trees.decide(frame) != chances.argmax(axis=1)).any()


def test_trees_whose_scores_are_no_log_odds_have_no_exact_answer():
    frame, labels = applicants(300)
    frame = frame.drop(columns="home")
    fitted = GradientBoostingClassifier(n_estimators=12, random_state=1).fit(frame, labels)
    trees = read_ensemble(fitted, tuple(frame.columns))
    calibrated = fitted.predict_proba(frame) * 0.5 + 0.25
    assert isinstance(at_threshold(trees, Decision(positive=1, threshold=0.3), frame, calibrated), NoExactAnswer)


def test_slices_are_decided_by_it(cautious):
    result = measured(
        "model_quality", cautious, slices=[Slice(column="channel", equals="web").model_dump(exclude_none=True)]
    )
    assert result.metric("slice_recall", key="channel web").value > 0.5


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_the_exact_attack_flips_the_decision_at_the_threshold(share):
    train = synthetic.rows(400, seed=1)
    native = synthetic.pipeline(train)
    native.steps[-1] = ("classify", GradientBoostingClassifier(n_estimators=40, max_depth=2, random_state=1))
    native.fit(train[list(synthetic.COLUMNS.names)], train["label"])
    subject = replace(synthetic.subject(), model=synthetic.as_model(native), decision_threshold=share)
    result = measured("evasion", subject, attacks=["exact"], samples=12)
    exact = [metric for metric in result.metrics if metric.name.startswith("exact_") and metric.value is not None]
    assert exact, [metric.reason for metric in result.metrics]
