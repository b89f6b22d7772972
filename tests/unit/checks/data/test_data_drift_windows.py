"""Which nights stand for the reference: fixed, trailing, seasonal, a profile file, and last night beside them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import drift_cases
import synthetic
from drift_cases import numbers_only
from model_governance.checks.data.data_drift import CHECK, DriftParams
from model_governance.contract.check import Lookback
from model_governance.contract.subject import ParamFile, PreviousRun
from model_governance.engine.profiles import Profile
from model_governance.errors import CheckError, SubjectError

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


def on_night(subject, number, *, richer=0.0):
    """The subject with the rows of another night, whose incomes moved by `richer`."""
    frame = synthetic.rows(400, seed=10 + number)
    return subject.with_frame("current", frame.assign(income=frame["income"] + richer))


def stored(result, number):
    content = next(one.content for one in result.artifacts if one.name == "profile.json")
    day = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=number)
    return PreviousRun(logical_date=day, name="profile.json", key=f"k{number}", sha256="0" * 64, content=content)


@pytest.fixture(scope="module")
def richer_nights(healthy):
    """Three earlier nights, the newest first, in which incomes were 30 higher than in the reference."""
    return tuple(stored(measure(on_night(healthy, k, richer=30)), k) for k in range(1, 4))


def with_nights(subject, nights):
    return replace(subject, earlier=tuple(nights))


def test_params_say_which_nights_the_check_wants_to_see():
    assert CHECK.lookback(DriftParams()) is None
    assert CHECK.lookback(DriftParams(consecutive=True)) == Lookback(artifact="profile.json", runs=1)
    seasonal = DriftParams(window={"kind": "seasonal", "runs": 4, "season": "weekday"})
    assert CHECK.lookback(seasonal) == Lookback(artifact="profile.json", runs=4, season="weekday")


def test_a_night_like_the_last_ones_drifts_from_the_fixed_reference_only(healthy, richer_nights):
    tonight = with_nights(on_night(healthy, 9, richer=30), richer_nights)
    fixed = measure(tonight)
    trailing = measure(tonight, window={"kind": "trailing", "runs": 3})
    assert fixed.metric("drift_share").value == 0.5
    assert trailing.metric("drift_share").value == 0
    assert trailing.metric("psi", key="income").high < fixed.metric("psi", key="income").low
    assert any("last 3 accepted nights, 2026-02-26 to 2026-02-28, 1,200 rows" in one for one in trailing.notes)
    assert trailing.metric("equal_width_psi", key="income").value is None
    assert trailing.metric("new_category_share_max").value == 0


def test_too_few_nights_leave_the_fixed_reference_and_say_so(healthy, richer_nights):
    tonight = with_nights(on_night(healthy, 9, richer=30), richer_nights[:2])
    result = measure(tonight, window={"kind": "seasonal", "season": "weekday", "runs": 3})
    assert result.metric("psi_max").value == measure(tonight).metric("psi_max").value
    assert any("only 2 of 3 nights of this weekday exist so far" in one for one in result.notes)


def test_last_night_is_compared_beside_the_reference(healthy, richer_nights):
    tonight = with_nights(on_night(healthy, 9, richer=30), richer_nights)
    result = measure(tonight, consecutive=True)
    assert result.metric("psi_max").p_value < 1e-6
    assert result.metric("consecutive_psi_max").p_value > 0.01
    back = measure(with_nights(on_night(healthy, 9), richer_nights), consecutive=True)
    assert back.metric("consecutive_psi_max").p_value < 1e-6
    first = measure(on_night(healthy, 9), consecutive=True).metric("consecutive_psi_max")
    assert first.value is None
    assert "no earlier accepted night" in first.reason


def test_nights_on_the_cells_of_another_reference_are_not_used_and_named(healthy, richer_nights):
    other = healthy.with_frame("reference", synthetic.rows(400, seed=77))
    result = measure(with_nights(other, richer_nights), window={"kind": "trailing", "runs": 3})
    assert any("cells were frozen with another reference: profiles of 2026-02-28" in one for one in result.notes)
    assert any("only 0 of 3" in one for one in result.notes)


def test_a_night_that_stored_something_else_is_an_error(healthy, richer_nights):
    broken = replace(richer_nights[0], content=b"{}")
    with pytest.raises(CheckError, match=r"profile\.json of 2026-02-28 holds no profile"):
        measure(with_nights(healthy, [broken]), consecutive=True)


def test_a_profile_stands_for_the_rows_of_the_reference(healthy, tmp_path):
    of_reference = measure(healthy.with_frame("current", healthy.frame("reference")))
    path = tmp_path / "reference.profile.json"
    path.write_bytes(stored(of_reference, 0).content)
    current_only = {role: one for role, one in healthy.datasets.items() if role == "current"}
    shifted = on_night(replace(healthy, datasets=current_only), 9, richer=30)
    result = measure(shifted, profile=str(path))
    full = measure(on_night(healthy, 9, richer=30))
    assert result.metric("psi", key="income").value == full.metric("psi", key="income").value
    on_grid, exact = (one.metric("ks", key="income").value for one in (result, full))
    assert exact - 0.01 <= on_grid <= exact
    for name in ("prediction_drift", "new_category_share_max"):
        assert "a profile stands for the reference" in result.metric(name).reason
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
