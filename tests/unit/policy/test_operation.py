"""Keys of a policy that say where evidence goes and how it is protected there."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from model_governance.policy import ArchiveSpec, ArtifactSpec


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


def test_nothing_is_asked_of_the_bucket_by_default() -> None:
    assert ArchiveSpec().object_lock is None
    assert ArtifactSpec().encryption is None
    assert ArtifactSpec(encryption="kms", kms_key="k", bucket_owner="123456789012").kms_key == "k"
