"""What a subject is: the columns, the datasets and the model under check, as checks see them.

How they are read, digested and trusted is the business of `model_governance.subjects`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model_governance.errors import CheckError, GovernanceError, ModelMisbehaved, SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    import numpy as np
    import pandas as pd

Role = Literal["train", "accepted", "reference", "current", "labels", "matured", "history", "population"]
Task = Literal["binary_classification", "multiclass_classification", "regression", "ranking", "forecasting"]
ColumnKind = Literal["numeric", "integer", "category", "boolean", "text", "datetime"]

NUMBER_KINDS = frozenset({"numeric", "integer"})


class Feature(BaseModel):
    """One input column of the model.

    `minimum` and `maximum` bound what the world can produce, `mutable` says whether a person who
    wants another answer could change it: attacks keep inside both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ColumnKind
    minimum: float | None = None
    maximum: float | None = None
    mutable: bool = True

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Feature:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        if self.kind not in NUMBER_KINDS and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"minimum and maximum fit numeric and integer columns, not {self.kind}")
        return self


class Columns(BaseModel):
    """The columns of every dataset of a policy: features by name, and what the others are for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: dict[str, Feature] = Field(min_length=1)
    target: str | None = None
    positive: int | float | str | bool | None = Field(
        default=None, description="the label that counts as positive in binary classification"
    )
    identifier: str | None = Field(default=None, description="row key, used to join late labels")
    group: str | None = Field(default=None, description="query or session of a ranking row, series of a forecast")
    item: str | None = Field(default=None, description="what a ranking row offers, to count the catalogue shown")
    time: str | None = Field(default=None, description="moment that a forecast is for")

    @model_validator(mode="after")
    def _roles_do_not_overlap(self) -> Columns:
        for role in ("target", "identifier", "group"):
            name = getattr(self, role)
            if name is not None and name in self.features:
                raise ValueError(f"column {name!r} is the {role} and must not be a feature too")
        return self

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Names of the features of these kinds, in the order of the policy."""
        return tuple(name for name, one in self.features.items() if one.kind in kinds)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all features, in the order of the policy (the order the model is given)."""
        return tuple(self.features)


class Source(Protocol):
    """Rows that stay where they are until somebody asks for them."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """These columns (all when None) of all rows, as a frame of the caller's own."""


