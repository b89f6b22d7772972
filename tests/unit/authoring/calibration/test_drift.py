from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

import project
import synthetic
from model_governance.authoring.calibration import Sampling, calibrate
from model_governance.authoring.calibration.cells import DrawableColumn, DrawnColumn, cell_estimates
from model_governance.authoring.calibration.windows import plan_windows
from model_governance.checks import find
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.cli import main
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Dataset, Model, Subject
from model_governance.engine import open_relation
from model_governance.engine.profiles import profile_of
from model_governance.errors import PolicyError
from model_governance.policy import CheckSpec, Policy

GENEROUS = {"false_fails_per_year": 729, "runs_per_year": 365}  # one run in ten, so that few draws suffice
DRIFT = {
    "drift": {
        "kind": "data_drift",
        "thresholds": [
            {"metric": "psi", "less_than": 0.05},
            {"metric": "missing_increase", "less_than": 0.05},
            {"metric": "prediction_drift", "less_than": 0.1},
        ],
    },
    "validation": project.CHEAP_CHECKS["validation"],
}
FAMILIES = {
    "income": "numbers", "debt": "numbers", "age": "numbers", "region": "categories", "channel": "categories",
}  # fmt: skip


ANYWHERE = Model(
    name="debt", format="none", sha256="0" * 64, task="regression", native=None, call=lambda rows: rows["debt"]
)
"""A model that missing values do not disturb."""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    made = project.small_project(tmp_path_factory.mktemp("project"), checks=DRIFT).change(alarms=GENEROUS)
    synthetic.rows(3000, seed=2).to_parquet(made.folder / "reference.parquet", index=False)
    return made


@pytest.fixture(scope="module")
def found(small):
    return calibration(small)


def calibration(small, **sampling):
    return calibrate(
        small.policy(), moment=project.DAY, connections=PlainConnections(), sampling=Sampling(windows=200, **sampling)
    )


def two_samples():
    """Rows with missing values, a rare label and a label that only the run holds."""
    reference, current = synthetic.rows(900, seed=5), synthetic.rows(300, seed=6)
    reference.loc[:20, "income"] = np.nan
    reference.loc[reference.index[:2], "region"] = ["islet", "coast"]
    current.loc[:30, "income"] = np.nan
    current.loc[:3, "region"] = "overseas"
    current["debt"] += 6.0
    return reference, current


def drawn_columns(reference, current) -> list[DrawnColumn]:
    """The counts of real rows as if they had been drawn."""
    sides = [open_relation(Dataset(role, role, role, rows)) for role, rows in
             (("reference", reference), ("current", current))]  # fmt: skip
    first = profile_of(sides[0], FAMILIES)
    second = profile_of(sides[1], FAMILIES, cells=first.cells)
    labels = [side.value_counts(["region", "channel"]) for side in sides]
    columns = []
    for name, family in FAMILIES.items():
        pair = []
        for profile, counts in zip((first, second), labels, strict=True):
            column = profile.columns[name]
            cells = column.cell_counts
            if family == "categories":
                cells = np.array([counts[name].get(label, 0) for label in sorted({*labels[0][name], *labels[1][name]})])
            pair.append(np.append(cells, [column.missing, column.infinite]))
        like = DrawableColumn(name=name, family=family, counts=pair[0][:-2], missing=0, infinite=0)
        columns.append(DrawnColumn(like, *pair))
    return columns


@pytest.mark.parametrize("method", ["psi", "jensenshannon"])
def test_counts_of_cells_give_the_metrics_of_the_check(method):
    reference, current = two_samples()
    params = DriftParams(numeric_method=method, categorical_method=method)
    subject = Subject(
        name="s", task="regression", columns=synthetic.COLUMNS, model=ANYWHERE,
        datasets={"reference": Dataset("reference", "r", "r", reference),
                  "current": Dataset("current", "c", "c", current)},
    )  # fmt: skip
    measured = find("data_drift").measure(subject, params, 1)
    wanted = {"psi", "jensenshannon", "drift_score", "missing_increase", "new_category_share", "drift_share",
              "drifted_columns"}  # fmt: skip
    counted = list(cell_estimates(drawn_columns(reference, current), params, frozenset(wanted)))
    assert {estimate.name for estimate in counted} == wanted
    for estimate in counted:
        metric = measured.metric(estimate.name, key=estimate.key)
        assert estimate.value == pytest.approx(metric.value, abs=1e-12), estimate.name
        assert estimate.limits == metric.limits, estimate.name


