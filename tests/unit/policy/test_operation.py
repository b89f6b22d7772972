"""Keys of a policy that say where evidence goes and how it is protected there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import ValidationError

from docs_blocks import completed
from model_governance.checks import catalogue
from model_governance.errors import PolicyError
from model_governance.policy import ArchiveSpec, ArtifactSpec, load_policy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("spec", "keys", "sentence"),
    [
        (ArtifactSpec, {"kms_key": "k"}, "add encryption: kms, or remove kms_key"),
        (ArtifactSpec, {"kms_key": "k", "encryption": "s3"}, "add encryption: kms, or remove kms_key"),
        (ArtifactSpec, {"encryption": "aes"}, "'s3' or 'kms'"),
        (ArtifactSpec, {"bucket_owner": "me"}, "pattern"),
        (ArchiveSpec, {"object_lock": "governance"}, "'GOVERNANCE' or 'COMPLIANCE'"),
        (ArchiveSpec, {"object_lock": "COMPLIANCE", "retention_days": 0}, "greater than or equal to 1"),
    ],
)
def test_keys_that_contradict_each_other_are_mistakes(spec: Any, keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        spec(**keys)


def test_a_policy_whose_evidence_goes_to_a_folder_cannot_ask_for_a_lock(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    for place, taken in (("evidence", False), ("file:///evidence", False), ("s3://evidence/gov", True), (None, True)):
        keys = {"artifacts": {"uri": place, "encryption": "s3"}, "archive": {"object_lock": "COMPLIANCE"}}
        file.write_text(completed(yaml.safe_dump(keys)))
        if taken:
            protection = load_policy(file, catalogue()).protection
            assert (protection.object_lock, protection.encryption, protection.retention_days) == (
                "COMPLIANCE",
                "s3",
                3650,
            )
            continue
        with pytest.raises(
            PolicyError, match=r"artifacts\.encryption, archive\.object_lock: only a bucket can do this"
        ):
            load_policy(file, catalogue())


def test_nothing_is_asked_of_the_bucket_by_default() -> None:
    assert ArchiveSpec().object_lock is None
    assert ArtifactSpec().encryption is None
    assert ArtifactSpec(encryption="kms", kms_key="k", bucket_owner="123456789012").kms_key == "k"
