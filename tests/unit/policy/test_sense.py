"""Thresholds that could never fail or never pass, that ask for the worse, or for what the task does not have."""

from __future__ import annotations

from textwrap import dedent

import pytest
from pydantic import Field

from model_governance.checks import catalogue, find
from model_governance.contract.check import Check, Floor, Params
from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec
from model_governance.errors import PolicyError
from model_governance.policy import parse_policy
from model_governance.policy.sense import threshold_problems

PSI = MetricSpec(name="psi", meaning="m", better="lower", range=NOT_NEGATIVE)
ACCURACY = MetricSpec(name="accuracy", meaning="m", better="higher", range=SHARE)
PREVALENCE = MetricSpec(name="prevalence", meaning="m", better="neither", range=SHARE)
GAIN = MetricSpec(name="gain", meaning="m", better="higher")


def problems(spec: MetricSpec, **threshold) -> list[str]:
    return [sentence for _, sentence in threshold_problems({"metric": spec.name, **threshold}, spec)]


@pytest.mark.parametrize(
    ("spec", "threshold", "sentence"),
    [
        pytest.param(PSI, {"greater_than": 0.1}, "asks for more of the worse", id="a floor under a distance"),
        pytest.param(PSI, {"geq_to": 0}, "write leq_to", id="at least no distance"),
        pytest.param(ACCURACY, {"leq_to": 0.9}, "better the higher", id="a ceiling over accuracy"),
        pytest.param(PSI, {"less_than": -1}, "no value meets this", id="below the range"),
        pytest.param(PSI, {"less_than": 0}, "no value meets this", id="below its end, which is excluded"),
        pytest.param(ACCURACY, {"greater_than": 1}, "no value meets this", id="above the range"),
        pytest.param(ACCURACY, {"geq_to": 80}, "between 0 and 1, so no value meets", id="percent for a share"),
        pytest.param(ACCURACY, {"geq_to": 0}, "every value meets this", id="a floor that is no floor"),
        pytest.param(PREVALENCE, {"leq_to": 1}, "every value meets this", id="the end of the range"),
        pytest.param(PREVALENCE, {"between": [0, 1]}, "every value meets this", id="the whole range"),
        pytest.param(PREVALENCE, {"between": [2, 3]}, "no value meets this", id="a band outside"),
        pytest.param(PREVALENCE, {"equal_to": -0.1}, "no value meets this", id="a value outside"),
        pytest.param(ACCURACY, {"min_absolute_change": -1}, "every value meets this", id="any loss is allowed"),
        pytest.param(ACCURACY, {"min_absolute_change": 2}, "change of accuracy is at most 1", id="an impossible gain"),
    ],
)
def test_a_threshold_without_sense_is_named(spec, threshold, sentence):
    (found,) = problems(spec, **threshold)
    assert sentence in found


@pytest.mark.parametrize(
    ("spec", "threshold"),
    [
        pytest.param(PSI, {"leq_to": 0}, id="exactly none"),
        pytest.param(PSI, {"less_than": 0.2}, id="a ceiling"),
        pytest.param(PSI, {"between": [0.01, 0.2]}, id="a band, also of what is better low"),
        pytest.param(ACCURACY, {"geq_to": 1}, id="nothing less than all"),
        pytest.param(ACCURACY, {"greater_than": 0.8, "tolerance": 0.01}, id="a floor"),
        pytest.param(ACCURACY, {"min_absolute_change": -0.02}, id="a small loss"),
        pytest.param(ACCURACY, {"min_relative_change": -0.02}, id="a small share lost"),
        pytest.param(PREVALENCE, {"less_than": 1}, id="not all"),
        pytest.param(PREVALENCE, {"greater_than": 0.1}, id="either direction of what has none"),
        pytest.param(GAIN, {"geq_to": -5}, id="without a range"),
        pytest.param(ACCURACY, {"geq_to": "high"}, id="no number, which is refused elsewhere"),
        pytest.param(ACCURACY, {"between": 3}, id="no band, which is refused elsewhere"),
        pytest.param(ACCURACY, {}, id="no condition, which is refused elsewhere"),
    ],
)
def test_a_threshold_that_can_fail_and_pass_is_none(spec, threshold):
    assert problems(spec, **threshold) == []


POLICY = dedent("""\
    version: 1
    owner: risk@example.com
    model: {{name: scoring, task: {task}, uri: model.skops, sha256: "{digest}"}}
    datasets: {{reference: {{uri: r.parquet}}, current: {{uri: c.parquet}}}}
    columns: {{target: label, features: {{income: {{kind: numeric}}}}}}
    checks:
      {check}:
        params: {params}
        thresholds:
          - {threshold}
    """)


