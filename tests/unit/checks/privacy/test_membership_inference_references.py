"""Membership inference with reference models: what is measured, cached, charged and reported."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from membership_cases import (
    FIRST_RUN,
    NAMES,
    ROWS,
    Recipe,
    audited,
    careful,
    fits,
    measure,
    rows,
    the_run_after,
)
from model_governance.archiving import archive_run
from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.checks.privacy.membership_inference import CHECK, estimates, figures, quantile
from model_governance.checks.privacy.membership_inference.answer_cache import FILE
from model_governance.checks.privacy.membership_inference.attacks import Scores
from model_governance.checks.privacy.membership_inference.blind import BlindScores
from model_governance.checks.privacy.membership_inference.boundary import NumericSpace
from model_governance.checks.privacy.membership_inference.label_only import ROUNDS, perturb
from model_governance.contract.connections import PlainConnections
from model_governance.contract.moments import spell_moment
from model_governance.contract.result import Artifact, canonical_json
from model_governance.contract.run import Run
from model_governance.contract.subject import Columns, Feature, PreviousRun, Subject
from model_governance.errors import CheckError, ModelMisbehaved
from model_governance.evidence.record import read_record
from model_governance.run import run_check
from project import small_project


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    """Drawing takes longer than all attacks; the contract suite looks at the pictures."""
    blank = Artifact(name="blank.svg", media_type="image/svg+xml", content=b"", title="blank")
    monkeypatch.setattr(figures, "roc_figure", lambda *_: blank)
    monkeypatch.setattr(figures, "confidence_figure", lambda *_: blank)


@pytest.fixture(scope="module")
def leaky() -> Subject:
    return audited()


ALL = ["rmia", "rmia_online", "lira", "lira_offline", "ensemble", "quantile", "loss"]


def test_every_attack_finds_the_rows_of_a_model_that_memorised_them(leaky):
    result = measure(leaky, attacks=ALL)
    for attack in ALL:
        assert result.metric("attack_auc", key=attack).low > 0.5, attack
    assert result.metric("attack_auc", key="rmia").low > 0.6
    assert result.metric("tpr_at_fpr", key="rmia@0.05").low > 0.05
    assert result.metric("memorisation_lower_bound", key="rmia").value > 0
    assert result.highlights[0].startswith("rmia identifies ")


def test_its_regularised_twin_passes():
    result = measure(audited(careful), attacks=ALL)
    for attack in ALL:
        assert result.metric("attack_auc", key=attack).low < 0.55, attack
        assert result.metric("tpr_at_fpr", key=f"{attack}@0.05").low <= 0.05, attack
    assert result.metric("memorisation_lower_bound", key="rmia").value == 0
    assert not result.highlights
    assert "exposed_rows" not in {one.name for one in result.tables}


def test_a_model_that_saw_neither_side_is_not_accused():
    """The labels of membership mean nothing here: each number may be wrong in one of 40 runs."""
    wrong = dict.fromkeys(("attack_auc", "balanced_advantage", "tpr_at_fpr", "memorisation_lower_bound"), 0)
    beyond = {"attack_auc": 0.5, "tpr_at_fpr": 0.05}
    stranger = audited(trained_on="elsewhere")
    for draw in range(20):
        for one in measure(stranger, sampling_seed=draw, samples=200, reference_models=2).metrics:
            if one.name in wrong:
                wrong[one.name] += (one.value if one.low is None else one.low) > beyond.get(one.name, 0)
    assert all(count <= 3 for count in wrong.values()), wrong


def test_the_memory_of_a_regressor_is_found_and_its_twin_passes():
    deep = audited(lambda seed: DecisionTreeRegressor(min_samples_leaf=3, random_state=seed), values=True)
    attacks = ["rmia", "lira", "ensemble", "quantile", "loss"]
    found, twin = measure(deep, attacks=attacks), measure(audited(lambda _: Ridge(1.0), values=True), attacks=attacks)
    for attack in attacks:
        assert twin.metric("attack_auc", key=attack).low < 0.55, attack
    for attack in ("rmia", "lira", "ensemble", "loss"):
        assert found.metric("attack_auc", key=attack).low > 0.55, attack
    assert found.metric("error_gap").low > 0.1 > twin.metric("error_gap").value
    assert found.metric("generalization_gap").value is None
    assert {one.key for one in measure(deep, attacks=None).metrics if one.name == "attack_auc"} == {
        "ensemble",
        "rmia",
        "loss",
    }


def test_the_unit_of_a_target_changes_no_score():
    def in_cents(subject: Subject) -> Subject:
        recipe = Recipe(lambda seed: DecisionTreeRegressor(min_samples_leaf=3, random_state=seed))
        scaled = {role: one.frame.assign(label=one.frame["label"] * 128) for role, one in subject.datasets.items()}
        other = replace(subject, model=recipe.model(scaled["train"], scaled["train"]["label"], 7))
        for role, frame in scaled.items():
            other = other.with_frame(role, frame)
        return other

    euros = audited(lambda seed: DecisionTreeRegressor(min_samples_leaf=3, random_state=seed), values=True)
    first, second = (measure(one, attacks=["loss"]).metric("error_gap").value for one in (euros, in_cents(euros)))
    # Other rows are drawn, because the fingerprints differ; all rows are audited all the same.
    assert first == pytest.approx(second, rel=1e-9)


def test_a_second_run_trains_nothing_and_gives_the_same_metrics(leaky):
    first = measure(leaky, reference_models=3)
    before = fits(leaky)
    second = measure(the_run_after(leaky, first), reference_models=3)
    assert fits(leaky) == before
    assert second.metrics == first.metrics
    assert [one.sha256 for one in second.artifacts] == [one.sha256 for one in first.artifacts]
    assert any(one.endswith("3 of them were cached by an earlier run") for one in second.notes)
    measure(the_run_after(leaky, first), reference_models=5)
    assert fits(leaky) == before + 2


def test_another_model_or_other_rows_are_another_cache(leaky):
    first, before = measure(leaky), fits(leaky)
    tomorrow = the_run_after(leaky, first)
    measure(replace(tomorrow, model=replace(leaky.model, sha256="6" * 64)))
    assert fits(leaky) == before + 4
    measure(tomorrow.with_frame("train", leaky.datasets["train"].frame.iloc[1:]))
    assert fits(leaky) == before + 8
    measure(tomorrow, sampling_seed=1)
    assert fits(leaky) == before + 12


@pytest.mark.parametrize("spoiled", ["nothing", "text", "pickle", "short", "nan"])
def test_cached_answers_that_cannot_be_read_are_computed_again(leaky, spoiled):
    first, before = measure(leaky), fits(leaky)
    kept = next(one for one in first.artifacts if one.name == FILE)
    with np.load(io.BytesIO(kept.content)) as stored:
        answers = dict(stored)
    changed = io.BytesIO()
    if spoiled == "pickle":
        np.savez(changed, **{key: np.array([{"a": 1}], dtype=object) for key in answers})
    elif spoiled in ("short", "nan"):
        np.savez(changed, **{key: row[:-1] if spoiled == "short" else row * np.nan for key, row in answers.items()})
    elif spoiled == "text":
        changed.write(b"PK not an archive")
    earlier = PreviousRun(logical_date=FIRST_RUN, name=FILE, key="", sha256="", content=changed.getvalue())
    assert measure(replace(leaky, earlier=(earlier,))).metrics == first.metrics
    assert fits(leaky) == before + 4


def test_the_cache_holds_one_number_for_each_row_and_model(leaky):
    kept = next(one for one in measure(leaky, reference_models=2).artifacts if one.name == FILE)
    with np.load(io.BytesIO(kept.content), allow_pickle=False) as stored:
        assert len(stored.files) == 2
        for key in stored.files:
            assert len(key) == 64
            assert stored[key].shape == (2 * ROWS,)
            assert ((stored[key] >= 0) & (stored[key] <= 1)).all()


def test_no_number_depends_on_workers_or_on_the_order_of_attacks(leaky):
    one, two = measure(leaky, workers=1, attacks=["rmia", "lira"]), measure(leaky, workers=3, attacks=["rmia", "lira"])
    assert canonical_json(one.record()) == canonical_json(two.record())
    other = measure(leaky, attacks=["lira", "rmia"])
    assert {m.key: m.value for m in one.metrics if m.name == "attack_auc"} == {
        m.key: m.value for m in other.metrics if m.name == "attack_auc"
    }


def test_a_recipe_that_draws_from_the_process_repeats_itself_all_the_same(leaky):
    def careless(seed: int):
        return DecisionTreeClassifier(min_samples_leaf=3, max_features=2, random_state=np.random.randint(1000))

    model = replace(Recipe(careless).model(rows(ROWS, seed=0), rows(ROWS, seed=0)["label"], 0), format="joblib")
    before = np.random.get_state()[1].copy()
    first, second = (measure(replace(leaky, model=model)) for _ in range(2))
    assert first.metrics == second.metrics
    assert (np.random.get_state()[1] == before).all()


def test_a_half_that_lacks_a_class_gives_it_no_probability():
    labels = ["common"] * (ROWS - 1) + ["rare"]
    frames = [rows(ROWS, seed=seed).assign(label=labels) for seed in (0, 1)]
    recipe = Recipe(lambda seed: DecisionTreeClassifier(random_state=seed))
    model = recipe.model(frames[0], frames[0]["label"], 0)
    subject = replace(audited(), model=model).with_frame("train", frames[0]).with_frame("reference", frames[1])
    assert measure(subject, attacks=["rmia"]).metric("attack_auc", key="rmia").value is not None


def test_a_model_that_cannot_be_retrained_leaves_weak_attacks_and_says_so(leaky):
    mute = replace(leaky, model=replace(leaky.model, train=None))
    result = measure(mute, attacks=["quantile", "loss"])
    default = {one.key for one in measure(mute, attacks=None).metrics if one.name == "attack_auc"}
    assert default == {"quantile", "loss", "black_box", "rule_based"}
    assert any(one.startswith("attack strength: weak, no reference models") for one in result.notes)
    table = next(one for one in result.tables if one.name == "operating_points")
    assert {row[1] for row in table.rows} == {"weak, no reference models"}
    for one in result.metrics:
        if one.name in ("attack_auc", "tpr_at_fpr", "advantage", "balanced_advantage"):
            assert one.detail.endswith("attack strength: weak, no reference models")
    with pytest.raises(CheckError, match=r"attack 'lira' needs reference models and model 'coin' \(skops\) cannot be"):
        measure(mute, attacks=["loss", "lira"])


def test_a_regressor_has_no_classes_to_attack():
    subject = audited(lambda seed: DecisionTreeRegressor(random_state=seed), values=True)
    with pytest.raises(CheckError, match="attack 'black_box' needs classes"):
        measure(subject, attacks=["loss", "black_box"])


def test_a_copy_that_cannot_be_trained_is_an_error(leaky):
    def broken(_frame, _labels, _seed):
        raise MemoryError("no room")

    with pytest.raises(ModelMisbehaved, match="raised while a copy was trained"):
        measure(replace(leaky, model=replace(leaky.model, train=broken)))


def test_an_ensemble_of_two_is_refused(leaky):
    with pytest.raises(CheckError, match="learns from 3 reference_models or more; found 2"):
        measure(leaky, attacks=["ensemble"], reference_models=2)
    assert measure(leaky, reference_models=1).metric("attack_auc", key="rmia").low > 0.5


def test_the_quantile_attack_is_fitted_on_half_of_the_non_members_unless_others_are_held_out(leaky):
    few = next(one for one in measure(leaky, attacks=["quantile"]).tables if one.name == "attacks").rows[0]
    assert few[4:6] == (ROWS, ROWS // 2)
    many = measure(audited(reference=1000), attacks=["quantile"])
    row = next(one for one in many.tables if one.name == "attacks").rows[0]
    assert row[4:6] == (ROWS, ROWS)
    assert row[7] == "fitted on 700 further held-out rows"


def test_the_quantile_attack_knows_the_categories_of_neither_scored_side(monkeypatch):
    """Codes learned from scored non-members too made every member with a rare category look like a stranger."""
    stranger = audited(trained_on="elsewhere")
    for place, role in enumerate(("train", "reference")):
        frame = stranger.datasets[role].frame
        stranger = stranger.with_frame(role, frame.assign(who=[f"{place}-{row}" for row in range(len(frame))]))
    features = {**stranger.columns.features, "who": Feature(kind="category")}
    seen = {}

    def spy(_fitting, scoring, *, seed):
        seen["who"] = scoring[0][:, NAMES.index("d") + 1]
        return scoring[1]

    monkeypatch.setattr(quantile, "scores", spy)
    measure(replace(stranger, columns=stranger.columns.model_copy(update={"features": features})), attacks=["quantile"])
    assert len(seen["who"]) == ROWS + ROWS // 2
    assert np.isnan(seen["who"]).all()


def test_copies_may_be_small_and_many(leaky):
    result = measure(audited(train=900, reference=600), samples=100, reference_rows=250, reference_models=16)
    assert any(
        "16 reference models, each trained on a random half of a pool of 500 rows" in one for one in result.notes
    )
    assert result.metric("attack_auc", key="rmia").detail == "attack strength: strong, 16 reference models"


def test_slices_have_numbers_of_their_own(leaky):
    params = {"slices": [{"column": "group"}, {"column": "a", "between": [2.2, 9], "name": "far out"}]}
    result = measure(leaky, **params)
    whole = result.metric("attack_auc", key="rmia")
    halves = [result.metric("slice_auc", key=f"rmia@group {one}") for one in "xy"]
    assert sum(one.n for one in halves) == whole.n
    assert min(one.value for one in halves) <= whole.value <= max(one.value for one in halves) + 0.02
    tiny = result.metric("slice_auc", key="rmia@far out")
    assert (tiny.value, tiny.absence) == (None, "uncertain")
    assert result.metric("slice_tpr", key="rmia@far out").absence == "uncertain"
    assert tiny.reason.startswith("needs 50 scored members and as many non-members, found fewer than 10")
    assert result.metric("slice_tpr", key="rmia@group x").low is not None


def test_a_slice_that_a_threshold_names_is_measured_or_absent_and_never_missing(leaky):
    named = replace(leaky, named_keys={"slice_auc": frozenset({"rmia@group x", "rmia@group z", "lira@group y"})})
    result = measure(named, slices=[{"column": "group"}])
    absence = {one.key: (one.value is None, one.absence) for one in result.metrics if one.name == "slice_auc"}
    assert absence["rmia@group z"] == (True, "no_rows")
    assert not absence["rmia@group x"][0]
    assert sorted(absence) == ["rmia@group x", "rmia@group y", "rmia@group z"]


def test_exposed_rows_are_numbers_of_rows_and_hold_the_row_that_was_planted(leaky):
    """One row that the model knows by heart, of 300 that it does not know at all."""
    frame = leaky.datasets["train"].frame
    secrets = [17, 42, 99, *range(200, 240)]
    known = {tuple(frame.loc[number, NAMES]) for number in secrets}
    truth = {tuple(row[NAMES]): row["label"] for _, row in frame.iterrows()}

    def chances(asked: pd.DataFrame) -> np.ndarray:
        sure = [(truth[tuple(row)], 0.999) if tuple(row) in known else (1, 0.5) for row in asked[NAMES].to_numpy()]
        return np.array([[1 - p, p] if label else [p, 1 - p] for label, p in sure])

    blunt = Recipe(careful)
    model = replace(blunt.model(frame, frame["label"], 0), call_proba=chances)
    result = measure(replace(leaky, model=model), attacks=["loss"], max_exposed_rows=len(secrets))
    table = next(one for one in result.tables if one.name == "exposed_rows")
    assert table.header == ("place", "row number, from 0")
    assert {row[1] for row in table.rows} == set(secrets)


def test_a_bound_on_epsilon_needs_coins(leaky):
    fixed = measure(leaky)
    assert "set inclusion: independent_coins" in fixed.metric("epsilon_lower_bound", key="rmia").reason
    coins = measure(leaky, inclusion="independent_coins", samples=150)
    bound = coins.metric("epsilon_lower_bound", key="rmia")
    assert bound.value == coins.metric("memorisation_lower_bound", key="rmia").value
    assert coins.metric("attack_auc", key="rmia").n == 300
    members, others = (row[3] for row in next(one for one in coins.tables if one.name == "groups").rows)
    assert members + others == 300
    assert members != others
    looser = measure(leaky, inclusion="independent_coins", samples=150, delta=1e-3)
    assert looser.metric("epsilon_lower_bound", key="rmia").value <= bound.value


def test_a_bound_at_its_ceiling_and_one_without_rows_say_so(leaky):
    apart = Scores(attack="rmia", members=np.arange(100.0) + 100, non_members=np.arange(100.0))
    alike = BlindScores(members=np.zeros(100), non_members=np.zeros(100), auc=0.5, interval=(0.4, 0.6), differs=False)
    bound = next(iter(estimates.of_deciding_attack(apart, None, CHECK.params(audit_guesses=100, fpr=[0.01]), alike)))
    assert bound.name == "memorisation_lower_bound"
    assert bound.value == pytest.approx(3.49, abs=0.01)
    assert "at its ceiling" in bound.detail
    absent = measure(leaky, audit_guesses=2000).metric("memorisation_lower_bound", key="rmia")
    assert absent.reason.startswith("audit_guesses is 2,000 and only 600 rows are scored")


def test_the_control_comes_out_at_the_rate_that_was_allowed(leaky):
    control = measure(leaky).metric("dummy_tpr", key="rmia@0.05")
    assert control.low < 0.05 < control.high
    assert control.value == pytest.approx(0.05, abs=0.01)


def test_an_attack_that_is_not_due_keeps_its_metrics_and_their_moment(leaky):
    params = {"attacks": ["loss", "rmia"], "budget": {"rmia": {"every_runs": 2}}}
    first = measure(leaky, **params)
    before = fits(leaky)
    second = measure(the_run_after(leaky, first), **params)
    assert fits(leaky) == before
    rested = second.metric("attack_auc", key="rmia")
    assert rested.value == first.metric("attack_auc", key="rmia").value
    assert f"measured on {spell_moment(FIRST_RUN)}, due every 2 runs" in rested.detail
    assert second.metric("attack_auc", key="loss") == first.metric("attack_auc", key="loss")
    third = measure(the_run_after(leaky, second), **params)
    assert "measured on" not in third.metric("attack_auc", key="rmia").detail
    assert third.metrics == first.metrics


def test_the_deciding_attack_may_be_deferred_too(leaky):
    params = {"attacks": ["rmia"], "budget": {"rmia": {"every_runs": 7}}}
    first = measure(leaky, **params)
    second = measure(the_run_after(leaky, first), **params)
    for name in ("memorisation_lower_bound", "attack_auc"):
        assert second.metric(name, key="rmia").value == first.metric(name, key="rmia").value


def test_an_attack_whose_budget_is_too_small_is_an_error(leaky):
    with pytest.raises(QueryBudgetExceeded, match="'loss' has 599 of 599 queries left and needs 600"):
        measure(leaky, attacks=["loss"], budget={"loss": {"max_queries": 599}})
    with pytest.raises(QueryBudgetExceeded, match="label_only"):
        measure(leaky, attacks=["label_only"], budget={"label_only": {"max_queries": 10}})


def test_label_only_reaches_what_its_budget_allows(leaky):
    spent = measure(leaky, attacks=["label_only"], budget={"label_only": {"max_queries": 1300}})
    row = next(one for one in spent.tables if one.name == "attacks").rows[0]
    assert row[6:] == (1200, f"2 of {ROUNDS} perturbed copies of each row")
    whole = measure(leaky, attacks=["label_only"])
    assert whole.metric("attack_auc", key="label_only").low > 0.5


def test_the_distance_to_the_boundary_identifies_members_from_labels_only(leaky):
    silent = replace(leaky, model=replace(leaky.model, call_proba=None))
    result = measure(silent, attacks=["boundary", "rule_based"], samples=150)
    assert result.metric("attack_auc", key="boundary").low > 0.55
    assert result.metric("attack_auc", key="boundary").value > result.metric("attack_auc", key="rule_based").value
    row = next(one for one in result.tables if one.name == "attacks").rows[0]
    assert 0 < row[6] <= 300 * 300
    twin = measure(audited(careful), attacks=["boundary"], samples=150, budget={"boundary": {"max_queries": 15_000}})
    assert twin.metric("attack_auc", key="boundary").low < 0.5 < twin.metric("attack_auc", key="boundary").high
    row = next(one for one in twin.tables if one.name == "attacks").rows[0]
    assert row[6] <= 15_000
    assert row[7].startswith("at most 50 queries a row")
    with pytest.raises(CheckError, match="needs 30 queries for each of 300 rows; its budget holds 8,999"):
        measure(leaky, attacks=["boundary"], samples=150, budget={"boundary": {"max_queries": 8_999}})


def test_a_point_is_a_row_that_moved_in_its_numeric_columns_only():
    frame = pd.DataFrame({"n": [0.1, np.nan, 0.7], "i": [1, 5, 9], "c": ["u", "v", None]})
    columns = Columns(
        features={"n": Feature(kind="numeric"), "i": Feature(kind="integer"), "c": Feature(kind="category")}
    )
    space = NumericSpace(frame, columns, ["n", "i"])
    assert space.rows(space.origins, np.arange(3)).equals(frame)
    assert space.movable.tolist() == [[True, True], [False, True], [True, True]]
    moved = space.rows(space.origins[[1, 0]] + np.array([0.5, 0.4]), np.array([1, 0]))
    assert np.isnan(moved["n"][0])
    assert moved["n"][1] == pytest.approx(0.1 + 0.5 * np.nanstd(frame["n"]))
    assert moved["i"].tolist() == [6, 2]
    assert moved["c"].tolist() == ["v", "u"]


def test_perturbed_rows_keep_their_kind_and_range():
    frame = pd.DataFrame(
        {
            "n": [0.0, 1.0, np.nan, 0.5] * 25,
            "i": [1, 2, 3, 4] * 25,
            "c": ["u", "v", "w", None] * 25,
            "t": ["free"] * 100,
        }
    )
    columns = Columns(
        features={
            "n": Feature(kind="numeric", minimum=0, maximum=1), "i": Feature(kind="integer"),
            "c": Feature(kind="category"), "t": Feature(kind="text"),
        }
    )  # fmt: skip
    perturbed = perturb(frame, columns, level=0.5, seed=[1])
    assert perturbed["n"].isna().equals(frame["n"].isna())
    assert perturbed["n"].between(0, 1).sum() == 75
    assert perturbed["i"].dtype == frame["i"].dtype
    assert (perturbed["i"] != frame["i"]).any()
    assert set(perturbed["c"].dropna()) <= {"u", "v", "w"}
    assert (perturbed["c"].fillna("") != frame["c"].fillna("")).any()
    assert perturbed["t"].equals(frame["t"])
    assert perturbed.equals(perturb(frame, columns, level=0.5, seed=[1]))


@pytest.mark.parametrize(
    "wrong",
    [{"audit_guesses": 3}, {"reference_models": 0}, {"workers": 0}, {"attacks": ["shadow"]}, {"budget": {"shadow": {}}},
     {"inclusion": "coins"}, {"delta": 1}, {"slices": [{"name": "no column"}]}],
)  # fmt: skip
def test_params_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        CHECK.params(**wrong)


def test_only_a_check_with_reference_models_looks_back():
    assert CHECK.lookbacks(CHECK.params(attacks=["loss"])) == ()
    assert [one.artifact for one in CHECK.lookbacks(CHECK.params())] == [FILE]


def test_two_runs_of_a_governed_project_train_their_reference_models_once(tmp_path):
    privacy = {
        "kind": "membership_inference", "thresholds": [{"metric": "attack_auc", "leq_to": 0.7}],
        "params": {"attacks": ["rmia", "loss"], "fpr": [0.05], "budget": {"loss": {"every_runs": 7}}},
    }  # fmt: skip
    governed = small_project(tmp_path, checks={"privacy": privacy})
    records = []
    for number in (1, 2):
        night = Run(run_id=f"night-{number}", logical_date=FIRST_RUN + timedelta(days=number))
        run = run_check(governed.policy(), "privacy", run=night, store=governed.store, connections=PlainConnections())
        run.raise_if_it_stops()
        archive_run(governed.policy(), {"privacy": run.summary()}, run=night, store=governed.store)
        records.append(read_record(governed.store, run.record.record())["result"])
    first, second = (
        {(one["name"], one["key"]): one["value"] for one in record["metrics"]} for record in records
    )  # fmt: skip
    assert first == second
    notes = [next(one for one in record["notes"] if "reference models, each trained" in one) for record in records]
    assert notes[0].endswith("0 of them were cached by an earlier run")
    assert notes[1].endswith("4 of them were cached by an earlier run")
    rested = next(one for one in records[1]["metrics"] if one["name"] == "attack_auc" and one["key"] == "loss")
    assert "measured on 2026-11-25" in rested["detail"]
