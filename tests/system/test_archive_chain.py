"""The chain on a real S3 server: concurrent writers and killed ones lose nothing, and what goes behind the gateway is found."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

import children
import killing
import project
from model_governance.authoring.keys import make_keys
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model
from model_governance.store.s3 import S3Store

if TYPE_CHECKING:
    from system.seaweed import SeaweedServer

pytestmark = pytest.mark.system

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("versioned", [False, True])
def test_appends_of_four_processes_lose_nothing(seaweed: SeaweedServer, versioned: bool) -> None:
    uri = f"s3://{seaweed.new_bucket(versioned=versioned)}/gov"
    commands = [[sys.executable, str(TESTS / "appending.py"), uri, str(number)] for number in range(4)]
    children.run_all(commands, more=seaweed.surroundings())
    found = verify_model(S3Store(uri, client=seaweed.client()), "loans")
    assert found.links == 32
    assert [problem for problem in found.problems if problem.code.startswith(("chain.", "link.damaged"))] == []


def test_killed_runs_lose_no_verdict(seaweed: SeaweedServer, tmp_path: Path) -> None:
    uri = f"s3://{seaweed.new_bucket(versioned=True)}/gov"
    children.run_all(
        [[sys.executable, str(TESTS / "killing.py"), str(tmp_path), "24", uri]], more=seaweed.surroundings()
    )


def test_a_locked_object_deleted_behind_the_gateway_is_found(seaweed: SeaweedServer, tmp_path: Path) -> None:
    """The lock lives in the gateway: whoever reaches the disks or the filer below it is found by verification only."""
    bucket = seaweed.new_bucket(locked=True)
    make_keys(tmp_path / "keys", owner="Ops", moment=project.DAY)
    small = project.small_project(tmp_path, checks={"quality": project.CHEAP_CHECKS["quality"]})
    small.change(
        archive={"signing_key": "file:keys/signing_key.pem", "object_lock": "COMPLIANCE", "retention_days": 1},
        artifacts={"uri": f"s3://{bucket}/gov"},
    )
    policy, client = small.policy(), seaweed.client()
    store = S3Store(f"s3://{bucket}/gov", client=client, protection=policy.protection)
    for number in range(3):
        killing.one_night(small, store, project.DAY + timedelta(days=number))
    trust = read_trust(tmp_path / "keys" / "trust.yaml")
    assert verify_model(store, killing.MODEL, trust=trust).is_sound
    record = next(key for key in store.keys("v1/blobs/") if key.endswith(".json"))
    (version,) = store.versions(record)[record]
    with pytest.raises(ClientError):
        client.delete_object(Bucket=bucket, Key=f"gov/{record}", VersionId=version.id)
    assert verify_model(store, killing.MODEL, trust=trust).is_sound
    client.delete_object(Bucket=bucket, Key=f"gov/{record}")  # a delete marker hides it from others, not from us
    assert verify_model(store, killing.MODEL, trust=trust).is_sound
    seaweed.delete_behind_the_gateway(bucket, f"gov/{record}")
    found = verify_model(store, killing.MODEL, trust=trust)
    assert {problem.code for problem in found.problems if problem.severity == "error"} == {"object.missing"}
