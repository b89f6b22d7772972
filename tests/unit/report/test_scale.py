from __future__ import annotations

import re

import pytest

from model_governance.report.scale import allowed, draw_scale
from model_governance.verdict import Baseline

CONDITIONS = [
    {"less_than": 0.2},
    {"leq_to": 0.2},
    {"greater_than": 0.2},
    {"geq_to": 0.2},
    {"equal_to": 0.2},
    {"between": [0.1, 0.3]},
    {"less_than": 0.2, "tolerance": 0.25},
    {"geq_to": 0.2, "tolerance": 0.25},
    {"equal_to": 0.2, "tolerance": 0.25},
    {"between": [0.1, 0.3], "tolerance": 0.25},
    {"less_than": -0.2, "tolerance": 0.25},
]
VALUES = [-0.3, -0.26, -0.24, -0.19, 0.0, 0.08, 0.12, 0.151, 0.16, 0.24, 0.249, 0.26, 0.36, 0.38, 1.0]


def finding(make, value, condition, **others):
    (one,) = make.judged("x", (make.metric("m", value, **others),), [{"metric": "m", **condition}]).findings
    return one


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
@pytest.mark.parametrize("value", VALUES)
def test_the_drawn_side_is_the_side_the_verdict_allows(make, condition, value):
    one = finding(make, value, condition)
    low, high = allowed(one, better="lower")
    assert (low < value < high) == (one.outcome == "pass")


def test_exactly_what_is_demanded_is_allowed(make):
    one = finding(make, 0.2, {"equal_to": 0.2})
    assert (allowed(one, better="lower"), one.outcome) == ((0.2, 0.2), "pass")


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("condition", [{"min_absolute_change": -0.02}, {"min_relative_change": 0.05}], ids=str)
@pytest.mark.parametrize("value", [0.6, 0.75, 0.77, 0.79, 0.81, 0.83, 0.85, 0.95])
def test_a_demand_on_change_allows_what_the_verdict_allows(make, better, condition, value):
    from model_governance.contract.result import CheckResult
    from model_governance.verdict import judge

    rules = make.policy({"x": {"kind": "k", "thresholds": [{"metric": "m", **condition}]}})
    result = CheckResult(kind="k", seed=1, metrics=(make.metric("m", value, better=better),))
    verdict = judge("x", result, rules, moment=make.TODAY, baselines={"approved": {"m": Baseline(value=0.8)}})
    low, high = allowed(verdict.findings[0], better=better)
    assert (low <= value <= high) == (verdict.outcome == "pass")


def test_the_picture_says_in_words_what_it_shows(make):
    svg = draw_scale(finding(make, 1.93, {"less_than": 0.2}, low=1.9, high=1.96), better="lower")
    assert 'role="img"' in svg
    assert 'aria-label="m 1.93, 95% interval 1.9 to 1.96; allowed is less than 0.2; outcome fail"' in svg


def test_an_absent_value_has_no_scale(make):
    assert draw_scale(finding(make, None, {"less_than": 0.2}, reason="no rows"), better="lower") == ""


def place(svg: str, name: str) -> float:
    found = re.search(rf'class="{name}" (?:cx|x1)="([0-9.]+)"', svg)
    assert found
    return float(found[1])


def words(svg: str, name: str) -> list[str]:
    return re.findall(rf'<text class="{name}"[^>]*>([^<]*)</text>', svg)


def test_the_value_lies_on_its_side_of_the_bound(make):
    beyond = draw_scale(finding(make, 0.3, {"less_than": 0.2}), better="lower")
    within = draw_scale(finding(make, 0.1, {"less_than": 0.2}), better="lower")
    assert place(beyond, "value") > place(beyond, "bound")
    assert place(within, "value") < place(within, "bound")


def test_every_finding_of_a_threshold_has_the_same_line(make):
    drawn = [draw_scale(finding(make, value, {"less_than": 0.1}), better="lower") for value in (0.013, 0.09, 9.5)]
    assert {place(svg, "bound") for svg in drawn} == {140.0}
    assert place(drawn[0], "value") < place(drawn[1], "value") < 140  # 0.013 and the bound 0.1 are apart
    assert all(words(svg, "end") == ["0", "0.2"] for svg in drawn)


def test_a_value_beyond_the_end_is_an_arrow_with_its_number(make):
    svg = draw_scale(finding(make, 9.5, {"less_than": 0.1}), better="lower")
    assert '<path class="value" d="M280.0 24' in svg
    assert "circle" not in svg
    assert words(svg, "number") == ["9.5"]


def test_a_share_that_must_be_high_is_drawn_from_nothing_to_all(make):
    svg = draw_scale(finding(make, 0.49, {"geq_to": 0.8}), better="higher")
    assert words(svg, "end") == ["0", "1"]


@pytest.mark.parametrize("value", [0, 0.2, -5, 1e9, 1e-9])
@pytest.mark.parametrize("condition", [{"less_than": 0.2}, {"geq_to": 0.8}, {"between": [-5, 5]}], ids=str)
def test_every_mark_stays_inside_the_picture(make, value, condition):
    svg = draw_scale(finding(make, value, condition), better="lower")
    places = [float(one) for one in re.findall(r' (?:cx|x|x1|x2)="([^"]+)"', svg)]
    assert places
    assert all(0 <= one <= 280 for one in places)
