"""Approved answers: what a model said of a sample of rows when it was approved, compared with what it says today.

A digest pins the bytes of a model. It does not pin the library that reads them, the settings beside them or the server in
front of them; the answers do. The file holds positions of rows and answers, never a row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from model_governance.contract.documents import Count, Form, OpenForm, Sha256, describe_faults, read_document
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, SubjectError
from model_governance.policy import DatasetSpec
from model_governance.subjects.datasets import load_dataset
from model_governance.subjects.image_columns import with_pixel_columns
from model_governance.subjects.sources import read_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import Columns, Model
    from model_governance.policy import ModelSpec

SCHEMA = "model-governance/approval/v1"
SAMPLE, LARGEST_SAMPLE = 256, 2048
MOST_VALUES = 20  # of a column of words, of which one row each is asked
# Sums of 32-bit floats in another order differ by less; another version, setting or model by more.
RELATIVE, ABSOLUTE = 1e-5, 1e-6
LIBRARIES = ("numpy", "pandas", "scikit-learn", "xgboost", "xgboost-cpu", "lightgbm", "onnxruntime", "torch", "skops")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How today's answers differ from the approved ones: rows that do, rows asked, the largest difference of a number."""

    rows: int
    asked: int
    largest: float


def approve(
    model: Model, columns: Columns, rows: pd.DataFrame, *, uri: str, sha256: str, seed: int = 0
) -> dict[str, Any]:
    """The approval of a model: its answers on a seeded sample of rows, with what it was asked by.

    Rows with the smallest and largest number of each feature, a missing value, and one of each of its first words are
    asked as well: what a changed setting would touch is then among them.

    Args:
        model: as loaded today.
        columns: the features of the policy.
        rows: (n, features and others), n > 0.
        uri: where the rows are, as the approval will name them.
        sha256: digest of the rows.
        seed: of the sample.

    Raises:
        ModelMisbehaved: the model raised, or gave NaN or another shape.
    """
    positions = sample_positions(rows[list(columns.names)], seed=seed)
    answers = _answers(model, rows.iloc[positions][list(columns.names)])
    return {
        "schema": SCHEMA,
        "model": {"name": model.name, "format": model.format, "sha256": model.sha256, "task": model.task,
                  "written_by": model.written_by},
        "libraries": installed_libraries(),
        "features": {name: feature.kind for name, feature in columns.features.items()},
        "classes": list(model.classes),
        "rows": {"uri": uri, "sha256": sha256, "seed": seed, "positions": positions},
        "tolerance": {"relative": RELATIVE, "absolute": ABSOLUTE},
        "answers": {**answers, "sha256": hashlib.sha256(canonical_json(answers)).hexdigest()},
    }  # fmt: skip


def check_approval(model: Model, spec: ModelSpec, columns: Columns, *, folder: Path, connections: Connections) -> None:
    """Nothing, when the model gives the approved answers.

    Args:
        model: as loaded today, with its own labels.
        spec: the model of a policy, with `approval`.
        columns: the features of the policy.
        folder: where relative paths start; the rows of an approval lie relative to its file.
        connections: gives S3 clients.

    Raises:
        SubjectError: the approval is damaged or of another model, or the answers are others.
        DigestMismatch: approval or rows are not those that were approved.
        SubjectUnreachable: a place does not answer.
    """
    given = spec.approval
    if given is None:
        return
    content, _ = read_source(
        given.uri, folder=folder, connections=connections, connection=spec.connection, expected=given.sha256
    )
    approval = _read(content, uri=given.uri)
    _compare_facts(approval, model, columns, uri=given.uri)
    rows = approval["rows"]
    beside = folder if "://" in given.uri else (folder / given.uri).parent
    dataset = load_dataset(
        "reference", DatasetSpec(uri=rows["uri"], sha256=rows["sha256"], connection=spec.connection if
        rows["uri"].startswith("s3://") else None), folder=beside, connections=connections,
    )  # fmt: skip
    dataset = with_pixel_columns(dataset, columns)
    if max(rows["positions"]) >= dataset.rows:
        raise SubjectError(
            f"{given.uri}: rows.positions: expected positions below {dataset.rows:,}, the rows of {rows['uri']}, found "
            f"{max(rows['positions']):,}; write the approval again with {COMMAND}"
        )
    frame = dataset.read(list(columns.names)).iloc[rows["positions"]]
    difference = compare(approval, _answers(model, frame))
    if difference.rows:
        raise SubjectError(
            f"{spec.uri}: gives {difference.rows} of {difference.asked} approved rows another answer (largest difference "
            f"{difference.largest:.3g}, tolerated {RELATIVE:g} of the number plus {ABSOLUTE:g}). {_changed(approval)} If the "
            "change is intended, review it and approve the model again (model-governance model approve); otherwise look at "
            "model.missing, model.classes, model.output, the features and what is deployed"
        )


def compare(approval: Mapping[str, Any], today: Mapping[str, Any]) -> Difference:
    """Compare today's answers with those of an approval."""
    import numpy as np

    approved = approval["answers"]
    asked = len(approval["rows"]["positions"])
    if approved["output"] != today["output"]:
        return Difference(rows=asked, asked=asked, largest=float("nan"))
    if approved["output"] == "labels":
        differs = np.array([one != other for one, other in zip(approved["values"], today["values"], strict=True)])
        return Difference(rows=int(differs.sum()), asked=asked, largest=float(differs.any()))
    before, now = (np.asarray(one["values"], dtype=np.float64).reshape(asked, -1) for one in (approved, today))
    tolerance = approval["tolerance"]
    apart = np.abs(now - before)
    wrong = apart > tolerance["absolute"] + tolerance["relative"] * np.abs(before)
    return Difference(rows=int(wrong.any(axis=1).sum()), asked=asked, largest=float(apart.max(initial=0.0)))


