from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import project
from model_governance.authoring.calibration import Sampling, calibrate
from model_governance.authoring.calibration.critical import critical_bound
from model_governance.authoring.calibration.drift import Drawn, _every_column, _largest, _moved, rejected
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.cli import main
from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import CheckResult, Metric
from model_governance.errors import PolicyError
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.stats.multiplicity import adjusted
from model_governance.verdict import budget_of

GENEROUS = {"false_fails_per_year": 729, "runs_per_year": 365}  # one run in ten, so that few draws suffice
DRIFT = {
    "drift": {
        "kind": "data_drift",
        "thresholds": [
            {"metric": "psi", "less_than": 0.05},
            {"metric": "psi", "less_than": 0.2},
            {"metric": "prediction_drift", "less_than": 0.1},
        ],
    },
    "validation": project.CHEAP_CHECKS["validation"],
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return project.small_project(tmp_path_factory.mktemp("project"), checks=DRIFT).change(alarms=GENEROUS)


@pytest.fixture(scope="module")
def found(small):
    return calibration(small)


def calibration(small, **sampling):
    return calibrate(
        small.policy(), moment=project.DAY, connections=PlainConnections(), sampling=Sampling(windows=400, **sampling)
    )


def test_a_share_of_columns_needs_the_evidence_that_the_verdict_asks_for():
    clear, doubtful = [1e-9, 0.9], [0.02, 0.9]  # both columns of a run, the first far beyond its effect
    drawn = Drawn(names=("a", "b"), psi=np.array([[0.3, 0.3], [0.0, 0.0]]), p_values=np.array([clear, doubtful]).T)
    judged, alone = _moved(drawn, DriftParams(evidence_level=0.1), None, level=0.001)
    assert alone.tolist() == [0.5, 0.5]
    assert judged.tolist() == [0.5, -np.inf]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.sampled_from(["bonferroni", "benjamini_hochberg"]))
def test_evidence_in_arrays_is_the_evidence_of_the_verdict(p_values, method):
    found = rejected(np.array(p_values)[:, None], method, level=0.1)[:, 0]
    assert list(found) == [one <= 0.1 for one in adjusted(p_values, method)]


@pytest.mark.parametrize("adjust", ["bonferroni", "benjamini_hochberg"])
def test_runs_in_arrays_get_the_critical_bounds_that_the_judge_gives(adjust):
    draw = np.random.default_rng(4)
    psi, p_values = draw.normal(0, 0.01, (6, 12)), draw.random((6, 12)) ** 4
    drawn = Drawn(names=tuple("abcdef"), psi=psi, p_values=p_values)
    rules = Policy.model_construct(
        checks={"drift": CheckSpec(kind="data_drift", thresholds=[{"metric": "psi", "less_than": 0.1}])}, waivers=(),
        fail_on="error", on_uncertain="warn", alarms=AlarmSpec(**GENEROUS, adjust=adjust),
    )  # fmt: skip
    critical, alone = _every_column(drawn, None, adjust, level=budget_of(rules).level)
    assert np.isfinite(critical).any()
    assert not np.isfinite(critical).all()
    for run in range(12):
        metrics = tuple(
            Metric(name="psi", value=float(psi[k, run]), n=9, meaning="m", better="lower", key=str(k),
                   p_value=float(p_values[k, run]))
            for k in range(6)
        )  # fmt: skip
        result = CheckResult(kind="data_drift", seed=1, metrics=metrics)
        judged = critical_bound("drift", 0, result, policy=rules, moment=datetime(2026, 6, 1, tzinfo=UTC))
        assert critical[run] == pytest.approx(judged, abs=1e-8)
        assert alone[run] == psi[:, run].max()


def test_the_largest_column_needs_its_own_evidence():
    drawn = Drawn(
        names=("a", "b"), psi=np.array([[0.3, 0.3], [0.1, 0.1]]), p_values=np.array([[0.001, 0.2], [0.2, 1e-9]])
    )
    assert list(_largest(drawn, level=0.01)[0]) == [0.3, -np.inf]


def test_proposed_bounds_keep_the_level_on_other_runs_and_are_sharp(small, found):
    psi = found.calibrated[0]
    other = calibration(project.Project(small.folder, dict(small.raw)).change(description="other draws")).calibrated[0]
    failing = other.without_evidence.failing(psi.proposal.bound) / other.curve.windows
    assert failing <= psi.level * 1.7
    assert other.without_evidence.failing(0.8 * psi.proposal.bound) / other.curve.windows > psi.level / 2
    assert other.curve.failing(0.0) <= other.without_evidence.failing(0.0)


def test_larger_runs_detect_smaller_shifts(small, found):
    few, many = found.calibrated[0], calibration(small, rows=10_000).calibrated[0]
    assert many.detectable < few.detectable
    assert many.proposal.bound < few.proposal.bound


def test_what_is_not_calibrated_is_named(found):
    reasons = {one.label: one.reason for one in found.not_calibrated}
    assert "evidence" in reasons["prediction_drift"]
    assert any("deterministic" in one for one in reasons.values())


def without(policy: Policy, role: str) -> Policy:
    """The same policy with one dataset fewer."""
    datasets = {name: one for name, one in policy.datasets.items() if name != role}
    return policy.model_copy(update={"datasets": datasets})


@pytest.mark.parametrize(("role", "hint"), [("reference", r"datasets\.reference"), ("current", "--rows")])
def test_a_policy_that_lacks_a_dataset_is_told_what_to_do(small, role, hint):
    with pytest.raises(PolicyError, match=hint):
        calibrate(
            without(small.policy(), role), moment=project.DAY, connections=PlainConnections(), sampling=Sampling()
        )


@pytest.mark.parametrize("wrong", [{"windows": 5}, {"rows": 0}])
def test_too_few_windows_are_refused(wrong):
    with pytest.raises(PolicyError, match="at least 100 windows of 1 row"):
        Sampling(**wrong)


def test_the_command_writes_numbers_and_curves_and_leaves_the_policy_alone(small, capsys):
    before = small.policy_file.read_bytes()
    for folder in ("one", "two"):
        assert (
            main(["calibrate", str(small.policy_file), "--windows", "400", "--output", str(small.folder / folder)]) == 0
        )
    out = capsys.readouterr().out
    assert small.policy_file.read_bytes() == before
    files = [
        [(small.folder / folder / name).read_bytes() for folder in ("one", "two")]
        for name in ("calibration.json", "calibration.html")
    ]
    assert all(first == second for first, second in files), "the same policy and data give the same bytes"
    record = json.loads(files[0][0])
    assert [one["metric"] for one in record["thresholds"]] == ["psi", "psi"]
    page = files[1][0].decode()
    assert page.count("<svg") == 2
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    pasted = yaml.safe_load(out[out.index("# Proposed by calibration") : out.index("\nwritten")])
    CheckSpec.model_validate({"kind": "data_drift", **pasted["checks"]["drift"]})
    assert pasted["checks"]["drift"]["thresholds"][0]["less_than"] >= record["thresholds"][0]["proposed"] - 1e-12
