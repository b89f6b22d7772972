"""What few rows give is uncertain or skipped in the verdict, and never red."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.verdict import judge
from quality_cases import binary, measure, ranking, three_classes


def outcomes(subject, *thresholds, **params):
    spec = CheckSpec(kind="model_quality", thresholds=thresholds)
    policy = Policy.model_construct(
        checks={"quality": spec}, waivers=(), fail_on="error", on_uncertain="warn", alarms=AlarmSpec()
    )
    found = judge(
        "quality", measure(subject, **params), policy, moment=datetime(2026, 6, 1, tzinfo=UTC), baselines={}, earlier=()
    )
    return {
        finding.metric if finding.key is None else (finding.metric, finding.key): finding.outcome
        for finding in found.findings
    }


def test_thirty_rows_of_one_class_are_judged_where_they_can_be():
    found = outcomes(
        binary([0] * 30, np.linspace(0.05, 0.45, 30)),
        {"metric": "accuracy", "geq_to": 0.7},
        {"metric": "false_positive_rate", "leq_to": 0.3},
        {"metric": "recall", "geq_to": 0.9},
        {"metric": "roc_auc", "geq_to": 0.9},
    )
    assert found == {"accuracy": "pass", "false_positive_rate": "pass", "recall": "uncertain", "roc_auc": "uncertain"}


def test_a_class_that_is_missing_is_skipped_and_the_others_are_judged():
    label = list("ab") * 60
    subject = three_classes(label, label)
    assert outcomes(subject, {"metric": "class_recall", "geq_to": 0.8}) == {
        ("class_recall", "a"): "pass", ("class_recall", "b"): "pass", ("class_recall", "c"): "skipped",
    }  # fmt: skip
    # A threshold of which nothing is left to judge is no pass, and not red either.
    alone = outcomes(subject, {"metric": "class_recall", "key": "c", "geq_to": 0.8})
    assert alone == {("class_recall", "c"): "uncertain"}


@pytest.mark.parametrize("metric", ["ndcg", "mrr", "hit_rate"])
def test_a_run_without_rankable_groups_is_uncertain(metric):
    subject = ranking(["a", "b", "b"], [1, 2, 3], [1, 0, 0])
    assert outcomes(subject, {"metric": metric, "geq_to": 0.5}) == {metric: "uncertain"}
