"""The doctor on servers that do what they say and on one that drops what it accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from model_governance.cli import main
from model_governance.contract.protection import Protection
from model_governance.errors import StoreError
from model_governance.store.s3 import S3Store
from system.rclone import RcloneServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from system.seaweed import SeaweedServer

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def rclone() -> Iterator[RcloneServer]:
    with RcloneServer() as server:
        server.client().create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True)
        yield server


def doctor(
    server: Any, *words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, str], dict[str, str]]:
    """The exit code, and what was found and concluded of each try."""
    for name, value in server.surroundings().items():
        monkeypatch.setenv(name, value)
    code = main(["doctor", *words, "--json"])
    trials = json.loads(capsys.readouterr().out)["trials"]
    return code, *({trial["name"]: trial[key] for trial in trials} for key in ("found", "outcome"))


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_seaweed_with_object_lock_is_fit(seaweed: SeaweedServer, mode: str, monkeypatch, capsys) -> None:
    bucket = seaweed.new_bucket(locked=True)
    words = (f"s3://{bucket}/gov", "--object-lock", mode)
    code, found, outcome = doctor(seaweed, *words, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0
    bypass = "warn" if mode == "GOVERNANCE" else "pass"
    assert {name for name, value in outcome.items() if value != "pass"} == {"deletion"} | (
        {"bypass"} if bypass == "warn" else set()
    )
    assert found["checksum"] == "refused"
    assert found["shorten"] == found["locked_deletion"] == found["hold"] == "refused"
    assert outcome["bypass"] == bypass


def test_seaweed_without_object_lock_is_fit_and_says_that_it_has_none(
    seaweed: SeaweedServer, monkeypatch, capsys
) -> None:
    bucket = seaweed.new_bucket(versioned=True)
    code, found, outcome = doctor(seaweed, f"s3://{bucket}/gov", monkeypatch=monkeypatch, capsys=capsys)
    assert (code, outcome["lock"], found["lock"]) == (0, "skipped", "refused (InvalidRequest)")
    words = (f"s3://{bucket}/gov", "--object-lock", "GOVERNANCE")
    code, _, outcome = doctor(seaweed, *words, monkeypatch=monkeypatch, capsys=capsys)
    assert (code, outcome["lock"]) == (1, "fail")


def test_the_doctor_of_rclone_says_what_it_accepts_and_ignores(rclone: RcloneServer, monkeypatch, capsys) -> None:
    code, found, outcome = doctor(rclone, "s3://evidence/gov", monkeypatch=monkeypatch, capsys=capsys)
    assert code == 1
    assert {name for name, value in outcome.items() if value == "fail"} == {"overwrite", "race", "parts", "lock"}
    assert found["overwrite"] == found["parts"] == "the condition is ignored"
    assert found["race"] == "8 stored"
    assert found["lock"] == "accepted and dropped"
    assert found["checksum"] == "SHA-256 ignored, MD5 refused"


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_store_that_only_pretends_is_refused_before_anything_is_stored(rclone: RcloneServer, mode: Any) -> None:
    store = S3Store(f"s3://evidence/{mode.lower()}", client=rclone.client(), protection=Protection(object_lock=mode))
    with pytest.raises(StoreError, match=rf"object_lock: {mode} is not enforced: .* accepted the lock .* and dropped"):
        store.put_once("v1/a", b"evidence", media_type="text/plain")
    assert [key for key in store.keys("") if not key.startswith("v1/doctor/")] == []
