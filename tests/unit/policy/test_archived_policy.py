"""A policy is read back from what a run archives of it, with checks that a DAG file adds, too."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from docs_blocks import POLICY
from model_governance.checks import catalogue
from model_governance.errors import PolicyError
from model_governance.policy import CheckSpec, Threshold, parse_policy
from model_governance.policy.load import archived_policy

INCLUDE = Path(__file__).resolve().parents[3] / "include"
SOURCES = {
    **{
        f"{path.parent.name}/{path.stem}": path.read_bytes()
        for path in sorted(INCLUDE.rglob("*.yaml"))
        if "build" not in path.parts and b"\nowner:" in path.read_bytes() and b"{name}" not in path.read_bytes()
    },
    "preset": yaml.safe_dump(POLICY | {"archive": {"retention": "pci_dss"}}).encode(),
}
ADDED = CheckSpec(kind="own_check", thresholds=(Threshold(metric="share", leq_to=0.1),))


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_archived_is_the_policy(name):
    policy = parse_policy(SOURCES[name], catalogue())
    read = archived_policy(policy.source, origin=name)
    assert (read, read.sha256) == (policy, policy.sha256)


@pytest.mark.parametrize("name", SOURCES)
def test_a_policy_with_an_added_check_is_read_back(name):
    policy = parse_policy(SOURCES[name], catalogue())
    added = policy.with_check("own", ADDED)
    read = archived_policy(added.source, origin=name)
    # JSON has no number as a key: the quantile 0.1 of a param comes back as "0.1", which the param reads alike.
    assert read.model_dump(mode="json") == added.model_dump(mode="json")
    assert read.sha256 == added.sha256
    assert added.file_sha256 == policy.sha256 != added.sha256
    assert added.with_check("another", ADDED).file_sha256 == policy.sha256


def test_other_bytes_are_refused_with_their_place():
    with pytest.raises(PolicyError, match=r"here:1 .*"):
        archived_policy(b"version: 1\nowner: 3", origin="here")
