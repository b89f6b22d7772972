"""AutoAttack, APGD, FAB and Square as attacks of a policy: exact on a linear model, valid, within budgets, refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from linear_cases import ROWS, WEIGHTS, linear, margins
from model_governance.checks.robustness.evasion import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject

FAMILY = ("autoattack", "apgd", "fab", "square")


def measure(subject: Subject, **params):
    return CHECK.measure(subject, CHECK.params(**{"samples": ROWS, **params}), 1)


def rate(result, attack: str) -> float:
    return result.metric("attack_success_rate", key=attack).value


@pytest.mark.parametrize(
    ("norm", "dual"), [("linf", np.abs(WEIGHTS).sum()), ("l2", np.linalg.norm(WEIGHTS))], ids=["linf", "l2"]
)
@pytest.mark.parametrize("attack", ["apgd", "fab"])
def test_a_linear_model_is_flipped_exactly_where_it_can_be_flipped(norm, dual, attack):
    subject = linear()
    distances = np.abs(margins(subject.features("current"))) / dual
    epsilon = float(np.median(distances))
    result = measure(subject, attacks=[attack], norm=norm, epsilon=[epsilon, 0.4 * epsilon])
    assert rate(result, attack) == pytest.approx((distances < epsilon).mean(), abs=1 / ROWS)
    smaller = result.metric("attack_success_rate_at", key=f"{0.4 * epsilon:g}").value
    assert smaller == pytest.approx((distances < 0.4 * epsilon).mean(), abs=1 / ROWS)
    assert result.metric("valid_share").value == 1.0


def test_square_needs_scores_only():
    subject = linear()
    probabilities = replace(
        subject.model, call_logits=None, call_gradient=None,
        call_proba=lambda rows: np.stack([1 / (1 + np.exp(margins(rows))), 1 / (1 + np.exp(-margins(rows)))], axis=1),
    )  # fmt: skip
    distances = np.abs(margins(subject.features("current"))) / np.abs(WEIGHTS).sum()
    epsilon = float(np.median(distances))
    result = measure(replace(subject, model=probabilities), attacks=["square"], epsilon=epsilon)
    assert rate(result, "square") == pytest.approx((distances < epsilon).mean(), abs=1 / ROWS)
    with pytest.raises(CheckError, match=r"autoattack: the model \(skops\) offers no gradients"):
        measure(replace(subject, model=probabilities), attacks=["autoattack"])


def test_every_row_that_the_model_is_evaluated_on_is_allowed_by_the_threat_model():
    subject = linear(digits=1)
    evaluated: list[pd.DataFrame] = []

    def logits(rows):
        evaluated.append(rows.copy())
        return np.stack([np.zeros(len(rows)), margins(rows)], axis=1)

    threat = ThreatModel.model_validate(
        {"mutable": ["a", "b"], "increase_only": ["c"], "features": {name: {"step": 0.1} for name in "abc"}}
    )
    watched = replace(subject, model=replace(subject.model, call_logits=logits), threat_model=threat)
    result = measure(watched, attacks=list(FAMILY), epsilon=0.3, samples=12)
    rows = pd.concat(evaluated)
    assert len(rows) > 200
    assert set(rows["d"]) <= set(subject.features("current")["d"])
    assert np.allclose(rows[["a", "b", "c"]] * 10, np.rint(rows[["a", "b", "c"]] * 10))
    assert rows["c"].min() >= subject.features("current")["c"].min()
    assert result.metric("valid_share").value == 1.0
    assert rate(result, "all") > 0


def test_a_query_limit_stops_an_attack_and_its_flips_count():
    result = measure(linear(), attacks=["autoattack"], budget={"autoattack": {"max_queries": 700}}, epsilon=0.2)
    header = next(table for table in result.tables if table.name == "attacks")
    row = dict(zip(header.header, header.rows[0], strict=True))
    assert row["reached"].startswith("stopped at its budget of 700 queries")
    assert rate(result, "autoattack") > 0


def test_the_same_seed_gives_the_same_record():
    budget = {name: {"max_queries": 6000} for name in FAMILY}
    first, second = (
        canonical_json(measure(linear(), attacks=list(FAMILY), epsilon=0.03, budget=budget).record()) for _ in range(2)
    )
    assert first == second


def test_the_default_attacks_do_not_include_the_family():
    result = measure(linear(), samples=12, max_iterations=2, max_evaluations=20)
    rates = {metric.key for metric in result.metrics if metric.name == "attack_success_rate"}
    assert rates == {"hopskipjump", "greedy", "gradient", "all"}


@pytest.mark.parametrize("attack", FAMILY)
def test_costs_and_regressions_are_refused_with_the_reason(attack):
    subject = linear()
    with pytest.raises(CheckError, match=f"{attack}: it knows the norms linf and l2"):
        measure(subject, attacks=[attack], norm="cost")
    model = replace(
        subject.model, task="regression", classes=(), call=margins, call_logits=None,
        call_gradient=lambda _, weights: weights * WEIGHTS,
    )  # fmt: skip
    with pytest.raises(CheckError, match=f"{attack}: its losses compare classes"):
        measure(replace(subject, task="regression", model=model), attacks=[attack], tolerance=0.1)