def test_dealt_rows_are_those_of_the_reference_and_no_row_is_dealt_twice():
    column = DrawableColumn(name="x", family="numbers", counts=np.array([60, 30, 7]), missing=3, infinite=1)
    plan = plan_windows(reference_rows=101, rows=40, compares=True)
    reference, current = column.draw(plan, draws=500, draw=np.random.default_rng(3))
    assert (reference.sum(axis=1) == 51).all()
    assert (current.sum(axis=1) == 40).all()
    assert (reference + current <= [60, 30, 7, 3, 1]).all()
    assert current.mean(axis=0) == pytest.approx(np.array([60, 30, 7, 3, 1]) * 40 / 101, rel=0.1)


def test_a_proposed_bound_keeps_other_unchanged_runs_quiet(small, found):
    missing = found.calibrated[1]
    other = calibration(project.Project(small.folder, dict(small.raw)).change(description="other draws")).calibrated[1]
    assert missing.proposal.method == "counted"
    assert missing.seen_at_twice > missing.proposal.bound, "runs of few rows"
    assert other.passes.beyond(missing.proposal.bound) / other.passes.windows <= 0.07
    assert other.fails.beyond(missing.proposal.bound) <= other.passes.beyond(missing.proposal.bound)


def test_a_bound_below_what_matters_is_not_proposed(found):
    assert found.calibrated[0].proposal.bound >= 0.02
    assert "below 0.02 is not proposed" in found.calibrated[0].limits


def test_larger_runs_detect_smaller_changes(small, found):
    few, many = found.calibrated[0], calibration(small, rows=1_500).calibrated[0]
    assert many.detectable_now < few.detectable_now
    assert many.not_passing.value < few.not_passing.value


def test_what_is_not_calibrated_is_named(found):
    reasons = {excluded.label: excluded.reason for excluded in found.not_calibrated}
    assert "limits keep the alarm budget" in reasons["prediction_drift"]
    assert any("deterministic" in reason for reason in reasons.values())


def without(policy: Policy, role: str) -> Policy:
    """The same policy with one dataset fewer."""
    datasets = {name: spec for name, spec in policy.datasets.items() if name != role}
    return policy.model_copy(update={"datasets": datasets})


@pytest.mark.parametrize(("role", "hint"), [("reference", r"datasets\.reference"), ("current", "--rows")])
def test_a_policy_that_lacks_a_dataset_is_told_what_to_do(small, role, hint):
    with pytest.raises(PolicyError, match=hint):
        calibrate(
            without(small.policy(), role), moment=project.DAY, connections=PlainConnections(), sampling=Sampling()
        )


@pytest.mark.parametrize(
    ("wrong", "message"), [({"windows": 5}, "draws at least 100"), ({"rows": 0}, "has at least 1 row")]
)
def test_too_few_windows_are_refused(wrong, message):
    with pytest.raises(PolicyError, match=message):
        Sampling(**wrong)


def test_the_command_writes_numbers_and_curves_and_leaves_the_policy_alone(small, capsys):
    before = small.policy_file.read_bytes()
    for folder in ("one", "two"):
        assert (
            main(["calibrate", str(small.policy_file), "--windows", "200", "--output", str(small.folder / folder)]) == 0
        )
    out = capsys.readouterr().out
    assert small.policy_file.read_bytes() == before
    files = [
        [(small.folder / folder / name).read_bytes() for folder in ("one", "two")]
        for name in ("calibration.json", "calibration.html")
    ]
    assert all(first == second for first, second in files), "the same policy and data give the same bytes"
    record = json.loads(files[0][0])
    assert [row["metric"] for row in record["thresholds"]] == ["psi", "missing_increase"]
    page = files[1][0].decode()
    assert page.count("<svg") == 2
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    pasted = yaml.safe_load(out[out.index("# Proposed by calibration") : out.index("\nwritten")])
    CheckSpec.model_validate({"kind": "data_drift", **pasted["checks"]["drift"]})
    assert pasted["checks"]["drift"]["thresholds"][0]["less_than"] >= record["thresholds"][0]["proposed"] - 1e-12