def sample_positions(rows: pd.DataFrame, *, seed: int) -> list[int]:
    """Sorted positions of the rows that are asked: a random sample, and the extremes and words of every column."""
    import numpy as np
    import pandas as pd

    count = len(rows)
    chosen = set(np.random.default_rng(seed).choice(count, size=min(SAMPLE, count), replace=False).tolist())
    for name in rows.columns:
        if len(chosen) >= LARGEST_SAMPLE:
            break
        column = rows[name].reset_index(drop=True)
        missing = np.flatnonzero(column.isna().to_numpy())
        chosen.update(missing[:1].tolist())
        present = column.dropna()
        if pd.api.types.is_numeric_dtype(present) and not pd.api.types.is_bool_dtype(present):
            chosen.update({int(present.idxmin()), int(present.idxmax())} if len(present) else ())
        else:
            chosen.update(present.astype(str).drop_duplicates().index[:MOST_VALUES].tolist())
    return sorted(chosen)


def installed_libraries() -> dict[str, str]:
    """The versions of the libraries that models are loaded with, where they are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _answers(model: Model, frame: pd.DataFrame) -> dict[str, Any]:
    if model.call_proba is not None:
        return {"output": "probabilities", "values": _digits(model.predict_proba(frame))}
    values = model.predict(frame)
    if model.classes:
        return {"output": "labels", "values": values.tolist()}
    return {"output": "values", "values": _digits(values)}


def _digits(values: np.ndarray) -> Any:
    import numpy as np

    return np.asarray(values, dtype=np.float64).tolist()


class ApprovedModel(OpenForm):
    """The model that was approved."""

    sha256: Sha256


class AskedRows(OpenForm):
    """The rows that were asked, by their positions."""

    uri: str
    sha256: str
    positions: Annotated[list[Count], Field(min_length=1)]


class Tolerance(Form):
    """How far a number may be from the approved one."""

    relative: Annotated[float, Field(ge=0, le=1)]
    absolute: Annotated[float, Field(ge=0)]


class ApprovedValues(Form):
    """Labels or numbers, one per row; probabilities, one list per row."""

    output: Literal["probabilities", "labels", "values"]
    values: list[Any]
    sha256: Sha256

    @model_validator(mode="after")
    def _are_of_their_output(self) -> ApprovedValues:
        if self.output == "labels":
            sound = all(isinstance(value, str | int | float) for value in self.values)
        elif self.output == "values":
            sound = all(_is_number(value) for value in self.values)
        else:
            sound = all(isinstance(row, list) and all(map(_is_number, row)) for row in self.values)
        if not sound:
            raise ValueError(f"expected {self.output}, found values of another type")
        return self


class ApprovalForm(OpenForm):
    """A stored approval."""

    model: ApprovedModel
    libraries: dict[str, str] = Field(default_factory=dict)
    features: dict[str, str]
    classes: list[Any]
    rows: AskedRows
    tolerance: Tolerance
    answers: ApprovedValues

    @model_validator(mode="after")
    def _agrees(self) -> ApprovalForm:
        values = self.answers.values
        if len(values) != len(self.rows.positions):
            raise ValueError(f"expected {len(self.rows.positions)} answers, one per row, found {len(values)}")
        if self.answers.output == "probabilities" and any(len(row) != len(self.classes) for row in values):
            raise ValueError(f"expected {len(self.classes)} probabilities per row, found another number")
        found = hashlib.sha256(canonical_json({"output": self.answers.output, "values": values})).hexdigest()
        if found != self.answers.sha256:
            raise ValueError(f"expected answers of sha256 {self.answers.sha256}, found those of {found}")
        return self


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read(content: bytes, *, uri: str) -> dict[str, Any]:
    try:
        approval = read_document(content, origin=uri, schema=SCHEMA)
        ApprovalForm.model_validate(approval)
    except EvidenceError as error:
        raise SubjectError(f"{error}. Or write the approval again with {COMMAND}") from error
    except ValidationError as error:
        raise SubjectError(
            f"{uri}: the approval is damaged: {describe_faults(error)}; write it again with {COMMAND}"
        ) from error
    return approval


COMMAND = "model-governance model approve"


def _compare_facts(approval: Mapping[str, Any], model: Model, columns: Columns, *, uri: str) -> None:
    approved = approval["model"]
    if approved["sha256"] != model.sha256:
        raise SubjectError(
            f"{uri}: approves the model with sha256 {approved['sha256']}, the policy names {model.sha256}; approve that one: "
            f"{COMMAND}"
        )
    pairs: tuple[tuple[str, Sequence[Any], Sequence[Any]], ...] = (
        ("classes", approval["classes"], list(model.classes)),
        # A stored object has no order of keys; another order of the columns shows in the answers.
        ("features", sorted(approval["features"]), sorted(columns.names)),
    )
    for what, before, now in pairs:
        if list(before) != list(now):
            raise SubjectError(
                f"{uri}: the model was approved with the {what} {_shown(before)}, and has {_shown(now)} today; correct the "
                f"policy, or approve it again: {COMMAND}"
            )


def _shown(values: Sequence[Any]) -> str:
    return ", ".join(map(repr, values[:20])) or "none"


def _changed(approval: Mapping[str, Any]) -> str:
    """Which libraries have another version than at the approval."""
    now = installed_libraries()
    changed = [
        f"{name} {before} then, {now.get(name, 'none')} now"
        for name, before in approval.get("libraries", {}).items()
        if now.get(name) != before
    ]
    return f"Libraries changed: {'; '.join(changed)}." if changed else "The libraries are those of the approval."
