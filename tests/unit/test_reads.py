"""A run of six checks reads, hashes and loads each input as often as it must, and no more.

The inputs lie in a bucket, so that a read is a GET; every SHA-256 over the bytes of an input counts as a hash, and every
call of the library that builds the model as a load.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections import Counter

import boto3
import pytest
import skops.io
from moto import mock_aws

import project
import synthetic
from model_governance.contract.connections import PlainConnections
from model_governance.run import run_policy

CHANGE = {"min_absolute_change": -1000, "against": "champion"}
SHARE_CHANGE = CHANGE | {"min_absolute_change": -0.9}
CHECKS = {
    "file": {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", **CHANGE}]},
    "validation": {
        "kind": "data_validation",
        "params": {"suite": "suite.json"},
        "thresholds": [{"metric": "critical_failures", **CHANGE}],
    },
    "drift": {"kind": "data_drift", "thresholds": [{"metric": "blinded_columns", **CHANGE}]},
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", **SHARE_CHANGE}]},
    "fairness": {
        "kind": "fairness", "params": {"groups": ["region"]}, "thresholds": [{"metric": "accuracy_gap", **SHARE_CHANGE}],
    },
    "corruption": {"kind": "corruption", "thresholds": [{"metric": "mean_drop", **SHARE_CHANGE}]},
}  # fmt: skip
SUITE = {
    "name": "suite",
    "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "income"}}],
}
USES = {
    # Checks that need the input, and what a threshold against the champion adds.
    "model.skops": {"file", "drift", "quality", "fairness", "corruption"},
    "champion.skops": {"file", "drift", "quality", "fairness", "corruption"},
    "current.parquet": {"validation", "drift", "quality", "fairness", "corruption"},
}
LOADED = {"drift", "quality", "fairness", "corruption"}


class Counted(PlainConnections):
    """Counts what one run reads, hashes and loads, by the name of the input."""

    def __init__(self, client, contents, monkeypatch, *, cache=None):
        self.client, self.cache = client, cache
        self.names = {hashlib.sha256(content).hexdigest(): name for name, content in contents.items()}
        self.reads, self.hashes, self.loads = Counter(), Counter(), Counter()
        client.meta.events.register("before-parameter-build.s3.GetObject", self._read)
        self._count_hashes(monkeypatch)
        self._count_loads(monkeypatch)

    def s3(self, name):
        return self.client

    def _read(self, params, **_):
        self.reads[params["Key"]] += 1

    def _count_hashes(self, monkeypatch):
        sha256, file_digest, path_open = hashlib.sha256, hashlib.file_digest, pathlib.Path.open

        def counted(content=b"", **keys):
            made = sha256(content, **keys)
            self._note(self.hashes, made.hexdigest())
            return made

        def counted_file(opened, digest, **keys):
            made = file_digest(opened, digest, **keys)
            self._note(self.hashes, made.hexdigest())
            return made

        def counted_open(path, *arguments, **keys):
            if path.name == "suite.json":
                self.reads[path.name] += 1
            return path_open(path, *arguments, **keys)

        monkeypatch.setattr(hashlib, "sha256", counted)
        monkeypatch.setattr(hashlib, "file_digest", counted_file)
        monkeypatch.setattr(pathlib.Path, "open", counted_open)

    def _count_loads(self, monkeypatch):
        loads, sha256 = skops.io.loads, hashlib.new

        def counted(content, **keys):
            self._note(self.loads, sha256("sha256", content).hexdigest())
            return loads(content, **keys)

        monkeypatch.setattr(skops.io, "loads", counted)

    def _note(self, counter, digest):
        if digest in self.names:
            counter[self.names[digest]] += 1


@pytest.fixture
def six(tmp_path):
    """The small project with its inputs in a bucket, six checks and a champion."""
    small = project.small_project(tmp_path, checks=CHECKS)
    (tmp_path / "suite.json").write_text(json.dumps(SUITE))
    (tmp_path / "champion.skops").write_bytes(skops.io.dumps(synthetic.pipeline(synthetic.rows(seed=9))))
    roles = sorted(small.raw["datasets"])
    champion = small.raw["model"] | {
        "name": "champion", "uri": "s3://inputs/champion.skops",
        "sha256": hashlib.sha256((tmp_path / "champion.skops").read_bytes()).hexdigest(),
    }  # fmt: skip
    small.change(
        model=small.raw["model"] | {"uri": "s3://inputs/model.skops"},
        champion=champion,
        datasets={role: {"uri": f"s3://inputs/{role}.parquet"} for role in roles},
    )
    names = ["model.skops", "champion.skops", "suite.json", *(f"{role}.parquet" for role in roles)]
    contents = {name: (tmp_path / name).read_bytes() for name in names}
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="inputs")
        for name, content in contents.items():
            client.put_object(Bucket="inputs", Key=name, Body=content)
        yield small, client, contents


def run(six, monkeypatch, *, cache=None):
    small, client, contents = six
    policy, moment, store = small.policy(), small.night(), small.store
    counted = Counted(client, contents, monkeypatch, cache=cache)
    done = run_policy(policy, run=moment, store=store, connections=counted)
    monkeypatch.undo()
    assert set(done.outcomes.values()) == {"pass"}, done.verdict.sentence
    return counted


def test_each_check_reads_hashes_and_loads_each_input_once(six, monkeypatch):
    counted = run(six, monkeypatch)
    for name, checks in USES.items():
        assert counted.reads[name] == len(checks), name
        assert counted.hashes[name] == len(checks), name
    assert counted.loads == {"model.skops": len(LOADED), "champion.skops": len(LOADED)}
    assert counted.reads["suite.json"] == counted.hashes["suite.json"] == 1
    assert counted.reads["train.parquet"] == counted.reads["previous_train.parquet"] == 0


def test_with_the_cache_a_run_fetches_each_object_once_and_checks_its_digest_every_time(six, monkeypatch, tmp_path):
    from model_governance.contract.connections import CacheSettings

    counted = run(six, monkeypatch, cache=CacheSettings(folder=tmp_path / "cache", max_bytes=100 << 20))
    for name, checks in USES.items():
        assert counted.reads[name] == 1, name
        assert counted.hashes[name] == len(checks), name
    assert set(counted.reads.values()) == {1}
