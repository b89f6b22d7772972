"""The evasion check under a policy's threat model: budgets, costs, slices, efforts, regressions, and what it may show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import synthetic
from model_governance.attacks.schedule import AttackCutShort
from model_governance.attacks.trees.minimal import Change
from model_governance.checks.robustness.evasion import CHECK, exact
from model_governance.contract.result import canonical_json
from model_governance.contract.slices import Slice
from model_governance.contract.subject import Columns, Dataset, Feature, Model, PreviousRun, Subject
from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import CheckError

QUICK = {
    "attacks": ["hopskipjump", "greedy"],
    "samples": 16,
    "max_iterations": 2,
    "max_evaluations": 20,
    "initial_size": 50,
}


@pytest.fixture(scope="module")
def healthy() -> Subject:
    return synthetic.subject()


def measure(subject: Subject, seed: int = 1, **params):
    return CHECK.measure(subject, CHECK.params(**{**QUICK, **params}), seed)


def under(subject: Subject, **threat) -> Subject:
    return replace(subject, threat_model=ThreatModel.model_validate(threat))


def table(result, name: str) -> list[dict]:
    found = next(one for one in result.tables if one.name == name)
    return [dict(zip(found.header, row, strict=True)) for row in found.rows]


def with_call(subject: Subject, call) -> Subject:
    return replace(subject, model=replace(subject.model, native=None, call=call, call_proba=None))


def rate(result, attack: str) -> float:
    return result.metric("attack_success_rate", key=attack).value


def one_column(native, *, task: str, labels, x=None) -> Subject:
    """One number from 0 to 100, a model fitted on it."""
    frame = pd.DataFrame({"x": np.linspace(0, 100, 201) if x is None else x})
    native.fit(frame, labels(frame["x"]))
    columns = Columns(features={"x": Feature(kind="numeric", minimum=0, maximum=100)}, target="y")
    classes = tuple(native.classes_.tolist()) if hasattr(native, "classes_") else ()
    model = Model(
        name="one", format="skops", sha256="", task=task, native=native, call=native.predict, classes=classes,
        call_proba=getattr(native, "predict_proba", None),
    )  # fmt: skip
    data = {"current": Dataset(role="current", uri="c", sha256="c", frame=frame.assign(y=labels(frame["x"])))}
    return Subject(name="one", task=task, columns=columns, datasets=data, model=model)


def test_only_what_the_attacker_controls_is_changed(healthy):
    asked = []

    def listening(frame):
        asked.append(frame.copy())
        return healthy.model.call(frame)

    fraud = under(with_call(healthy, listening), preset="fraud", mutable=["debt", "channel"])
    result = measure(fraud, attacks=["hopskipjump"])
    rows = pd.concat(asked)
    assert set(rows["channel"]) == {"branch", "web"}
    assert set(rows["income"]) <= {*healthy.features("current")["income"], *healthy.features("reference")["income"]}
    assert {one["feature"] for one in table(result, "changed_features")} <= {"debt", "channel"}
    why = {one["feature"]: one["reason or source of the range"] for one in table(result, "threat_model")}
    assert why["income"] == "not controlled by the attacker"


def test_what_only_grows_never_shrinks(healthy):
    seen = []

    def listening(frame):
        seen.append(frame["income"].to_numpy())
        return healthy.model.call(frame)

    subject = under(with_call(healthy, listening), mutable=["debt"], increase_only=["income"])
    victims = healthy.datasets["current"].frame.head(16)
    measure(subject.with_frame("current", victims), attacks=["hopskipjump"])
    assert min(map(np.min, seen[1:])) >= victims["income"].min()
    assert len(np.concatenate(seen)) > 100


def test_a_category_moves_where_the_policy_lets_it_and_nowhere_else(healthy):
    moves = {"mutable": ["debt"], "features": {"channel": {"mutable": True, "moves": {"web": ["branch"]}}}}
    seen = []

    def listening(frame):
        seen.append((frame["channel"] == "branch").to_numpy())
        return healthy.model.call(frame)

    victims = healthy.datasets["current"].frame.query("channel == 'branch'").head(12)
    measure(under(with_call(healthy, listening).with_frame("current", victims), **moves), attacks=["hopskipjump"])
    # Donors of the reference are asked as they are once, to see whether the model is constant, and never else.
    assert all(one.all() for one in seen if len(one) not in (400, 412))


def test_values_that_no_row_has_are_spelt_wrong(healthy):
    with pytest.raises(CheckError, match=r"threat_model.features.channel.moves: no move leads .* type str"):
        measure(under(healthy, features={"channel": {"moves": [1, 2]}}))


def test_several_budgets_are_told_apart_and_the_first_is_the_one_that_judges(healthy):
    result = measure(healthy, epsilon=[0.05, 0.01, 0.2], attacks=["greedy"], samples=40)
    rates = {metric.key: metric.value for metric in result.metrics if metric.name == "attack_success_rate_at"}
    assert list(rates) == ["0.01", "0.05", "0.2"]
    assert rates["0.01"] < rates["0.05"] < rates["0.2"]
    assert rate(result, "all") == rate(result, "greedy") == rates["0.05"]
    assert [one["budget"] for one in table(result, "budgets")] == [0.01, 0.05, 0.2]
    alone = measure(healthy, epsilon=0.05, attacks=["greedy"], samples=40)
    assert rate(alone, "all") == rates["0.05"]
    assert alone.metric("robust_accuracy").value == alone.metric("robust_accuracy_at", key="0.05").value


def test_costs_decide_which_change_is_the_cheapest(healthy):
    threat = {"mutable": ["income", "debt"], "features": {"income": {"cost": 1.0}, "debt": {"cost": 50.0}}}
    dear_debt = measure(
        under(healthy, **threat), norm="cost", epsilon=0.5, attacks=["greedy", "hopskipjump"], samples=30
    )
    threat["features"] = {"income": {"cost": 50.0}, "debt": {"cost": 1.0}}
    dear_income = measure(
        under(healthy, **threat), norm="cost", epsilon=0.5, attacks=["greedy", "hopskipjump"], samples=30
    )
    assert table(dear_debt, "changed_features")[0]["feature"] == "income"
    assert table(dear_income, "changed_features")[0]["feature"] == "debt"
    assert rate(dear_debt, "greedy") > 0.1 < rate(dear_income, "greedy")


def test_a_change_of_category_costs_what_the_policy_says(healthy):
    threat = {"mutable": ["channel", "income"], "features": {"channel": {"cost": 3.0}, "income": {"cost": 100.0}}}
    dear = measure(under(healthy, **threat), norm="cost", epsilon=2.9, attacks=["greedy"], samples=60)
    cheap = measure(under(healthy, **threat), norm="cost", epsilon=3.0, attacks=["greedy"], samples=60)
    assert "channel" not in {one["feature"] for one in table(dear, "changed_features")}
    assert "channel" in {one["feature"] for one in table(cheap, "changed_features")}
    with pytest.raises(ValidationError, match="at most 1"):
        CHECK.params(epsilon=2.0)


def test_slices_have_shares_of_their_own(healthy):
    def fragile_in_the_north(rows):
        return (((rows["income"] // 2) % 2 == 1) & (rows["region"] == "north")).to_numpy().astype(int)

    frame = healthy.datasets["current"].frame
    labelled = frame.assign(label=fragile_in_the_north(frame))
    subject = with_call(healthy, fragile_in_the_north).with_frame("current", labelled)
    slices = [Slice(column="region", equals="north"), Slice(column="region", equals="east")]
    result = measure(subject, samples=80, slices=slices, attacks=["hopskipjump"])
    rates = {metric.key: metric.value for metric in result.metrics if metric.name == "slice_attack_success_rate"}
    assert rates == {"region north": 1.0, "region east": 0.0}


def test_a_slice_of_few_rows_is_named_and_not_judged(healthy):
    result = measure(healthy, slices=[Slice(column="age", between=(18, 30))])
    few = result.metric("slice_attack_success_rate", key="age 18 to 30")
    assert (few.value, few.absence) == (None, "uncertain")
    assert few.reason == "no attacked rows of it in this run, at least 10 are needed"


def test_a_query_budget_cuts_an_attack_and_says_so(healthy):
    budget = {"greedy": {"max_queries": 200}}
    first = measure(healthy, attacks=["greedy"], budget=budget)
    told = table(first, "attacks")[0]
    assert told["reached"].startswith("stopped at its budget of 200 queries")
    assert told["queries per row"] * first.metric("attack_success_rate", key="all").n <= 200 + told["rows returned"]
    assert "stopped at its budget" in first.metric("attack_success_rate", key="greedy").detail
    assert canonical_json(measure(healthy, attacks=["greedy"], budget=budget).record()) == canonical_json(
        first.record()
    )
    with pytest.raises(ValidationError, match="no attack is called gredy"):
        CHECK.params(budget={"gredy": {"max_queries": 1}})


def test_a_deferred_attack_keeps_its_last_metrics(healthy):
    params = {"attacks": ["hopskipjump", "greedy"], "budget": {"greedy": {"every_runs": 7}}, "samples": 30}
    monday = replace(healthy, logical_date=datetime(2026, 11, 2, tzinfo=UTC))
    first = measure(monday, **params)
    plan = next(one for one in first.artifacts if one.name == "attack_schedule.json")
    night = PreviousRun(
        logical_date=datetime(2026, 11, 2, tzinfo=UTC),
        name=plan.name,
        key="k",
        sha256=plan.sha256,
        content=plan.content,
    )
    tuesday = replace(healthy, logical_date=datetime(2026, 11, 3, tzinfo=UTC), earlier=(night,))
    # A model that would survive this run's attack is no better against the deferred one.
    second = measure(tuesday, **{**params, "epsilon": 1e-5})
    carried = second.metric("attack_success_rate", key="greedy")
    assert carried.value == rate(first, "greedy")
    assert "measured on 2026-11-02" in carried.detail
    together = second.metric("attack_success_rate", key="all")
    assert together.value >= carried.value - 0.5 / together.n
    assert "greedy attack is not due in this run" in together.detail


def test_what_an_attack_finds_does_not_depend_on_the_attacks_beside_it(healthy):
    alone = measure(healthy, attacks=["greedy"])
    beside = measure(healthy, attacks=["hopskipjump", "square", "greedy"])
    for name in ("attack_success_rate", "median_distance", "queries_per_row"):
        assert alone.metric(name, key="greedy") == beside.metric(name, key="greedy")


def test_every_row_that_an_attack_returns_is_counted_as_valid(healthy):
    result = measure(under(healthy, mutable=["income", "channel"], increase_only=["debt"]))
    valid = result.metric("valid_share")
    assert valid.value == 1.0
    assert valid.n == sum(one["rows returned"] for one in table(result, "attacks")) > 10


@pytest.mark.parametrize("native", [LinearRegression(), DecisionTreeRegressor(max_depth=3, random_state=0)])
def test_a_regression_flips_where_the_prediction_changes_by_more_than_the_tolerance(native):
    steep = one_column(native, task="regression", labels=lambda x: 10.0 * x)
    fragile = measure(steep, epsilon=0.1, tolerance=50.0, samples=30)
    robust = measure(steep, epsilon=0.1, tolerance=500.0, samples=30)
    assert rate(fragile, "all") > 0.8
    assert rate(robust, "all") == 0.0
    assert "a regression has no accuracy" in fragile.metric("clean_accuracy").reason
    assert all("moves the prediction by more than 50" in one for one in fragile.highlights)
    if isinstance(native, LinearRegression):
        assert fragile.metric("median_distance", key="greedy").value == pytest.approx(0.05, rel=1e-3)


def test_a_tolerance_is_for_a_regression_and_a_regression_needs_one(healthy):
    with pytest.raises(CheckError, match=r"params.tolerance: a regression has no classes"):
        measure(one_column(LinearRegression(), task="regression", labels=lambda x: x))
    with pytest.raises(CheckError, match=r"params.tolerance: it is for regression"):
        measure(healthy, tolerance=1.0)


def test_a_tree_is_solved_exactly_and_the_heuristics_stand_beside_it():
    subject = one_column(
        DecisionTreeClassifier(max_depth=4, random_state=0), task="binary_classification",
        labels=lambda x: ((x // 10) % 2).astype(int),
    )  # fmt: skip
    result = measure(subject, attacks=None, epsilon=[0.03, 0.001], samples=40, exact_rows=40)
    truth = result.metric("exact_attack_success_rate", key="exact@0.03")
    assert truth.value == rate(result, "all")
    assert 0 < truth.value < 1
    assert (
        result.metric("certified_attack_success_rate", key="exact@0.001").value
        <= result.metric("certified_attack_success_rate", key="exact@0.03").value
    )
    assert result.metric("missed_share", key="exact@0.03").value == 0.0
    assert result.metric("optimality_gap", key="greedy").value < 1e-6
    assert result.metric("queries_per_row", key="exact").value <= 3


def test_an_exact_attack_that_its_budget_cuts_is_refused():
    with pytest.raises(AttackCutShort, match="7 of 12 rows were asked one full question"):
        measure(bands(), attacks=["exact"], epsilon=0.03, exact_rows=16, budget={"exact": {"max_queries": 5}})


def test_rows_that_no_attack_was_given_are_not_robust():
    result = measure(bands(), attacks=["exact"], epsilon=0.03, exact_rows=4)
    everything = result.metric("attack_success_rate", key="all")
    assert everything.n == 4
    assert everything.value == result.metric("exact_attack_success_rate", key="exact@0.03").value


def test_undecided_rows_are_neither_robust_nor_flipped(monkeypatch):
    monkeypatch.setattr(exact, "minimal_change", lambda *_, **__: UNSOLVED)
    cut = measure(bands(), attacks=["exact"], epsilon=0.03).metric("exact_attack_success_rate", key="exact@0.03")
    assert "left undecided" in cut.detail
    assert cut.low == 0.0
    assert cut.high > 0.5


UNSOLVED = Change(status="unsolved", distance=None, lower=0.0, witness=None, target=None, nodes=1)


def bands():
    """A tree that answers by bands of one number."""
    return one_column(
        DecisionTreeClassifier(max_depth=4, random_state=0), task="binary_classification",
        labels=lambda x: ((x // 10) % 2).astype(int),
    )  # fmt: skip


def test_the_exact_attack_needs_trees(healthy):
    with pytest.raises(CheckError, match=r"names attacks that cannot run.*exact: a LogisticRegression"):
        measure(healthy, attacks=["exact"])


def test_a_constant_model_is_refused_whatever_the_attack(healthy):
    constant = replace(
        healthy.model, call=lambda frame: np.ones(len(frame), dtype=int), native=None,
        call_proba=lambda frame: np.tile([0.3, 0.7], (len(frame), 1)),
    )  # fmt: skip
    with pytest.raises(CheckError, match="constant model"):
        measure(replace(healthy, model=constant), attacks=["greedy"])


def canary(disclose=()) -> Subject:
    """Rows whose values can be told from any number of the report."""
    draw = np.random.default_rng(3)
    frame = pd.DataFrame({
        "secret": draw.permutation(np.arange(200)) * 1.000137 + 731_000.0,
        "amount": draw.permutation(np.arange(200)) * 1.000211 + 512_000.0,
        "place": np.array([f"canary{one}" for one in draw.integers(0, 5, 200)]),
        "card": np.array([f"mynah{one}" for one in draw.integers(0, 5, 200)]),
    })  # fmt: skip
    label = ((frame["amount"] - 512_100) / 100 + (frame["place"] == "canary1") > 0.2).astype(int)
    numbers = ["secret", "amount"]
    native = make_pipeline(
        make_column_transformer(("passthrough", numbers), (OneHotEncoder(), ["place", "card"])),
        DecisionTreeClassifier(max_depth=5, random_state=0),
    ).fit(frame, label)
    columns = Columns(
        features={
            "secret": Feature(kind="numeric"), "amount": Feature(kind="numeric"), "place": Feature(kind="category"),
            "card": Feature(kind="category"),
        },
        target="label",
    )  # fmt: skip
    data = {"current": Dataset(role="current", uri="c", sha256="c", frame=frame.assign(label=label))}
    return Subject(
        name="canary", task="binary_classification", columns=columns, datasets=data, model=synthetic.as_model(native),
        threat_model=ThreatModel(mutable=("secret", "amount", "place", "card")), disclose=disclose,
    )  # fmt: skip


def everything(result) -> str:
    pictures = b"".join(one.content for one in result.artifacts if b"<svg" in one.content[:2000] or b"{" in one.content)
    return canonical_json(result.record()).decode() + pictures.decode()


def test_no_value_of_a_row_is_reported_unless_the_policy_discloses_its_column():
    hidden = everything(measure(canary(), samples=30, norm="cost", epsilon=2.0))
    assert "canary" not in hidden.replace('"canary"', "")
    assert "mynah" not in hidden
    assert not any(f"{number}" in hidden for number in (*range(731_000, 731_201), *range(512_000, 512_201)))


def test_a_disclosed_column_is_reported_with_its_values_and_no_other():
    result = measure(canary(disclose=("place",)), samples=60)
    words = " ".join(one["change"] for one in table(result, "cheapest_changes"))
    assert "place canary" in words
    assert "→canary" in words
    text = everything(result)
    assert "mynah" not in text
    assert not any(f"{number}" in text for number in (*range(731_000, 731_201), *range(512_000, 512_201)))


def test_changes_are_reported_as_sentences(healthy):
    result = measure(
        replace(under(healthy, mutable=["income", "channel"]), disclose=("channel",)), attacks=["greedy"], samples=60
    )
    words = [one["change"] for one in table(result, "cheapest_changes")]
    assert "channel branch→web" in words or "channel web→branch" in words
    assert any("flips the decision" in one for one in result.highlights)


def test_a_row_from_beyond_a_range_comes_back_to_any_place_in_it(healthy):
    frame = healthy.datasets["current"].frame
    far = healthy.with_frame("current", frame.assign(income=frame["income"] + 5_000.0, label=1))
    poor = with_call(far, lambda rows: (rows["income"] > 60).to_numpy().astype(int))
    walked = measure(poor, attacks=["hopskipjump"])
    assert walked.metric("unattacked_share").value == 0.0
    # The range ends at 200, so the smallest flip crosses some 25 ranges, and none lies within the budget.
    assert walked.metric("median_distance", key="hopskipjump").value == pytest.approx(25, rel=0.05)
    assert rate(walked, "all") == 0.0
