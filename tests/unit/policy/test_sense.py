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
    datasets:
      {{reference: {{uri: r.parquet}}, current: {{uri: c.parquet}}, train: {{uri: t.parquet}}, previous_train: {{uri: p.parquet}}}}
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
    assert found.startswith("p.yaml:11 checks.data_drift.thresholds[0].greater_than: psi is better the lower")


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


NEVER = [
    ("membership_inference", "{metric: memorisation_lower_bound, less_than: 6}", "{}", "is 5.11 at most", 1212),
    ("membership_inference", "{metric: memorisation_lower_bound, less_than: 3}", "{audit_guesses: 2}", "is 0 at most", 62),
    ("membership_inference", "{metric: memorisation_lower_bound, less_than: 2}", "{samples: 100}", "needs 500", 250),
    ("membership_inference", "{metric: tpr_at_fpr, less_than: 0.9}", "{samples: 50}", "needs 500", 500),
    ("membership_inference", "{metric: tpr_at_fpr, key: loss@0.001, less_than: 0.9}", "{samples: 600}", "needs 5,000", 5000),
    ("membership_inference", "{metric: tpr_at_fpr, less_than: 0.9}", "{samples: 50, fpr: [0.2]}", "a share of 50 rows", 60),
    ("membership_inference", "{metric: generalization_gap, less_than: 0.8}", "{samples: 40}", "a difference of shares of 80", 50),
    ("membership_inference", "{metric: slice_auc, less_than: 0.9}", "{samples: 45}", "needs 100", 50),
    ("model_extraction", "{metric: fidelity, key: public@100, less_than: 0.9}", "{samples: 40}", "a share of 40 rows", 72),
    ("model_extraction", "{metric: fidelity_gain, less_than: 0.9}", "{samples: 40}", "a difference of shares of 40", 125),
    ("attribute_inference", "{metric: attack_accuracy, less_than: 0.9}", "{sensitive: [income], samples: 50}", "a share of 50", 72),
    ("poisoning_screen", "{metric: flip_rate_change, less_than: 0.9}", "{samples: 100}", "a difference of shares of 200", 103),
    ("poisoning_screen", "{metric: disagreement_change, less_than: 0.95}", "{samples: 100}", "rows as samples allows", 147),
    ("data_drift", "{metric: flagged_share, leq_to: 0.95}", "{prediction_rows: 100}", "a share of 100 rows", 147),
    ("corruption", "{metric: drop, less_than: 0.85}", "{samples: 30}", "a difference of shares of 30", 82),
    ("evasion", "{metric: missed_share, less_than: 0.9}", "{exact_rows: 20}", "a share of 20 rows", 72),
    ("evasion", "{metric: attack_success_rate, less_than: 0.9, minimum_rows: 1000}", "{samples: 200}", "minimum_rows is 1,000", 1000),
    ("model_inversion", "{metric: confidence_reached, leq_to: 0.9, minimum_rows: 100}", "{}", "minimum_rows is 100", 100),
    ("attribution_drift", "{metric: attribution_ndcg, geq_to: 0.9, minimum_rows: 2000}", "{}", "minimum_rows is 2,000", 1000),
]  # fmt: skip


@pytest.mark.parametrize(("check", "threshold", "params", "reason", "enough"), NEVER)
def test_a_threshold_that_the_params_let_no_run_fail_is_refused_with_the_number_that_suffices(
    check, threshold, params, reason, enough
):
    (found,) = refusals(check, threshold, params=params)
    assert reason in found
    assert f" to {enough:,} or more, or " in found


@pytest.mark.parametrize(
    ("check", "threshold", "params"),
    [
        ("membership_inference", "{metric: memorisation_lower_bound, less_than: 5}", "{}"),
        ("membership_inference", "{metric: memorisation_lower_bound, between: [0.1, 6]}", "{}"),
        ("membership_inference", "{metric: tpr_at_fpr, less_than: 0.9}", "{samples: 500}"),
        ("membership_inference", "{metric: tpr_at_fpr, key: loss@0.01, less_than: 0.9}", "{samples: 500}"),
        ("model_extraction", "{metric: fidelity, less_than: 0.9}", "{samples: 72}"),
        ("attribute_inference", "{metric: member_gap, less_than: 0.9}", "{sensitive: [income], samples: 40}"),
        ("evasion", "{metric: attack_success_rate, less_than: 0.9, minimum_rows: 200}", "{samples: 200}"),
        ("model_extraction", "{metric: fidelity, less_than: 0.9, severity: warn}", "{samples: 40}"),
    ],
)
def test_a_threshold_that_some_data_would_fail_is_taken(check, threshold, params):
    assert refusals(check, threshold, params=params) == []


def test_an_agreement_that_is_no_share_has_no_floor_of_shares():
    threshold = "{metric: fidelity, less_than: 0.9}"
    assert refusals("model_extraction", threshold, params="{samples: 40}", task="regression") == []


def test_what_the_budget_has_no_part_in_is_refused_at_every_severity():
    few = "{metric: attack_success_rate, less_than: 0.9, minimum_rows: 1000, severity: warn}"
    high = "{metric: memorisation_lower_bound, less_than: 6, severity: warn}"
    assert len(refusals("evasion", few, params="{samples: 200}")) == 1
    assert len(refusals("membership_inference", high)) == 1
    change = "{metric: robust_accuracy, min_absolute_change: -0.1, minimum_rows: 1000}"
    assert len(refusals("evasion", change, params="{samples: 200}")) == 1


def test_a_number_that_the_check_does_not_take_is_not_proposed():
    (found,) = refusals("attribution_drift", "{metric: attribution_ndcg, geq_to: 0.9, minimum_rows: 50000}")
    assert "every run would be uncertain; lower minimum_rows" in found


def test_the_tolerance_of_a_threshold_counts():
    exact = "{metric: attack_success_rate, less_than: 0.85}"
    assert refusals("evasion", exact, params="{samples: 50}") == []
    (found,) = refusals("evasion", exact.replace("0.85", "0.85, tolerance: 0.1"), params="{samples: 50}")
    assert "a share of 50 rows at most" in found


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
