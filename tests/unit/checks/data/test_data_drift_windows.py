"""The reference of a run: fixed, trailing, seasonal, a profile file, and the last run beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import drift_cases
import synthetic
from drift_cases import numbers_only
from model_governance.checks.data.data_drift import CHECK
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.contract.check import Lookback
from model_governance.contract.subject import Feature, ParamFile, PreviousRun
from model_governance.engine import open_relation
from model_governance.engine.profiles import Profile, freeze, profile_of
from model_governance.errors import CheckError, SubjectError

COLUMNS = ("income", "region")


@pytest.fixture(scope="module", autouse=True)
def _numbers_only():
    with numbers_only():
        yield


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


def measure(subject, *, columns=COLUMNS, **params):
    return drift_cases.measure(subject, columns=columns, **params)


def at_run(subject, number, *, richer=0.0):
    """The subject with the rows of another run, whose incomes moved by `richer`."""
    frame = synthetic.rows(400, seed=10 + number)
    return subject.with_frame("current", frame.assign(income=frame["income"] + richer))


def stored(result, number):
    content = next(one.content for one in result.artifacts if one.name == "profile.json")
    day = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=number)
    return PreviousRun(logical_date=day, name="profile.json", key=f"k{number}", sha256="0" * 64, content=content)


@pytest.fixture(scope="module")
def richer_runs(healthy):
    """Three previous runs, the newest first, in which incomes were 30 higher than in the reference."""
    return tuple(stored(measure(at_run(healthy, k, richer=30)), k) for k in range(1, 4))


def with_previous(subject, runs):
    return replace(subject, earlier=tuple(runs))


def with_incomes(subject, mean, *, seed, rows=2000, role="current"):
    """The subject with bell-shaped incomes of this mean, deviation 1."""
    draw = np.random.default_rng(seed)
    return subject.with_frame(role, synthetic.rows(rows, seed=seed).assign(income=draw.normal(mean, 1, rows)))


def in_version(run, version):
    """The stored run as a document of another version; before v2 there were neither sketches nor a digest."""
    document = json.loads(run.content)
    del document["sha256"]
    for column in document["columns"].values():
        column.pop("sketch")
    changed = document | {"schema": f"model-governance/profile/{version}"}
    return replace(run, content=json.dumps(changed).encode())


def test_params_say_which_runs_the_check_needs():
    noise = Lookback(artifact="profile.json", runs=30)
    assert CHECK.lookback(DriftParams()) == noise, "noise between runs is learnt from these"
    assert CHECK.lookback(DriftParams(consecutive=True)) == noise
    for season in ("hour", "weekday", "hour_of_week", "month"):
        seasonal = DriftParams(window={"kind": "seasonal", "runs": 30, "season": season})
        assert CHECK.lookback(seasonal) == Lookback(artifact="profile.json", runs=30, season=season)


def test_a_run_like_the_last_ones_drifts_from_the_fixed_reference_only(healthy, richer_runs):
    current = with_previous(at_run(healthy, 9, richer=30), richer_runs)
    fixed = measure(current)
    trailing = measure(current, window={"kind": "trailing", "runs": 3})
    assert fixed.metric("drift_share").value == 0.5
    assert trailing.metric("drift_share").value == 0
    assert trailing.metric("psi", key="income").high < fixed.metric("psi", key="income").low
    assert any("last 3 accepted runs, 2026-02-26 to 2026-02-28, 1,200 rows" in one for one in trailing.notes)
    assert trailing.metric("equal_width_psi", key="income").value is None
    assert max(m.value for m in trailing.metrics if m.name == "new_category_share") <= 0


@pytest.fixture(scope="module")
def risen(healthy):
    """A reference with incomes around 0, and three runs around 8."""
    subject = with_incomes(healthy, 0, seed=1, role="reference")
    runs = tuple(stored(measure(with_incomes(subject, 8, seed=10 + k), columns=("income",)), k) for k in range(1, 4))
    return with_previous(subject, runs)


TRAILING = {"window": {"kind": "trailing", "runs": 3}}


@pytest.mark.parametrize("params", [TRAILING, {"consecutive": True}], ids=["trailing", "consecutive"])
def test_cells_follow_the_runs_and_not_the_fixed_reference(risen, params):
    metric = "consecutive_psi" if "consecutive" in params else "psi"
    risen_again = measure(with_incomes(risen, 20, seed=20), columns=("income",), **params).metric(metric, key="income")
    assert risen_again.low > 5
    assert risen_again.p_value < 1e-12
    unchanged = measure(with_incomes(risen, 8, seed=21), columns=("income",), **params).metric(metric, key="income")
    assert abs(unchanged.value) < 0.02
    assert unchanged.p_value > 0.01


def test_a_level_inside_the_outermost_frozen_cell_is_resolved(risen):
    result = measure(with_incomes(risen, 8, seed=22), columns=("income",), **TRAILING)
    assert result.metric("psi", key="income").limits.freedom == 9
    assert result.metric("psi", key="income").high < 0.05
    assert result.metric("ks", key="income").value < 0.05
    assert any("off by at most 0.5% of its rows" in note for note in result.notes)


def test_noise_between_runs_is_learnt_on_their_own_cells_and_counts_for_both_sides(healthy):
    """Twelve runs at 8 whose days differ by a tenth of a deviation: a mean of 8.1 is one more such day."""
    draw = np.random.default_rng(11)
    cells = freeze(open_relation(with_incomes(healthy, 0, seed=1).datasets["current"]), {"income": "numbers"})
    runs = []
    for number in range(1, 13):
        day = with_incomes(healthy, 8 + draw.normal(0, 0.1), seed=40 + number, rows=2000)
        profile = profile_of(open_relation(day.datasets["current"]), {"income": "numbers"}, cells=cells)
        moment = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=number)
        runs.append(
            PreviousRun(logical_date=moment, name="profile.json", key="k", sha256="", content=profile.to_bytes())
        )
    subject = with_previous(with_incomes(healthy, 0, seed=1, role="reference"), runs)
    params = {"columns": ("income",), "window": {"kind": "trailing", "runs": 12}}
    one_more_day = measure(with_incomes(subject, 8.1, seed=60), **params)
    assert "noise between runs was learnt from 10 accepted runs" in str(one_more_day.notes)
    assert one_more_day.metric("psi", key="income").low <= 0
    assert measure(with_incomes(subject, 9, seed=61), **params).metric("psi", key="income").low > 0.2


def test_a_profile_of_a_run_that_had_moved_is_compared_on_its_own_cells(risen, tmp_path):
    path = tmp_path / "risen.profile.json"
    path.write_bytes(risen.earlier[0].content)
    result = measure(with_incomes(risen, 20, seed=20), columns=("income",), profile=str(path))
    assert result.metric("psi", key="income").low > 5
    assert (
        abs(
            measure(with_incomes(risen, 8, seed=21), columns=("income",), profile=str(path))
            .metric("psi", key="income")
            .value
        )
        < 0.02
    )


@pytest.mark.parametrize(
    ("window", "name"),
    [
        ({"kind": "trailing"}, "accepted runs"),
        ({"kind": "seasonal", "season": "hour"}, "runs of this hour of day"),
        ({"kind": "seasonal", "season": "weekday"}, "runs of this weekday"),
        ({"kind": "seasonal", "season": "hour_of_week"}, "runs of this weekday and hour"),
        ({"kind": "seasonal", "season": "month"}, "runs of this calendar month in earlier years"),
    ],
    ids=["trailing", "hour", "weekday", "hour_of_week", "month"],
)
def test_a_window_is_used_while_it_fills(healthy, richer_runs, window, name):
    current = with_previous(at_run(healthy, 9, richer=30), richer_runs[:2])
    partly = measure(current, window=window | {"runs": 7})
    assert partly.metric("psi", key="income").high < measure(current).metric("psi", key="income").low
    assert f"only 2 of 7 {name} exist so far: compared with those, 2026-02-27 to 2026-02-28, 800 rows" in str(
        partly.notes
    )
    empty = measure(at_run(healthy, 9, richer=30), window=window | {"runs": 7})
    assert empty.metric("psi", key="income").value == measure(current).metric("psi", key="income").value
    assert f"none of 7 {name} exist so far: compared with the fixed reference instead" in empty.notes


def test_a_feature_that_was_added_leaves_the_other_columns_their_runs(healthy, richer_runs):
    before = tuple(stored(measure(at_run(healthy, k, richer=30), columns=("income",)), k) for k in range(2, 4))
    current = with_previous(at_run(healthy, 9, richer=30), (richer_runs[0], *before))
    result = measure(current, **TRAILING)
    assert result.metric("psi", key="income").value < 0.1
    notes = " | ".join(result.notes)
    assert "income: compared with the last 3 accepted runs, 2026-02-26 to 2026-02-28, 1,200 rows" in notes
    assert (
        "region: only 1 of 3 accepted runs can be used so far: compared with those, 2026-02-28 to 2026-02-28, 400 rows"
        in notes
    )
    assert "not used for region: profiles of 2026-02-27, 2026-02-26, which did not compare this column" in notes
    none_left = measure(with_previous(current, before), **TRAILING)
    assert "region: none of 3 accepted runs can be used so far: compared with the fixed reference instead" in str(
        none_left.notes
    )
    assert none_left.metric("equal_width_psi", key="region").value is not None
    assert none_left.metric("equal_width_psi", key="income").value is None


def test_a_column_that_changed_its_kind_is_named_with_that_reason(healthy, richer_runs):
    features = healthy.columns.features | {"income": Feature(kind="category")}
    other = replace(healthy, columns=healthy.columns.model_copy(update={"features": features}))
    run = stored(measure(at_run(other, 4)), 4)
    result = measure(with_previous(at_run(healthy, 9), (run,)), **TRAILING)
    expected = (
        "not used for income: profiles of 2026-02-25, which hold it as categories, and the policy declares numbers"
    )
    assert expected in result.notes


def test_a_category_that_the_runs_got_is_compared_with_their_share(healthy):
    def with_west(number):
        frame = synthetic.rows(2000, seed=30 + number)
        return healthy.with_frame("current", frame.assign(region=frame["region"].where(frame.index % 3 > 0, "west")))

    runs = tuple(stored(measure(with_west(k)), k) for k in range(1, 4))
    same = measure(with_previous(with_west(9), runs), **TRAILING)
    assert same.metric("psi", key="region").p_value > 0.01
    gone = healthy.with_frame("current", synthetic.rows(2000, seed=50))
    assert measure(with_previous(gone, runs), **TRAILING).metric("psi", key="region").low > 0.2


def test_profiles_of_an_older_version_are_used_where_their_cells_suffice(healthy):
    usual = in_version(stored(measure(at_run(healthy, 1)), 1), "v1")
    result = measure(with_previous(at_run(healthy, 9), (usual,)), **TRAILING)
    assert "only 1 of 3 accepted runs exist so far" in str(result.notes)
    far = in_version(stored(measure(at_run(healthy, 1, richer=500)), 1), "v1")
    moved = measure(with_previous(at_run(healthy, 9), (far,)), **TRAILING)
    assert "not used for income: profiles of 2026-02-28, which were stored by release 0.1.0" in str(moved.notes)
    assert "region: only 1 of 3" in str(moved.notes)


def test_a_profile_of_a_version_that_is_not_read_costs_its_run_only(healthy, richer_runs):
    runs = (in_version(richer_runs[0], "v9"), *richer_runs[1:])
    result = measure(with_previous(at_run(healthy, 9), runs), **TRAILING)
    assert (
        "not used: the profile of 2026-02-28 is a document model-governance/profile/v9; this release reads "
        "model-governance/profile/v2 and model-governance/profile/v1" in result.notes
    )
    assert "only 2 of 3 accepted runs can be used" in str(result.notes)


def test_the_last_run_is_compared_beside_the_reference(healthy, richer_runs):
    current = with_previous(at_run(healthy, 9, richer=30), richer_runs)
    result = measure(current, consecutive=True)
    assert result.metric("psi", key="income").p_value < 1e-6
    assert result.metric("consecutive_psi", key="income").p_value > 0.01
    back = measure(with_previous(at_run(healthy, 9), richer_runs), consecutive=True)
    assert back.metric("consecutive_psi", key="income").p_value < 1e-6
    first = measure(at_run(healthy, 9), consecutive=True).metric("consecutive_psi", key="income")
    assert first.value is None
    assert "no earlier accepted run" in first.reason


def test_runs_before_a_new_reference_are_used(healthy, richer_runs):
    other = at_run(healthy.with_frame("reference", synthetic.rows(400, seed=77)), 9, richer=30)
    result = measure(with_previous(other, richer_runs), **TRAILING)
    assert "compared with the last 3 accepted runs" in str(result.notes)
    assert result.metric("psi", key="income").p_value > 0.01


def test_a_run_that_stored_something_else_is_left_out_and_named(healthy, richer_runs):
    broken = replace(richer_runs[0], content=b"{}")
    result = measure(with_previous(healthy, [broken, *richer_runs[1:]]), consecutive=True)
    without = measure(with_previous(healthy, richer_runs[1:]), consecutive=True)
    assert result.metrics == without.metrics
    (note,) = [note for note in result.notes if note.startswith("not used: profile.json of 2026-02-28")]
    assert "expected a document model-governance/profile/v2" in note


def test_a_profile_replaces_the_rows_of_the_reference(healthy, tmp_path):
    of_reference = measure(healthy.with_frame("current", healthy.frame("reference")))
    path = tmp_path / "reference.profile.json"
    path.write_bytes(stored(of_reference, 0).content)
    current_only = {role: one for role, one in healthy.datasets.items() if role == "current"}
    shifted = at_run(replace(healthy, datasets=current_only), 9, richer=30)
    result = measure(shifted, profile=str(path))
    full = measure(at_run(healthy, 9, richer=30))
    assert result.metric("psi", key="income").value == full.metric("psi", key="income").value
    on_grid, exact = (one.metric("ks", key="income").value for one in (result, full))
    assert exact - 0.01 <= on_grid <= exact
    for name, key in (("prediction_drift", None), ("new_category_share", "region")):
        assert "a profile replaces the reference" in result.metric(name, key=key).reason
    assert "profile" in result.metric("equal_width_psi", key="income").reason


def test_a_profile_that_the_subject_holds_is_not_read_from_its_path(healthy, tmp_path):
    content = stored(measure(healthy.with_frame("current", healthy.frame("reference"))), 0).content
    file = ParamFile(name="profile", uri="p.json", sha256=hashlib.sha256(content).hexdigest(), content=content)
    path = str(tmp_path / "there_is_none.json")
    result = measure(replace(healthy, param_files={"profile": file}), profile=path)
    assert result.metric("psi", key="income").value == measure(healthy).metric("psi", key="income").value


def test_neither_rows_nor_a_profile_is_an_error_that_says_both(healthy, tmp_path):
    alone = replace(healthy, datasets={"current": healthy.datasets["current"]})
    with pytest.raises(SubjectError, match=r"'reference' is needed and was not given .*profile"):
        measure(alone)
    with pytest.raises(CheckError, match=r"params\.profile: .* cannot be read"):
        measure(alone, profile=str(tmp_path / "none.json"))
    empty = tmp_path / "empty.json"
    empty.write_bytes(Profile(columns={}).to_bytes())
    with pytest.raises(CheckError, match="lacks column"):
        measure(alone, profile=str(empty))
    with pytest.raises(SubjectError, match="no rows"):
        measure(healthy.with_frame("reference", healthy.frame("reference").head(0)))
