"""A check that a job carries out: the same evidence as where it runs in its task, and nothing altered is believed."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

import project
import synthetic
from model_governance.authoring import check_job
from model_governance.authoring.check_job import carry_out, read_result, store_request
from model_governance.cli import main
from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import Artifact
from model_governance.errors import CheckError, EvidenceError, ObjectMissing
from model_governance.policy.load import parse_policy
from model_governance.store import blob_key, put_blob


@pytest.fixture
def small(tmp_path):
    return project.small_project(tmp_path)


def requested(small, *, check="quality", trust=None, **task):
    policy = small.policy()
    return store_request(
        small.store, policy, check, run=small.night(), sources=policy.datasets, champion_at=None, trust=trust, task=task
    )


def collected(small, result, request, *, check="quality"):
    return read_result(small.store, result, request_sha256=request.sha256, policy=small.policy(), check=check)


def overwrite(small, key, content):
    path = small.folder / "archive" / key
    path.chmod(0o644)
    path.write_bytes(content)


def test_a_job_leaves_the_evidence_of_the_task_byte_for_byte(small, tmp_path):
    here = small.check("quality")
    request = requested(small)
    command = ["job", request.sha256, "--artifacts", small.store.uri, "--message", str(tmp_path / "message")]
    subprocess.run([sys.executable, "-m", "model_governance", *command], check=True, cwd="/")
    there = collected(small, (tmp_path / "message").read_text(), request)

    assert there.record == here.record
    assert there.report == here.report
    assert there.artifacts == here.artifacts
    assert there.verdict == here.verdict
    same = {"started_at", "seconds"}
    assert {k: v for k, v in there.summary().items() if k not in same} == {
        k: v for k, v in here.summary().items() if k not in same
    }
    assert (there.metrics, there.datasets) == (here.metrics, here.datasets)


def test_the_same_request_is_one_object_and_another_task_another_one(small):
    assert requested(small, tries_end=2) == requested(small, tries_end=2)
    assert requested(small, tries_end=2).key != requested(small, tries_end=5).key


def test_a_violation_ends_the_job_well_and_a_check_that_cannot_measure_does_not(small, tmp_path):
    message = tmp_path / "message"
    command = ["--artifacts", small.store.uri, "--message", str(message)]
    small.write_current(synthetic.rows(seed=3).assign(label=lambda frame: 1 - frame["label"]))
    request = requested(small)
    assert main(["job", request.sha256, *command]) == 0
    assert collected(small, message.read_text(), request).verdict.outcome == "fail"

    small.write_current(synthetic.rows(seed=3).drop(columns="income"))
    request = requested(small, tries_end=5)
    assert main(["job", request.sha256, *command]) == 3
    done = collected(small, message.read_text(), request)
    assert done.verdict.outcome == "error"
    with pytest.raises(CheckError, match="income"):
        done.raise_if_it_stops()


def test_a_job_without_its_request_says_why(small, tmp_path):
    message = tmp_path / "message"
    assert main(["job", "0" * 64, "--artifacts", small.store.uri, "--message", str(message)]) == 3
    assert "0" * 64 in message.read_text()
    assert len(message.read_bytes()) <= 1000


def test_an_altered_request_is_not_carried_out(small):
    request = requested(small)
    overwrite(small, request.key, small.store.get(request.key).replace(b'"quality"', b'"validation"'))
    with pytest.raises(EvidenceError, match="altered"):
        carry_out(small.store.uri, request.sha256)


def test_a_job_of_another_release_measures_nothing(small, monkeypatch):
    request = requested(small)
    monkeypatch.setattr(check_job, "__version__", "9.9.9")
    with pytest.raises(CheckError, match=r"the image of the job has 9\.9\.9"):
        carry_out(small.store.uri, request.sha256)


def test_altered_or_missing_evidence_of_a_job_is_not_believed(small):
    request = requested(small)
    done, result = carry_out(small.store.uri, request.sha256)
    for key in (result.key, done.record.key, done.report.key):
        content = small.store.get(key)
        overwrite(small, key, content.replace(b"0", b"1"))
        with pytest.raises(EvidenceError, match="altered"):
            collected(small, result.sha256, request)
        overwrite(small, key, content)
    assert collected(small, result.sha256, request).verdict.outcome == "pass"
    small.store.remove(done.record.key)
    with pytest.raises(ObjectMissing):
        collected(small, result.sha256, request)


def test_the_result_of_another_request_check_or_policy_is_not_used(small):
    request = requested(small)
    _, result = carry_out(small.store.uri, request.sha256)
    with pytest.raises(EvidenceError, match="expected the result of request"):
        collected(small, result.sha256, requested(small, tries_end=9))
    with pytest.raises(EvidenceError, match="expected check validation"):
        collected(small, result.sha256, request, check="validation")
    small.change(description="edited while the job was running")
    with pytest.raises(EvidenceError, match=r"expected check quality under policy .* with sha256"):
        collected(small, result.sha256, request)


def test_bytes_that_are_no_result_are_refused(small):
    stored = put_blob(small.store, Artifact(name="result.json", media_type="application/json", content=b"{}"))
    with pytest.raises(EvidenceError, match="check-job-result"):
        collected(small, stored.sha256, requested(small))


def test_a_job_trusts_the_keys_of_the_installation_that_asked(small):
    """Earlier runs that nobody trusted has signed are not read, as in the task."""
    request = requested(small, trust="no trust file")
    done, _ = carry_out(small.store.uri, request.sha256)
    assert done.verdict.outcome == "error"
    assert "trust" in done.verdict.sentence


def test_a_job_reaches_a_bucket_from_its_surroundings_whatever_connection_the_policy_names(small, monkeypatch):
    clients = []
    monkeypatch.setattr(check_job, "plain_s3_client", lambda: clients.append("plain"))
    connections = check_job._JobConnections(small.folder)
    connections.s3("governance_s3")
    assert clients == ["plain"]
    assert isinstance(connections, PlainConnections)


def test_the_policy_of_a_request_is_the_one_whose_digest_the_record_names(small):
    request = requested(small)
    digest = hashlib.sha256(small.policy_file.read_bytes()).hexdigest()
    assert small.store.get(blob_key(digest, "policy.yaml")) == small.policy_file.read_bytes()
    assert digest.encode() in small.store.get(request.key)
    assert parse_policy(small.policy_file.read_bytes(), project.catalogue()).sha256 == digest
