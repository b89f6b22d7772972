"""Thresholds that can never fail are refused where a policy is read, with the number that would let them."""

from __future__ import annotations

import pytest

import project
from model_governance.errors import PolicyError


def problems(folder, kind: str, *thresholds: dict, **params: object) -> list[str]:
    """What lint says of a policy of one check."""
    small = project.small_project(folder)
    small.change(checks={"c": {"kind": kind, "params": params, "thresholds": list(thresholds)}})
    try:
        small.policy()
    except PolicyError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    ("kind", "threshold", "few", "enough"),
    [
        ("corruption", {"metric": "accuracy", "geq_to": 0.1}, 50, 80),
        ("corruption", {"metric": "clean_accuracy", "geq_to": 0.05}, 100, 160),
        ("evasion", {"metric": "attack_success_rate", "less_than": 0.9}, 50, 80),
        ("evasion", {"metric": "robust_accuracy", "geq_to": 0.1}, 50, 80),
    ],
)
def test_a_share_of_rows_too_few_to_prove_it_is_refused_with_the_number_that_suffices(
    tmp_path, kind, threshold, few, enough
):
    """V32: even the worst share of so few rows has its limit within the bound."""
    (found,) = problems(tmp_path, kind, threshold, samples=few)
    assert f"{threshold['metric']} is a share of {few} rows at most" in found
    assert "raise samples to" in found
    assert problems(tmp_path, kind, threshold, samples=enough) == []


def test_what_the_params_of_an_attack_let_no_run_fail_is_refused_with_the_number_that_suffices(tmp_path):
    """V32: few guesses prove little memorisation, and a check measures no more rows than its params allow."""
    small = project.small_project(tmp_path)
    cases = {
        "guesses": ("membership_inference", {"metric": "memorisation_lower_bound", "less_than": 3}, {"audit_guesses": 20}),
        "members": ("membership_inference", {"metric": "tpr_at_fpr", "less_than": 0.9}, {"samples": 50, "fpr": [0.2]}),
        "queries": ("model_extraction", {"metric": "fidelity", "key": "public@100", "less_than": 0.9}, {"samples": 40}),
        "rows": ("evasion", {"metric": "attack_success_rate", "less_than": 0.9, "minimum_rows": 1000}, {"samples": 200}),
    }  # fmt: skip
    numbers = {
        "guesses": "audit_guesses to 62",
        "members": "samples to",
        "queries": "samples to",
        "rows": "samples to 1,000",
    }
    checks = {
        name: {"kind": kind, "params": params, "thresholds": [threshold]}
        for name, (kind, threshold, params) in cases.items()
    }
    small.change(checks=checks)
    with pytest.raises(PolicyError) as error:
        small.policy()
    assert len(error.value.problems) == len(cases)
    for (name, remedy), problem in zip(numbers.items(), error.value.problems, strict=True):
        assert f"checks.{name}.thresholds[0]" in problem
        assert f"raise {remedy}" in problem


def test_the_order_of_attributions_can_fail_among_fourteen_thresholds(tmp_path):
    """V32: its limits do not come from permutations, so that their number is no floor; lint has nothing to say."""
    order = {"metric": "attribution_ndcg", "geq_to": 0.9}
    assert problems(tmp_path, "attribution_drift", *[order] * 14) == []
    assert problems(tmp_path, "attribution_drift", *[order] * 14, permutations=1000) == []
