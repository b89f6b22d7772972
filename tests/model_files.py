"""Load bytes as a policy would have them loaded."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.contract.subject import Model


def columns(*names: str, **others: Any) -> Columns:
    """Numeric features of these names."""
    return Columns(features={name: Feature(kind="numeric") for name in names}, **others)


def spec(folder: Path, content: bytes, **keys: Any) -> ModelSpec:
    """The bytes as a file, and a policy's description of it."""
    (folder / "model.bin").write_bytes(content)
    named = {"name": "case", "uri": "model.bin", "sha256": hashlib.sha256(content).hexdigest()}
    return ModelSpec(**{**named, "task": "binary_classification", **keys})


def load(folder: Path, content: bytes, *, given: Columns | None = None, **keys: Any) -> Model:
    """The model in the bytes; its features are a, b and c where no others are given."""
    described = spec(folder, content, **keys)
    return load_model(described, given or columns("a", "b", "c"), folder=folder, connections=PlainConnections())
