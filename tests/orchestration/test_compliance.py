"""The weekly verification and the monthly report, run by Airflow on archives that runs left."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from model_governance.authoring.keys import make_keys
from model_governance.errors import PolicyError
from model_governance.evidence.chain import link_key
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model
from model_governance.orchestration.compliance import archive_verification_dag, month_before
from model_governance.store.local import LocalStore

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def archived(policy_file, run_dag, scheduled, tmp_path):
    """A folder with one policy whose runs are signed, after two runs; gives the policy's file and its archive."""
    folder = tmp_path / "policies"
    make_keys(tmp_path / "keys", owner="Ops", moment=datetime(2020, 1, 1, tzinfo=UTC))
    keys = {"signing_key": f"file:{tmp_path}/keys/signing_key.pem", "trust": f"{tmp_path}/keys/trust.yaml"}
    policy = policy_file(f"sealed-{tmp_path.name[-12:].replace('_', '-')}", folder=folder, archive=keys)
    for day in (1, 2):
        assert run_dag(scheduled(policy), logical_date=f"2025-06-0{day}T02:00:00+00:00").state == "success"
    return policy, tmp_path / "evidence"


def dag_file(kind, folder):
    return f"""
# airflow DAG
from model_governance.orchestration import {kind}
dag = {kind}({str(folder)!r}, schedule=None, dag_id={kind + "_" + hashlib.sha256(str(folder).encode()).hexdigest()[:8]!r})
"""


def verify(run_dag, policy, day):
    return run_dag(
        dag_file("archive_verification_dag", policy.parent), logical_date=f"2025-06-{day:02d}T05:00:00+00:00"
    )


def head_of(policy):
    from airflow.models.variable import Variable

    return json.loads(Variable.get(f"governance_head_{policy.stem}", default_var="null"))


def links_of(policy, evidence):
    return [evidence / link_key(policy.stem, number) for number in (1, 2)]


def test_a_sound_archive_raises_its_head_to_a_second_place(archived, run_dag, scheduled):
    policy, _ = archived
    done = verify(run_dag, policy, 3)
    assert done.states() == {policy.name: "success"}
    pushed = done.xcom(policy.name, "head")
    assert (pushed["sequence"], pushed["model"]) == (2, policy.stem)
    assert head_of(policy) == {"sequence": 2, "sha256": pushed["sha256"]}
    run_dag(scheduled(policy), logical_date="2025-06-04T02:00:00+00:00")
    assert verify(run_dag, policy, 5).state == "success"
    assert head_of(policy)["sequence"] == 3


@pytest.mark.alters_the_archive
def test_a_chain_whose_end_was_cut_off_fails_and_the_head_stays(archived, run_dag, capfd):
    policy, evidence = archived
    verify(run_dag, policy, 3)
    known = head_of(policy)
    links_of(policy, evidence)[1].unlink()
    done = verify(run_dag, policy, 4)
    assert done.state == "failed"
    assert done.task(policy.name).try_number == 1
    said = capfd.readouterr()
    assert "link 2" in said.out + said.err
    assert "was the newest one earlier" in said.out + said.err
    assert head_of(policy) == known


@pytest.mark.alters_the_archive
def test_an_altered_object_fails(archived, run_dag):
    policy, evidence = archived
    record = next((evidence / "v1" / "blobs").rglob("*.json"))
    record.chmod(0o644)
    record.write_bytes(record.read_bytes() + b" ")
    assert verify(run_dag, policy, 3).state == "failed"
    assert head_of(policy) is None


def test_a_broken_policy_fails_its_own_task_only(archived, policy_file, run_dag):
    policy, _ = archived
    broken = policy_file("broken", folder=policy.parent, owner=None)
    done = verify(run_dag, policy, 3)
    assert done.task(policy.name).state == "success"
    assert done.task(broken.name).state == "failed"


def test_a_model_that_never_ran_is_no_pass(policy_file, run_dag, tmp_path):
    policy = policy_file("never-ran", folder=tmp_path / "policies")
    assert verify(run_dag, policy, 3).state == "failed"


