"""A large model on S3 is fetched once per command or worker, and scanned member by member in a few seconds."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile

import boto3
import numpy as np
import pytest
from moto import mock_aws

import project
from model_governance.cli import main
from model_governance.contract.connections import PlainConnections
from unit.checks.supply_chain.scanning import rules, scan, value


@pytest.fixture
def fetched(monkeypatch):
    """The keys of the objects that were fetched from S3."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="models")
        keys: list[str] = []
        client.meta.events.register(
            "before-parameter-build.s3.GetObject", lambda params, **_: keys.append(params["Key"])
        )
        monkeypatch.setattr(PlainConnections, "s3", lambda *_: client)
        yield client, keys


def test_a_run_of_many_checks_fetches_the_model_once(tmp_path, fetched, capsys):
    """M17: 169 MB were fetched whole once per check."""
    client, keys = fetched
    small = project.small_project(tmp_path)
    client.put_object(Bucket="models", Key="m.skops", Body=(tmp_path / "model.skops").read_bytes())
    scanned = {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]}
    quality = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
    small.change(
        model=small.raw["model"] | {"uri": "s3://models/m.skops"},
        checks={"scan": scanned, "quality": quality, "again": quality},
    )
    assert main(["run", str(small.policy_file), "--date", "2026-03-01"]) == 0, capsys.readouterr().err
    assert keys == ["m.skops"]


def archive_of(members: int, size: int) -> bytes:
    draw = np.random.default_rng(0)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("schema.json", "{}")
        for number in range(members):
            weights = io.BytesIO()
            np.save(weights, np.frombuffer(draw.bytes(size), dtype=np.float64))
            archive.writestr(f"{number}.npy", weights.getvalue())
    return sink.getvalue()


def test_a_large_archive_is_scanned_member_by_member(tmp_path):
    """M17: 20 CPU seconds and 704 MB for 169 MB; now no member is in memory beside another."""
    content = archive_of(12, 2 << 20)
    tracemalloc.start()
    started = time.process_time()
    result = scan(content, "skops")
    seconds = time.process_time() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rules(result) == set()
    assert value(result, "scanned_parts") == 14
    assert seconds < 4
    assert peak < len(content)


SECRETS = {
    "an AWS access key": b"AKIA" + b"ABCDEFGHIJKLMNOP",
    "a private key": b"-----BEGIN " + b"RSA PRIVATE KEY-----",
    "a GitHub token": b"ghp_" + b"a" * 36,
    "a Slack token": b"xoxb" + b"-1234567890-abcdefghijk",
    "a Google API key": b"AIza" + b"b" * 35,
    "a Hugging Face token": b"hf_" + b"c" * 34,
    "a web token": b"eyJ" + b"d" * 12 + b".eyJ" + b"e" * 12 + b"." + b"f" * 12,
    "a password in an address": b"postgresql://scores:" + b"secret-word@db.example.com",
}


@pytest.mark.parametrize("what", SECRETS)
@pytest.mark.parametrize("place", [0, 700, 99_000])
def test_secrets_are_found_wherever_they_stand(what, place):
    """M17: the faster search finds what the slower one did."""
    noise = np.random.default_rng(1).bytes(100_000).replace(b"://", b"abc")
    content = noise[:place] + b" " + SECRETS[what] + b" " + noise[place:]
    found = scan(b"\x93NUMPY" + content, "")
    assert "credential" in rules(found, "suspicious")
    assert SECRETS[what].decode() not in str(found.record())
