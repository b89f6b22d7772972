"""The chain on a real S3 server: concurrent writers and killed ones lose nothing, and what goes behind the gateway is found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import children
from model_governance.evidence.verification import verify_model
from model_governance.store.s3 import S3Store

if TYPE_CHECKING:
    from system.seaweed import SeaweedServer

pytestmark = pytest.mark.system

TESTS = Path(__file__).resolve().parents[1]


def surroundings(server: SeaweedServer) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }  # fmt: skip


@pytest.mark.parametrize("versioned", [False, True])
def test_appends_of_four_processes_lose_nothing(seaweed: SeaweedServer, versioned: bool) -> None:
    uri = f"s3://{seaweed.new_bucket(versioned=versioned)}/gov"
    commands = [[sys.executable, str(TESTS / "appending.py"), uri, str(number)] for number in range(4)]
    children.run_all(commands, more=surroundings(seaweed))
    found = verify_model(S3Store(uri, client=seaweed.client()), "loans")
    assert found.links == 32
    assert [problem for problem in found.problems if problem.code.startswith(("chain.", "link.damaged"))] == []


def test_killed_runs_lose_no_verdict(seaweed: SeaweedServer, tmp_path: Path) -> None:
    uri = f"s3://{seaweed.new_bucket(versioned=True)}/gov"
    children.run_all(
        [[sys.executable, str(TESTS / "killing.py"), str(tmp_path), "24", uri]], more=surroundings(seaweed)
    )