def test_the_report_and_the_evidence_of_the_month_before_are_stored(archived, run_dag, read_uri, tmp_path):
    policy, _ = archived
    done = run_dag(dag_file("compliance_report_dag", policy.parent), logical_date="2025-07-01T00:00:00+00:00")
    assert done.states() == {policy.name: "success"}
    pushed = done.xcom(policy.name, "coverage")
    assert pushed["runs"] == 2
    assert pushed["with_evidence"] > 5
    record = json.loads(read_uri(pushed["numbers"]))
    assert (record["from"], record["to"]) == ("2025-06-01", "2025-06-30")
    assert b"2025-06-01 to 2025-06-30" in read_uri(pushed["page"])
    exported = done.xcom(policy.name, "export")
    assert f"/v1/reports/export/model={policy.stem}/month=2025-06/" in exported["uri"]
    content = read_uri(exported["uri"])
    assert hashlib.sha256(content).hexdigest() == exported["sha256"]
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        packed.extractall(tmp_path / "given")
    (bag,) = (tmp_path / "given").iterdir()
    trust = read_trust(tmp_path / "keys" / "trust.yaml")
    found = verify_model(LocalStore(str(bag / "data")), policy.stem, trust=trust)
    assert found.is_sound
    assert found.links == 2
    again = run_dag(dag_file("compliance_report_dag", policy.parent), logical_date="2025-07-01T00:00:00+00:00")
    assert again.xcom(policy.name, "coverage")["page"] == pushed["page"]
    assert again.xcom(policy.name, "export") == exported


def test_the_export_goes_to_a_store_of_its_own_where_one_is_named(archived, run_dag, tmp_path):
    policy, evidence = archived
    source = dag_file("compliance_report_dag", policy.parent).replace(
        "schedule=None", f"schedule=None, exports_uri={str(tmp_path / 'auditors')!r}"
    )
    done = run_dag(source, logical_date="2025-07-01T00:00:00+00:00")
    assert done.state == "success"
    (stored,) = (tmp_path / "auditors").rglob("*.zip")
    assert done.xcom(policy.name, "export")["uri"] == f"file://{stored}"
    assert not (evidence / "v1" / "reports" / "export").exists()


def test_a_month_without_a_run_has_a_report_and_nothing_to_export(archived, run_dag):
    policy, evidence = archived
    done = run_dag(dag_file("compliance_report_dag", policy.parent), logical_date="2025-09-01T00:00:00+00:00")
    assert done.state == "success"
    assert done.xcom(policy.name, "coverage")["runs"] == 0
    assert not (evidence / "v1" / "reports" / "export").exists()


@pytest.mark.alters_the_archive
def test_a_report_on_an_archive_that_is_not_sound_is_stored_and_fails(archived, run_dag):
    policy, evidence = archived
    links_of(policy, evidence)[0].unlink()
    done = run_dag(dag_file("compliance_report_dag", policy.parent), logical_date="2025-07-01T00:00:00+00:00")
    assert done.state == "failed"
    assert list((evidence / "v1" / "reports").rglob("coverage.html"))
    assert list((evidence / "v1" / "reports").rglob("*.zip"))


def test_the_month_before_crosses_the_year():
    assert month_before(datetime(2026, 1, 1, tzinfo=UTC)) == (date(2025, 12, 1), date(2025, 12, 31))
    assert month_before(datetime(2024, 3, 31, tzinfo=UTC)) == (date(2024, 2, 1), date(2024, 2, 29))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(PolicyError, match="holds no policy"):
        archive_verification_dag(tmp_path)


@pytest.mark.parametrize("name", ["governance_archive_verification", "governance_compliance_report"])
def test_the_file_is_found_and_parses_without_a_heavy_import(name, policy_file, tmp_path):
    policy_file("one", folder=tmp_path / "policies")
    code = f"""
import sys, time
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
began = time.process_time()
bag = DagBag({str(REPOSITORY / "dags" / (name + ".py"))!r}, safe_mode=True)
print(time.process_time() - began)
assert not bag.import_errors, bag.import_errors
assert list(bag.dags) == [{name!r}], list(bag.dags)
heavy = {{"pandas", "numpy", "pyarrow", "boto3", "evidently", "great_expectations", "sklearn"}} & set(sys.modules)
print(sorted(heavy))
"""
    environment = {"AIRFLOW__MODEL_GOVERNANCE__POLICIES": str(tmp_path / "policies")}
    import os

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "[]"
