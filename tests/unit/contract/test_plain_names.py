from __future__ import annotations

import pytest

from model_governance.checks import catalogue, find
from model_governance.contract.plain_names import Label, key_words, named
from model_governance.contract.result import CheckResult, MetricSpec, make_metric

LABELS = {"SEX": Label(name="sex", values={1: "men", "2": "women"}), "AGEP": Label(name="age"), "DIS": Label()}
SPECS = (
    MetricSpec(name="selection_rate", title="rows predicted positive", meaning="m", better="neither", per="column=group"),
    MetricSpec(name="roc_auc", title="ROC AUC", meaning="m", better="higher"),
    MetricSpec(name="hit_rate", meaning="m", better="higher"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "per", "words"),
    [
        ("AGEP", "column", "age"),
        ("DIS", "column", "DIS"),
        ("DIS=1", "column=group", "DIS 1"),
        ("SEX=1", "column=group", "men"),
        ("SEX=3", "column=group", "sex 3"),
        ("RAC1P=2", "column=group", "RAC1P=2"),
        ("rmia@0.01", "attack@false-positive rate", "rmia at false-positive rate 0.01"),
        ("search@AGEP", "attack@attribute", "search of attribute age"),
        ("noise@2", "corruption@severity", "noise at severity 2"),
        ("mail@example.org", "source", "mail@example.org"),
        ("young", None, "young"),
        ("SEX 1", "slice", "men"),
        ("SEX missing", "slice", "sex missing"),
        ("young", "slice", "young"),
    ],
)
def test_the_key_of_a_metric_in_words(key, per, words):
    assert key_words(key, per, LABELS) == words


def test_a_result_names_its_metrics_and_keys():
    metrics = (
        make_metric(SPECS, "selection_rate", 0.4, n=9, key="SEX=2"), make_metric(SPECS, "roc_auc", 0.9, n=9),
        make_metric(SPECS, "hit_rate", 0.5, n=9), make_metric(SPECS, "selection_rate", 0.4, n=9, key="CIT=2"),
    )  # fmt: skip
    found = named(CheckResult(kind="k", seed=1, metrics=metrics), SPECS, LABELS).metrics
    assert [metric.plain_name for metric in found] == [
        "rows predicted positive, women", "ROC AUC", "hit rate", "rows predicted positive, CIT=2",
    ]  # fmt: skip
    assert [metric.key_title for metric in found] == ["women", "", "", ""]
    assert [metric.value for metric in found] == [metric.value for metric in metrics]


def test_a_metric_that_its_check_does_not_declare_keeps_its_name():
    stranger = make_metric((MetricSpec(name="own", meaning="m", better="lower"),), "own", 1, n=1)
    assert named(CheckResult(kind="k", seed=1, metrics=(stranger,)), SPECS, {}).metrics == (stranger,)


@pytest.mark.parametrize("kind", catalogue())
def test_no_two_metrics_of_a_check_that_a_run_can_show_side_by_side_have_one_plain_name(kind):
    names = [(spec.plain_name, spec.per) for spec in find(kind).metrics]
    assert len(set(names)) == len(names)
    assert all("_" not in name for name, _ in names)
