"""A starting policy for a model, written from its reference data with the reasons beside the numbers."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature
from model_governance.engine.column_kinds import UNUSABLE, WHAT, feature_kind, kind_of_series
from model_governance.errors import PolicyError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset
from model_governance.subjects.sources import read_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from model_governance.contract.check import Check

FORMATS = {
    ".skops": "skops",
    ".onnx": "onnx",
    ".ubj": "xgboost",
    ".json": "xgboost",
    ".txt": "lightgbm",
    ".joblib": "joblib",
    ".pkl": "pickle",
    ".pickle": "pickle",
}


def suggest_policy(*, model: str, reference: str, target: str | None, task: str, name: str | None, folder: Path) -> str:
    """The text of a commented policy; paths are written relative to `folder`, where the policy will be stored.

    The model is digested, not loaded. Columns and thresholds come from the reference rows.

    Raises:
        PolicyError: the ending of the model's file names no format, or the target is no column.
        SubjectError: model or reference cannot be read.
    """
    kind = _format(model)
    connections = PlainConnections()
    cwd = Path.cwd()
    _, digest = read_source(model, folder=cwd, connections=connections, connection=None, expected=None)
    frame = load_dataset("reference", DatasetSpec(uri=reference), folder=cwd, connections=connections).frame
    if target is not None and target not in frame.columns:
        raise PolicyError([f"--target {target}: no such column in {reference}; there are {', '.join(frame.columns)}"])
    kinds = {column: kind_of_series(frame[column]) for column in frame.columns if column != target}
    unusable = {column: WHAT[kind] for column, kind in kinds.items() if kind in UNUSABLE}
    frame = frame.drop(columns=list(unusable))
    identifier = _identifier(frame, target)
    features = {
        column: Feature(kind=feature_kind(frame[column]))
        for column in frame.columns
        if column not in (target, identifier)
    }
    columns = Columns(features=features, target=target, identifier=identifier)
    checks = {
        kind: check for kind, check in catalogue().items() if task in check.tasks and (target or not check.needs_labels)
    }
    text = "\n".join(
        [
            *_head(model, digest, kind, task, name=name or _slug(model), folder=folder),
            *_datasets(reference, folder=folder),
            *_columns(columns, frame, unusable),
            "checks:",
            *(line for check in checks.values() for line in _check(check, frame, columns)),
            *LAST_LINES,
        ]
    )
    return text + "\n"


LAST_LINES = (
    "# A failed run requests a new model. Remove it to request none.",
    "retraining: {when: [fail], cooldown_days: 7, max_per_90_days: 4}",
    "",
    'schedule: {cron: "0 2 * * *", retries: 2}',
)


def _head(model: str, digest: str, kind: str, task: str, *, name: str, folder: Path) -> Iterator[str]:
    yield "# A starting policy. Read every line, then: model-governance policy lint FILE"
    yield "version: 1"
    yield "owner: you@example.com            # who is responsible for failed runs"
    yield ""
    yield "model:"
    yield f"  name: {name}"
    yield f"  task: {task}"
    yield f"  uri: {_quoted(_from_folder(model, folder))}"
    yield f"  sha256: {digest}    # only these bytes are ever loaded"
    if kind != "skops":
        yield f"  format: {kind}"
    if kind in ("joblib", "pickle"):
        yield "  # Such a file can run code while it loads. Save the model with skops instead, or opt in:"
        yield "  allow_pickle: false"
    yield ""


def _datasets(reference: str, *, folder: Path) -> Iterator[str]:
    ending = "".join(PurePosixPath(reference).suffixes[-1:]) or ".parquet"
    yield "datasets:"
    yield f"  reference: {{uri: {_quoted(_from_folder(reference, folder))}}}    # held-out rows, never trained on"
    yield f'  train: {{uri: "train{ending}"}}                # TODO: the rows the model was trained on'
    yield f'  previous_train: {{uri: "previous_train{ending}"}}    # TODO: those of the model before; else drop poisoning_screen'
    yield f'  current: {{uri: "runs/{{{{ ds }}}}{ending}"}}    # TODO: the rows of each run'
    yield ""


def _columns(columns: Columns, frame: pd.DataFrame, unusable: Mapping[str, str]) -> Iterator[str]:
    yield "columns:"
    if columns.target:
        yield f"  target: {_quoted(columns.target)}"
    if columns.identifier:
        yield f"  identifier: {_quoted(columns.identifier)}"
    yield "  features:    # mutable: false where nobody can change the value to get another answer"
    for name, feature in columns.features.items():
        yield f"    {_quoted(name)}: {{kind: {feature.kind}}}    # {_describe_values(frame[name], feature)}"
    if unusable:
        named = ", ".join(f"{column} ({what})" for column, what in unusable.items())
        yield f"    # left out, because no check measures what they hold: {named}"
    yield ""


def _check(check: Check, frame: pd.DataFrame, columns: Columns) -> Iterator[str]:
    suggestion = check.suggest(frame, columns)
    yield f"  # {check.question}"
    yield from textwrap.wrap(suggestion.comment, width=110, initial_indent="  # ", subsequent_indent="  # ")
    yield f"  {check.kind}:"
    if suggestion.params:
        yield "    params:"
        yield from _block(suggestion.params, indent=6)
    yield "    thresholds:"
    for threshold in suggestion.thresholds:
        yield f"      - {_flow(threshold)}"
    yield ""


def _block(params: Mapping[str, Any], *, indent: int) -> Iterator[str]:
    """Params one per line; a list of mappings one mapping per line."""
    pad = " " * indent
    for key, value in params.items():
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
            yield f"{pad}{key}:"
            yield from (f"{pad}  - {_flow(item)}" for item in value)
        else:
            yield f"{pad}{key}: {_flow(value)}"


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(_lists(value), default_flow_style=True, sort_keys=False, width=10**6)
    return text.strip().removesuffix("\n...")


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_lists(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def _quoted(text: str) -> str:
    return _flow(text)


def _format(model: str) -> str:
    ending = PurePosixPath(model).suffix.lower()
    if ending not in FORMATS:
        raise PolicyError(
            [f"--model {model}: the ending names no format; rename the file to one of {', '.join(FORMATS)}"]
        )
    return FORMATS[ending]


def _slug(model: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", PurePosixPath(model).stem.lower()).strip("-") or "model"


def _from_folder(uri: str, folder: Path) -> str:
    return uri if "://" in uri else os.path.relpath(Path(uri).resolve(), folder)


def _identifier(frame: pd.DataFrame, target: str | None) -> str | None:
    """A column called like a key in which every row differs."""
    for name in frame.columns:
        named_like_key = re.fullmatch(r"(?i)(.*[_-])?(id|key|uuid|row)", name)
        if name != target and named_like_key and frame[name].is_unique:
            return str(name)
    return None


def _describe_values(column: pd.Series, feature: Feature) -> str:
    missing = column.isna().mean()
    text = f"{column.nunique()} values"
    if feature.kind in ("integer", "numeric") and column.notna().any():
        text += f", {column.min():g} to {column.max():g}: set minimum and maximum to what the world can produce"
    return text + (f", {missing:.1%} missing" if missing else "")
