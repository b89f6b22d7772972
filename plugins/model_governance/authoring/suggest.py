"""A starting policy for a model, written from its file and its reference data with the reasons beside the numbers."""

from __future__ import annotations

import os
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from model_governance.authoring.column_content import is_nested
from model_governance.authoring.column_roles import QUANTILE, UNKNOWN, Asked, Roles, assign_roles
from model_governance.authoring.label_guess import guess_task, positive_label
from model_governance.authoring.model_facts import read_facts
from model_governance.authoring.operating_point import operating_points
from model_governance.authoring.relation_guess import propose_relations
from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.errors import GovernanceError, PolicyError
from model_governance.policy import DatasetSpec, ModelSpec
from model_governance.subjects import load_dataset, load_model
from model_governance.subjects.sources import read_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from model_governance.authoring.model_facts import ModelFacts
    from model_governance.contract.check import Check
    from model_governance.contract.subject import Columns, Feature, Model, Task

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
CLOSED = ("joblib", "pickle")
"""Formats that can run code while they load: they stay closed until the policy opts in."""
LINE = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What is known before the first line is written; `obstacle` says why the model was not asked."""

    uri: str
    sha256: str
    form: str
    name: str
    task: Task
    reference: str
    frame: pd.DataFrame
    roles: Roles
    folder: Path
    model: Model | None = None
    obstacle: str = ""
    checks: tuple[str, ...] = ()

    @property
    def columns(self) -> Columns:
        return self.roles.columns

    @property
    def known(self) -> pd.DataFrame:
        """The columns that checks may group or compare by: no key, moment, constant or twin of the label."""
        unfit = [name for name, reason in self.roles.left_out.items() if not reason.startswith((UNKNOWN, QUANTILE))]
        return self.frame.drop(columns=unfit)


def suggest_policy(
    *,
    model: str,
    reference: str,
    task: Task | None,
    name: str | None,
    folder: Path,
    asked: Asked | None = None,
    checks: tuple[str, ...] = (),
) -> str:
    """The text of a commented policy; paths are written relative to `folder`, where the policy will be stored.

    The model is digested, asked for the names of its features, and for its answers on the reference; a joblib or pickle
    file is digested only.

    Args:
        model: uri of the model's file.
        reference: uri of the reference rows.
        task: what the model predicts; None leaves it to the model and the labels.
        name: name of the model; None takes the file's.
        folder: where the policy will be stored.
        asked: roles of columns, and the positive label; what is not named is guessed, with a comment.
        checks: lines of the block `checks:` to write; by default those that the checks suggest.

    Raises:
        PolicyError: the ending of the model's file names no format, a column does not exist, the reference lacks an input
            of the model, or a role that the task needs can neither be guessed nor was named.
        SubjectError: model or reference cannot be read.
    """
    asked = asked or Asked()
    form = _format(model)
    connections = PlainConnections()
    content, digest = read_source(model, folder=Path.cwd(), connections=connections, connection=None, expected=None)
    frame = load_dataset("reference", DatasetSpec(uri=reference), folder=Path.cwd(), connections=connections).frame
    _require_columns(asked, frame, reference)
    facts = read_facts(content, form)
    labels = frame[asked.target].dropna() if asked.target is not None else None
    if labels is not None and labels.empty:
        raise PolicyError([f"--target {asked.target}: no row of {reference} has a label; name another column, or none"])
    task = guess_task(task, facts, labels)
    positive = None
    if task == "binary_classification" and labels is not None:
        positive = positive_label(labels, asked=asked.positive)
    roles = assign_roles(frame, facts, task=task, asked=asked, positive=positive)
    loaded, obstacle = _loaded(model, digest, form, task=task, columns=roles.columns, facts=facts)
    draft = _Draft(
        uri=model, sha256=digest, form=form, name=name or _slug(model), task=task, reference=reference, frame=frame,
        roles=roles, folder=folder, model=loaded, obstacle=obstacle, checks=checks,
    )  # fmt: skip
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: _Draft) -> Iterator[str]:
    yield from _head(draft)
    yield from _datasets(draft)
    yield from _columns(draft)
    yield from (*draft.checks, "") if draft.checks else _suggested_checks(draft)
    yield from LAST_LINES


def _suggested_checks(draft: _Draft) -> Iterator[str]:
    yield "checks:"
    for check in catalogue().values():
        if draft.task in check.tasks and (draft.columns.target or not check.needs_labels):
            yield from _check(check, draft)


def _require_columns(asked: Asked, frame: pd.DataFrame, reference: str) -> None:
    """Every column that the user named exists and holds single values.

    Raises:
        PolicyError: one does not.
    """
    for role in ("target", "group", "item", "time"):
        column = getattr(asked, role)
        if column is None:
            continue
        if column not in frame.columns:
            found = ", ".join(frame.columns)
            raise PolicyError([f"--{role} {column}: no such column in {reference}; there are {found}"])
        if is_nested(frame[column]):
            raise PolicyError([f"--{role} {column}: holds lists or structures; name a column of single values"])


def _loaded(
    uri: str, digest: str, form: str, *, task: Task, columns: Columns, facts: ModelFacts
) -> tuple[Model | None, str]:
    """The model as a run loads it, or why it was not asked."""
    if form in CLOSED:
        return None, f"a {form} file is not opened before allow_pickle says so"
    if facts.obstacle:
        return None, facts.obstacle
    try:
        spec = ModelSpec(name="draft", uri=uri, sha256=digest, format=form, task=task)
        return load_model(spec, columns, folder=Path.cwd(), connections=PlainConnections()), ""
    except GovernanceError as error:
        return None, str(error)


LAST_LINES = (
    "# Where evidence goes: a folder beside this file, or s3://bucket/prefix with connection: an Airflow aws connection.",
    "artifacts: {uri: archive}",
    "",
    "# A failed run requests a new model. Remove it to request none.",
    "retraining: {when: [fail], cooldown_days: 7, max_per_90_days: 4}",
    "",
    'schedule: {cron: "0 2 * * *", retries: 2}',
)


def _head(draft: _Draft) -> Iterator[str]:
    yield "# A starting policy. Read every line, then: model-governance policy lint FILE"
    if draft.obstacle:
        yield from _comment(
            f"The model was not asked, so the bounds of its quality rest on the labels alone: {draft.obstacle}",
            indent=0,
        )
    yield "version: 1"
    yield "owner: you@example.com            # who is responsible for failed runs"
    yield ""
    yield "model:"
    yield f"  name: {draft.name}"
    yield f"  task: {draft.task}"
    yield f"  uri: {_quoted(from_folder(draft.uri, draft.folder))}"
    yield f"  sha256: {draft.sha256}    # only these bytes are ever loaded"
    if draft.form != "skops":
        yield f"  format: {draft.form}"
    if draft.form in CLOSED:
        yield "  # Such a file can run code while it loads. Save the model with skops instead, or opt in:"
        yield "  allow_pickle: false"
    if draft.task == "binary_classification":
        for line in operating_points(draft.frame, draft.columns, draft.model):
            yield f"  {line}"
    yield ""


def _datasets(draft: _Draft) -> Iterator[str]:
    ending = "".join(PurePosixPath(draft.reference).suffixes[-1:]) or ".parquet"
    kinds = [
        check.kind for check in catalogue().values() if draft.task in check.tasks and "previous_train" in check.roles
    ]
    reference = _quoted(from_folder(draft.reference, draft.folder))
    yield "datasets:"
    yield f"  reference: {{uri: {reference}}}    # held-out rows, never trained on"
    yield f'  train: {{uri: "train{ending}"}}                # TODO: the rows the model was trained on'
    if kinds:
        drop = f"else drop {', '.join(kinds)}"
        yield f'  previous_train: {{uri: "previous_train{ending}"}}    # TODO: those of the model before; {drop}'
    if draft.task == "forecasting":
        yield f"  history: {{uri: {reference}}}    # the unit of MASE; better the rows that the model was fitted on"
    yield f'  current: {{uri: "runs/{{{{ ds }}}}{ending}"}}    # TODO: the rows of each run'
    yield ""


def _columns(draft: _Draft) -> Iterator[str]:
    columns, remarks = draft.columns, draft.roles.remarks
    yield "columns:"
    if columns.target:
        yield f"  target: {_quoted(columns.target)}"
    if columns.positive is not None:
        yield from _comment(remarks["positive"], indent=2)
        yield f"  positive: {_flow(columns.positive)}"
    for role, meaning in ROLES.items():
        column = getattr(columns, role)
        if column is not None:
            yield f"  {role}: {_quoted(column)}    # {meaning}"
    if "features" in remarks:
        yield from _comment(remarks["features"], indent=2)
    yield "  features:    # mutable: false where nobody can change the value to get another answer"
    for name, feature in columns.features.items():
        remark = f"; {remarks[name]}" if name in remarks else ""
        values = _describe_values(draft.frame[name], feature)
        yield f"    {_quoted(name)}: {{kind: {feature.kind}}}    # {values}{remark}"
    for name, reason in draft.roles.left_out.items():
        yield f"    # left out: {_one_line(name)} ({reason})"
    yield ""
    yield from _relations(draft)


def _relations(draft: _Draft) -> Iterator[str]:
    """Relations that the reference shows, as comments: only the owner knows a law from a coincidence."""
    proposals = propose_relations(draft.frame, draft.columns)
    if not proposals:
        return
    text = (
        "Relations that the reference shows between columns. An attack that does not know them asks about rows that nobody "
        "could send: keep what is a law, and remove the comment signs."
    )
    yield from _comment(text, indent=0)
    yield "# threat_model:"
    yield "#   relations:"
    for proposal in proposals:
        support = f"{proposal.support:.2%} of {proposal.rows:,} rows"
        yield f"#     - {_one_line(_flow(proposal.relation))}    # in {support}"
    yield ""


ROLES = {
    "identifier": "row key, used to join late labels",
    "group": "rows of one value belong together: the query or session of a ranking, the series of a forecast",
    "item": "what a ranking row offers, to count the catalogue shown",
    "time": "the moment that a row forecasts",
}


def _comment(text: str, *, indent: int) -> list[str]:
    pad = " " * indent + "# "
    return textwrap.wrap(_one_line(text), width=LINE, initial_indent=pad, subsequent_indent=pad)


def _one_line(text: str) -> str:
    """A text without line breaks and control characters, which would end a comment of YAML."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def _check(check: Check, draft: _Draft) -> Iterator[str]:
    if len(draft.known) < check.min_reference_rows:
        yield (
            f"  # {check.kind} is left out: it needs {check.min_reference_rows} rows of the reference, which has "
            f"{len(draft.known)}."
        )
        yield ""
        return
    suggestion = check.suggest(draft.known, draft.columns, task=draft.task, model=draft.model)
    yield f"  # {check.question}"
    yield from _comment(suggestion.comment, indent=2)
    # A file that the check cannot do without is one that only the owner knows.
    needed = [f"params.{name}" for name in check.file_params if check.params.model_fields[name].is_required()]
    if needed or not suggestion.thresholds:
        reason = f": name the file of {', '.join(needed)} to add it" if needed else ""
        yield f"  # {check.kind} is left out{reason}."
        yield ""
        return
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


def from_folder(uri: str, folder: Path) -> str:
    """A path as it is written in a file of that folder; addresses as they are."""
    return uri if "://" in uri else os.path.relpath(Path(uri).resolve(), folder)


def _describe_values(column: pd.Series, feature: Feature) -> str:
    missing = column.isna().mean()
    text = f"{column.nunique():,} values"
    if feature.kind in NUMBER_KINDS and column.notna().any():
        text += f", {column.min():g} to {column.max():g}: set minimum and maximum to what the world can produce"
    return text + (f", {missing:.1%} missing" if missing else "")