class Dataset:
    """Rows in one role, with the digest of the very bytes (or query result) they are read from.

    The rows are a `frame` in memory or a `source` that is read when somebody asks. `frame` of a source reads
    everything and keeps it: fine up to some hundred megabytes (a Parquet file takes three to ten times its size
    in memory). What must work at any size asks `Subject.frame` for single columns, or the engine.
    """

    __slots__ = ("_frame", "role", "sha256", "source", "uri")

    def __init__(
        self, role: Role, uri: str, sha256: str, frame: pd.DataFrame | None = None, *, source: Source | None = None
    ) -> None:
        if (frame is None) == (source is None):
            raise TypeError("a dataset needs exactly one of frame and source")
        self.role = role
        self.uri = uri
        self.sha256 = sha256
        self.source = source
        self._frame = frame

    @property
    def frame(self) -> pd.DataFrame:
        """All rows in memory; read at the first call."""
        if self._frame is None:
            self._frame = cast("Source", self.source).read()
        return self._frame

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.source.rows if self.source is not None else len(self.frame)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.source.names if self.source is not None else tuple(map(str, self.frame.columns))

    def read(self, columns: Sequence[str]) -> pd.DataFrame:
        """These columns of all rows, as a frame of the caller's own; the others are not read."""
        if self._frame is None and self.source is not None:
            return self.source.read(columns)
        return self.frame[list(columns)].copy()


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model behind calls that take a frame of raw features; all but the first are None where it has none.

    `call` returns labels (classification), values (regression) or scores (ranking), shape (n,).
    `call_proba` returns class probabilities, shape (n, len(classes)), columns as in `classes`.
    `call_logits` returns the scores before the probabilities, (n, k), a single score s as (0, s).
    `call_gradient` takes weights (n, k) too and returns the gradient of their product with the logits, with regard
    to the numeric and integer features in policy order, (n, features), in raw units.
    `train` takes rows, labels and a seed and returns a copy of the same recipe, trained from scratch.
    """

    name: str
    format: str
    sha256: str
    task: Task
    native: Any
    call: Callable[[pd.DataFrame], Any]
    call_proba: Callable[[pd.DataFrame], Any] | None = None
    classes: tuple[Any, ...] = ()
    call_logits: Callable[[pd.DataFrame], Any] | None = None
    call_gradient: Callable[[pd.DataFrame, np.ndarray], Any] | None = None
    train: Callable[[pd.DataFrame, pd.Series, int], Model] | None = None

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Labels, values or scores, shape (n,).

        Raises:
            ModelMisbehaved: the model raised, or returned another shape, NaN or infinities.
        """
        return self._checked(self.call, frame, shape=(len(frame),), verb="predict")

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Class probabilities, shape (n, k), in the order of `classes`, to twelve significant digits.

        Raises:
            CheckError: the model offers no probabilities.
            ModelMisbehaved: the model raised, or returned another shape, NaN or infinities.
        """
        if self.call_proba is None:
            raise CheckError(
                f"model {self.name!r} offers no class probabilities; use a check that needs labels "
                "only, or deploy a model with predict_proba"
            )
        shape = (len(frame), len(self.classes))
        return _to_twelve_digits(self._checked(self.call_proba, frame, shape=shape, verb="predict_proba"))

    def logits(self, frame: pd.DataFrame) -> np.ndarray:
        """Scores before the probabilities, shape (n, k); the prediction is the largest.

        Raises:
            CheckError: the model offers none.
            ModelMisbehaved: the model raised, or returned another shape, NaN or infinities.
        """
        if self.call_logits is None:
            raise CheckError(f"model {self.name!r} ({self.format}) offers no logits; use an attack that needs none")
        return self._checked(self.call_logits, frame, shape=(len(frame), self.outputs), verb="logits")

    def gradient(self, frame: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
        """Gradient of the weighted sum of logits with regard to the numeric features, (n, features), raw units.

        Raises:
            CheckError: the model offers none.
            ModelMisbehaved: the model raised, or returned NaN, infinities or other rows.
        """
        if self.call_gradient is None:
            raise CheckError(f"model {self.name!r} ({self.format}) offers no gradients; use an attack that needs none")
        call = self.call_gradient
        return self._checked(lambda rows: call(rows, weights), frame, shape=(len(frame), None), verb="gradient")

    def fit(self, frame: pd.DataFrame, labels: pd.Series, *, seed: int) -> Model:
        """A copy of the same recipe, trained from scratch on these rows: a reference model of an attack.

        Raises:
            CheckError: the model cannot be retrained.
            ModelMisbehaved: training raised.
        """
        if self.train is None:
            raise CheckError(
                f"model {self.name!r} ({self.format}) cannot be retrained; use an attack that needs no reference models"
            )
        with _calling(f"model {self.name!r} raised while a copy was trained on {len(frame)} rows", frame):
            return self.train(frame, labels, seed)

    @property
    def outputs(self) -> int:
        """Columns of the logits: one per class, one for a regressor."""
        return len(self.classes) or 1

    def _checked(
        self, call: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, *, shape: tuple[int | None, ...], verb: str
    ) -> np.ndarray:
        """The answer as an array of this shape, in which None stands for any length."""
        import numpy as np

        with _calling(f"model {self.name!r} raised in {verb} on {len(frame)} rows", frame):
            answer = np.asarray(call(frame))
        if len(answer.shape) != len(shape) or any(b not in (None, a) for a, b in zip(answer.shape, shape, strict=True)):
            expected = tuple("any" if one is None else one for one in shape)
            raise ModelMisbehaved(f"model {self.name!r} returned shape {answer.shape} from {verb}, expected {expected}")
        if answer.dtype.kind == "f" and not np.isfinite(answer).all():
            bad = int((~np.isfinite(answer)).reshape(len(frame), -1).any(axis=1).sum())
            raise ModelMisbehaved(
                f"model {self.name!r} returned NaN or infinite values from {verb} for {bad} of {len(frame)} rows"
            )
        return answer


@contextmanager
def _calling(what: str, frame: pd.DataFrame) -> Iterator[None]:
    """ModelMisbehaved for whatever the block raises, without words of the rows that it was given.

    Libraries quote the value that they choke on; a log is no place for it. Governance errors pass as they are.
    """
    try:
        yield
    except GovernanceError:
        raise
    except Exception as error:
        text = str(error)
        told = _without_cells(text, frame)
        cause = error if told == text else None
        raise ModelMisbehaved(f"{what}: {type(error).__name__}: {told}") from cause


def _without_cells(text: str, frame: pd.DataFrame) -> str:
    """The text with every quoted word blanked that is a value of the frame."""
    quoted = {one for pair in re.findall(r"'([^']*)'|\"([^\"]*)\"", text) for one in pair if one}
    if not quoted:
        return text
    cells = {str(cell) for name in frame.columns for cell in frame[name].unique()}
    for one in quoted & cells:
        text = text.replace(f"'{one}'", "'(a value of the data)'").replace(f'"{one}"', '"(a value of the data)"')
    return text


def _to_twelve_digits(numbers: np.ndarray) -> np.ndarray:
    """Significant digits, so that the order of tiny probabilities stays.

    The last bits of a sum depend on how many threads added up; rows that tie must tie on every machine.
    """
    import numpy as np

    mantissa, exponent = np.frexp(numbers.astype(float))
    return np.ldexp(mantissa.round(12), exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierNight:
    """What a check stored on an earlier night and asks to see again: an artifact by name, with its digest and key."""

    day: date
    name: str
    key: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """The bytes of a model as they were read and digested; nothing of them was deserialised."""

    uri: str
    format: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Subject:
    """The model and the datasets of one night, as one check sees them.

    `earlier` holds what the check stored on earlier nights, the newest first, where it asks for it.
    `champion` is the accepted model to compare with on the same rows, where there is one. `labels_mature_in`
    says how many days the labels of a night take; those of tonight are then not due. `night` is the logical date,
    None outside a run. `model_file` holds the model's bytes for a check that reads them before anything loads them.
    """

    name: str
    task: Task
    columns: Columns
    datasets: Mapping[Role, Dataset] = field(default_factory=dict)
    model: Model | None = None
    earlier: tuple[EarlierNight, ...] = ()
    champion: Model | None = None
    labels_mature_in: int | None = None
    night: date | None = None
    model_file: ModelFile | None = None

    def require_model(self) -> Model:
        """The model.

        Raises:
            SubjectError: the subject has none.
        """
        if self.model is None:
            raise SubjectError(f"{self.name}: this check needs a model and the subject has none")
        return self.model

    def require_model_file(self) -> ModelFile:
        """The bytes of the model, not yet loaded.

        Raises:
            SubjectError: they were not read.
        """
        if self.model_file is None:
            raise SubjectError(f"{self.name}: this check reads the model's file and the subject holds none")
        return self.model_file

    def frame(self, role: Role, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Rows of a role, cut to the named columns; a copy, so that checks leave inputs untouched.

        Raises:
            SubjectError: the role was not given, has no rows, or lacks a column.
        """
        if role not in self.datasets:
            given = ", ".join(sorted(self.datasets)) or "none"
            raise SubjectError(
                f"{self.name}: dataset {role!r} is needed and was not given (given: {given}); "
                f"add datasets.{role} to the policy"
            )
        dataset = self.datasets[role]
        if dataset.rows == 0:
            raise SubjectError(f"{dataset.uri}: dataset {role!r} has no rows; an empty dataset is never a pass")
        wanted = list(dataset.names if columns is None else columns)
        missing = [name for name in wanted if name not in dataset.names]
        if missing:
            raise SubjectError(
                f"{dataset.uri}: dataset {role!r} lacks column(s) {', '.join(missing)}; found {', '.join(dataset.names)}"
            )
        return dataset.read(wanted)

    def features(self, role: Role) -> pd.DataFrame:
        """The feature columns of a role, in the order the model is given.

        Raises:
            SubjectError: as `frame`, or a feature holds no value at all.
        """
        frame = self.frame(role, columns=self.columns.names)
        empty = [name for name in frame.columns if frame[name].isna().all()]
        if empty:
            raise SubjectError(
                f"{self.datasets[role].uri}: column(s) {', '.join(empty)} of dataset {role!r} hold no value "
                f"in any of {len(frame)} rows; repair the feed or take the column out of columns.features"
            )
        return frame

    def target(self, role: Role) -> pd.Series:
        """The labels of a role, shape (n,), complete.

        Raises:
            SubjectError: no target is declared, the column is missing, or labels are missing.
        """
        if self.columns.target is None:
            raise SubjectError(f"{self.name}: this check needs labels; set columns.target in the policy")
        labels = self.frame(role, columns=[self.columns.target])[self.columns.target]
        if labels.isna().any():
            raise SubjectError(
                f"{self.datasets[role].uri}: {int(labels.isna().sum())} of {len(labels)} labels in column "
                f"{self.columns.target!r} are missing; drop those rows upstream or join the labels first"
            )
        return labels

    def with_frame(self, role: Role, frame: pd.DataFrame) -> Subject:
        """The same subject with other rows in one role (the digest is marked as derived)."""
        dataset = self.datasets.get(role)
        uri = dataset.uri if dataset else f"derived:{role}"
        digest = f"derived:{dataset.sha256}" if dataset else "derived"
        derived = Dataset(role=role, uri=uri, sha256=digest, frame=frame)
        return replace(self, datasets={**self.datasets, role: derived})
