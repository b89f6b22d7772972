"""The plain S3 client: patient where nobody says otherwise, and everybody else's settings count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from model_governance.contract.connections import PlainConnections

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path / "config"


def test_a_plain_client_retries_adaptively_and_sends_no_trailing_checksum() -> None:
    config = PlainConnections().s3(None).meta.config
    assert config.retries == {"mode": "adaptive", "total_max_attempts": 8}
    assert (config.connect_timeout, config.read_timeout) == (10, 60)
    assert config.request_checksum_calculation == "when_required"


def test_the_environment_decides_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    assert PlainConnections().s3(None).meta.config.retries == {"mode": "standard", "total_max_attempts": 2}


def test_the_profile_decides_first(clean: Path) -> None:
    clean.write_text("[default]\nretry_mode = standard\nmax_attempts = 3\n")
    assert PlainConnections().s3(None).meta.config.retries == {"mode": "standard", "total_max_attempts": 3}


def test_the_certificate_authority_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    client = PlainConnections().s3(None)
    assert client._endpoint.http_session._verify == str(tmp_path / "authority.pem")