def refusals(
    check: str, threshold: str, *, task="binary_classification", params="{}", checks=None, extra=""
) -> list[str]:
    text = POLICY.format(task=task, digest="a" * 64, check=check, threshold=threshold, params=params) + f"\n{extra}"
    try:
        parse_policy(text.encode(), checks or catalogue(), name="p.yaml")
    except PolicyError as error:
        return list(error.problems)
    return []


def test_the_line_of_a_threshold_without_sense_is_named():
    (found,) = refusals("data_drift", "{metric: psi, greater_than: 0.1}")
    assert found.startswith("p.yaml:10 checks.data_drift.thresholds[0].greater_than: psi is better the lower")


@pytest.mark.parametrize(
    ("check", "metric", "task", "known"),
    [
        pytest.param("model_quality", "accuracy", "regression", "binary_classification", id="accuracy of a regression"),
        pytest.param(
            "model_quality", "recall", "multiclass_classification", "binary_classification", id="recall of many"
        ),
        pytest.param(
            "performance_estimation", "estimated_recall", "regression", "binary_classification", id="estimate"
        ),
        pytest.param("attribution_drift", "attribution_ndcg", "", "regression", id="any task"),
    ],
)
def test_a_metric_that_the_task_does_not_have_is_refused(check, metric, task, known):
    threshold = f"{{metric: {metric}, min_absolute_change: -0.02}}"
    if task:
        assert any(f"{task} has no {metric}" in problem for problem in refusals(check, threshold, task=task))
    assert not any("has no" in problem for problem in refusals(check, threshold, task=known))


class DrawParams(Params):
    permutations: int = Field(default=20_000)


def permuting() -> dict[str, Check]:
    check = Check(
        kind="permuting", title="p", question="?", params=DrawParams, roles=(), measure=None, self_test=None,
        suggest=None, advice=None, cost="Seconds.",
        metrics=(MetricSpec(name="order", meaning="m", better="higher", range=SHARE),),
        floors=lambda params: (Floor(metric="order", param="permutations", p_value=1 / (params.permutations + 1)),),
    )  # fmt: skip
    return {"permuting": check}


def test_a_permutation_test_that_the_budget_leaves_no_chance_to_fail_is_refused():
    many = "{metric: order, geq_to: 0.9}" + "\n      - {metric: order, geq_to: 0.9}" * 13
    found = refusals("permuting", many, checks=permuting())
    assert len(found) == 14
    assert "it could never fail; raise permutations to 25,5" in found[0]
    assert refusals("permuting", "{metric: order, geq_to: 0.9}", checks=permuting()) == []
    assert refusals("permuting", many, params="{permutations: 30000}", checks=permuting()) == []
    assert refusals("permuting", many.replace("0.9}", "0.9, severity: warn}"), checks=permuting()) == []


def test_a_share_of_too_few_rows_to_fail_is_refused_with_the_number_that_suffices():
    threshold = "{metric: attack_success_rate, less_than: 0.5}"
    (found,) = [
        text for text in refusals("evasion", threshold, params="{samples: 8}") if "could" in text or "share of" in text
    ]
    assert "share of 8 rows at most" in found
    assert "raise samples to 1" in found
    assert not any("rows at most" in text for text in refusals("evasion", threshold, params="{samples: 100}"))


@pytest.mark.parametrize(
    ("severity", "fail_on", "refused"),
    [
        ("error", "error", True),
        ("warn", "warn", True),
        ("warn", "error", False),
        ("info", "error", False),
        ("info", "warn", False),
    ],
)
def test_only_a_threshold_that_is_meant_to_stop_a_run_must_be_able_to(severity, fail_on, refused):
    threshold = f"{{metric: order, geq_to: 0.9, severity: {severity}}}"
    found = refusals(
        "permuting", threshold, params="{permutations: 10}", extra=f"fail_on: {fail_on}", checks=permuting()
    )
    assert bool(found) is refused


def test_every_floor_names_a_metric_and_a_param_of_its_check():
    for check in catalogue().values():
        for floor in check.floors(check.params.model_validate(dict(check.self_test.params))):
            assert floor.metric in {spec.name for spec in check.metrics}
            assert floor.param in check.params.model_fields
    assert find("evasion").floors(find("evasion").params())
