"""Model files and the connections that reach them, made anew for each test."""

from __future__ import annotations

import hashlib

import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model
from synthetic import COLUMNS


class Reachable(PlainConnections):
    """Connections as Airflow would give them: one S3 client, and engines by name."""

    def __init__(self, *, client=None, engines=None):
        self._client = client
        self._engines = engines or {}

    def s3(self, name):
        return self._client

    def engine(self, name):
        return self._engines[name]


@pytest.fixture
def reachable():
    return Reachable


@pytest.fixture
def stored(tmp_path):
    """Write a model file and describe it as a policy would."""

    def store(content, *, check=True, **keys):
        (tmp_path / "model.bin").write_bytes(content)
        made = {"name": "synthetic", "uri": "model.bin", "sha256": hashlib.sha256(content).hexdigest()}
        made |= {"task": "binary_classification", "format": "skops"} | keys
        return ModelSpec(**made) if check else ModelSpec.model_construct(**made)

    return store


@pytest.fixture
def load(stored, tmp_path):
    """Write a model file and load it as `load_subject` does."""

    def load_stored(content, *, columns=COLUMNS, **keys):
        return load_model(stored(content, **keys), columns, folder=tmp_path, connections=PlainConnections())

    return load_stored
