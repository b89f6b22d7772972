from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
import skops.io

from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.errors import DigestMismatch, SubjectError
from model_governance.policy import Policy
from model_governance.run import champion_subject
from model_governance.subjects import load_subject, render_sources
from synthetic import COLUMNS, pipeline, rows

CONTENT = skops.io.dumps(pipeline(rows(200, seed=1)))
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def policy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows(50, seed=2).to_parquet(tmp_path / "reference.parquet")
    rows(40, seed=3).to_csv(tmp_path / "2026-05-01.csv", index=False)
    (tmp_path / "model.skops").write_bytes(CONTENT)
    (tmp_path / "champion.skops").write_bytes(CONTENT)
    model = {"uri": "model.skops", "sha256": DIGEST, "task": "binary_classification"}
    return Policy(
        version=1,
        owner="risk",
        model={"name": "credit", **model},
        champion={"name": "credit-before", **model, "uri": "champion.skops"},
        columns=COLUMNS,
        datasets={
            "current": {"uri": "{{ ds }}.csv"},
            "reference": {"uri": "reference.parquet"},
            "train": {"uri": "never-written.parquet"},
        },
        checks={"data_drift": {"thresholds": [{"metric": "drift_share", "leq_to": 0.3}]}},
    )


def load(policy, *, roles=(), with_model=False, **keys):
    sources = keys.pop("sources", None) or render_sources(policy, {"ds": "2026-05-01"})
    return load_subject(
        policy, roles=roles, with_model=with_model, sources=sources, connections=PlainConnections(), **keys
    )


def test_only_the_roles_that_were_asked_for_are_loaded(policy):
    subject = load(policy, roles=("current", "reference"))
    assert {role: one.rows for role, one in subject.datasets.items()} == {"reference": 50, "current": 40}
    assert list(subject.datasets) == ["reference", "current"]
    assert subject.datasets["current"].uri == "2026-05-01.csv"
    assert subject.model is None
    assert (subject.name, subject.task, subject.columns) == ("credit", "binary_classification", COLUMNS)


def test_the_model_comes_with_the_data_and_answers(policy):
    subject = load(policy, roles={"current"}, with_model=True)
    assert subject.require_model().predict_proba(subject.features("current")).shape == (40, 2)
    assert subject.model.sha256 == DIGEST


def test_the_champion_takes_the_place_of_the_model(policy):
    subject, check = load(policy, roles={"current"}), find("model_quality")
    champion = champion_subject(check, policy, subject, connections=PlainConnections())
    assert champion.require_model().name == "credit-before"
    assert champion.datasets is subject.datasets
    alone = policy.model_copy(update={"champion": None})
    with pytest.raises(SubjectError, match="names no champion"):
        champion_subject(check, alone, subject, connections=PlainConnections())


def test_a_role_without_a_source_is_refused(policy):
    with pytest.raises(SubjectError, match=r"no source for dataset\(s\) population .given: current, reference, train"):
        load(policy, roles=("population",))


def test_a_source_that_was_never_written_is_refused(policy):
    with pytest.raises(SubjectError, match="never-written"):
        load(policy, roles=("train",))


def test_a_replaced_model_is_refused_before_it_is_parsed(policy, tmp_path, monkeypatch):
    (tmp_path / "model.skops").write_bytes(CONTENT + b"\0")

    def never(**_):
        raise AssertionError("parsed")

    monkeypatch.setattr(skops.io, "get_untrusted_types", never)
    with pytest.raises(DigestMismatch):
        load(policy, with_model=True)


def test_importing_the_room_imports_nothing_heavy():
    script = (
        "import sys, model_governance.subjects, model_governance.subjects.loaders.sklearn_joblib\n"
        "import model_governance.subjects.loaders.onnx_session, model_governance.subjects.loaders.xgboost_booster\n"
        "import model_governance.subjects.loaders.lightgbm_booster, model_governance.subjects.loaders.sklearn_skops\n"
        "import model_governance.subjects.loaders.torchscript, model_governance.subjects.loaders.inference_endpoint\n"
        "heavy = {'numpy', 'pandas', 'sklearn', 'skops', 'joblib', 'onnxruntime', 'xgboost', 'lightgbm', 'sqlalchemy',"
        " 'pyarrow', 'boto3', 'botocore', 'jinja2', 'airflow', 'torch', 'httpx', 'scipy', 'mlflow'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
