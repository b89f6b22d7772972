"""The reference of a run: fixed, trailing, seasonal, a profile file, and the last run beside it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import drift_cases
import synthetic
from drift_cases import numbers_only
from model_governance.checks.data.data_drift import CHECK
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.contract.check import Lookback
from model_governance.contract.subject import ParamFile, PreviousRun
from model_governance.engine.profiles import Profile
from model_governance.errors import CheckError, EvidenceError, SubjectError

COLUMNS = ("income", "region")


@pytest.fixture(scope="module", autouse=True)
def _numbers_only():
    with numbers_only():
        yield


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


def measure(subject, **params):
    return drift_cases.measure(subject, columns=COLUMNS, **params)


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


def test_params_say_which_runs_the_check_needs():
    assert CHECK.lookback(DriftParams()) is None
    assert CHECK.lookback(DriftParams(consecutive=True)) == Lookback(artifact="profile.json", runs=1)
    for season in ("hour", "weekday", "month"):
        seasonal = DriftParams(window={"kind": "seasonal", "runs": 4, "season": season})
        assert CHECK.lookback(seasonal) == Lookback(artifact="profile.json", runs=4, season=season)


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


def test_too_few_runs_leave_the_fixed_reference_and_say_so(healthy, richer_runs):
    current = with_previous(at_run(healthy, 9, richer=30), richer_runs[:2])
    result = measure(current, window={"kind": "seasonal", "season": "weekday", "runs": 3})
    assert result.metric("psi", key="income").value == measure(current).metric("psi", key="income").value
    assert any("only 2 of 3 runs of this weekday exist so far" in one for one in result.notes)


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


def test_runs_on_the_cells_of_another_reference_are_not_used_and_named(healthy, richer_runs):
    other = healthy.with_frame("reference", synthetic.rows(400, seed=77))
    result = measure(with_previous(other, richer_runs), window={"kind": "trailing", "runs": 3})
    assert any("cells were frozen with another reference: profiles of 2026-02-28" in one for one in result.notes)
    assert any("only 0 of 3" in one for one in result.notes)


def test_a_run_that_stored_something_else_is_an_error(healthy, richer_runs):
    broken = replace(richer_runs[0], content=b"{}")
    with pytest.raises(
        EvidenceError, match=r"profile\.json of 2026-02-28: expected a document model-governance/profile/v1"
    ):
        measure(with_previous(healthy, [broken]), consecutive=True)


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
