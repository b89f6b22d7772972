"""What a subject is: the columns, the datasets and the model under check, as checks see them.

How they are read, digested and trusted is the business of `model_governance.subjects`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model_governance.contract.images import Image, with_pixels
from model_governance.contract.model import Model, ModelFile, Task
from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from model_governance.contract.result import Artifact

__all__ = [
    "Columns",
    "Dataset",
    "Feature",
    "Model",
    "ModelFile",
    "ParamFile",
    "PreviousRun",
    "Role",
    "Source",
    "Subject",
    "Task",
]

Role = Literal["train", "previous_train", "reference", "current", "labels", "labelled_current", "history", "population"]
ColumnKind = Literal["numeric", "integer", "category", "boolean", "text", "datetime"]

NUMBER_KINDS = frozenset({"numeric", "integer"})


class Feature(BaseModel):
    """One input column of the model.

    `minimum` and `maximum` bound what the world can produce, `mutable` says whether a person who
    wants another answer could change it: attacks keep inside both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ColumnKind = Field(description="what the values are")
    minimum: float | None = Field(default=None, description="smallest number that the world can produce")
    maximum: float | None = Field(default=None, description="largest number that the world can produce")
    mutable: bool = Field(default=True, description="whether somebody could change it to get another prediction")

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Feature:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        if self.kind not in NUMBER_KINDS and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"minimum and maximum fit numeric and integer columns, not {self.kind}")
        return self


def _features_or_image(schema: dict[str, Any]) -> None:
    """An image of one column stands for the features."""
    schema["required"].remove("features")
    schema["anyOf"] = [{"required": ["features"]}, {"required": ["image"]}]


class Columns(BaseModel):
    """The columns of every dataset of a policy: features by name, and what the others are for."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_features_or_image)

    features: dict[str, Feature] = Field(
        min_length=1, description="inputs of the model, in its order; none with image.column"
    )
    image: Image | None = Field(default=None, description="the picture whose pixels the features are")
    target: str | None = Field(default=None, description="column of the labels")
    positive: int | float | str | bool | None = Field(
        default=None, description="the label that counts as positive in binary classification"
    )
    identifier: str | None = Field(default=None, description="row key, used to join late labels")
    group: str | None = Field(default=None, description="query or session of a ranking row, series of a forecast")
    item: str | None = Field(default=None, description="what a ranking row offers, to count the catalogue shown")
    time: str | None = Field(default=None, description="moment that a forecast is for")
    entity: str | None = Field(
        default=None,
        description="customer, machine or session that a row belongs to; rows of one entity depend on one another, and "
        "intervals are widened for it",
    )
    batch: str | None = Field(
        default=None, description="what rows were made together: a file, a shift, a day; they depend on one another too"
    )

    @model_validator(mode="before")
    @classmethod
    def _pixels_are_features(cls, raw: Any) -> Any:
        return with_pixels(raw) if isinstance(raw, dict) else raw

    @model_validator(mode="after")
    def _roles_do_not_overlap(self) -> Columns:
        for role in ("target", "identifier", "group", "entity", "batch"):
            name = getattr(self, role)
            if name is not None and name in self.features:
                raise ValueError(f"column {name!r} is the {role} and must not be a feature too")
        for role in ("entity", "batch"):
            if getattr(self, role) is not None and getattr(self, role) == self.target:
                raise ValueError(f"column {self.target!r} is the target and cannot be the {role} too")
        return self

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Names of the features of these kinds, in the order of the policy."""
        return tuple(name for name, feature in self.features.items() if feature.kind in kinds)

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

    `manifest` lists the files of a dataset of many with their digests; its own digest is then that of the dataset.
    `origin` holds what else names these rows, as JSON types: the number of files, the version of a table.
    """

    __slots__ = ("_frame", "manifest", "origin", "role", "sha256", "source", "uri")

    def __init__(
        self,
        role: Role,
        uri: str,
        sha256: str,
        frame: pd.DataFrame | None = None,
        *,
        source: Source | None = None,
        manifest: bytes | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        if (frame is None) == (source is None):
            raise TypeError("a dataset needs exactly one of frame and source")
        self.role = role
        self.uri = uri
        self.sha256 = sha256
        self.source = source
        self.manifest = manifest
        self.origin = origin or {}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousRun:
    """An artifact that a check stored in a previous run and reads again, with its digest and key."""

    logical_date: datetime
    name: str
    key: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamFile:
    """A file that a param of a check names, read once.

    `name` is the param, `uri` where the file is, `sha256` the hex digest of the very bytes in `content`.
    """

    name: str
    uri: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Subject:
    """The model and the datasets of one run, as one check reads them.

    `earlier` holds what the check stored in previous runs, the newest first, where it asks for it. `prepared` holds what
    mapped tasks of this run did of the check's work (`contract.check.Preparation`), in no order that counts.
    `champion` is the accepted model to compare with on the same rows, where there is one. `labels_mature_in`:
    days until a run's labels are complete; when set, the labels of the current run are not expected yet, and rows of
    the run that long ago are in `labelled_current`; `labels_reason` says why there is no such run yet. `logical_date`
    is the moment of the run (UTC), None outside a run. `model_file` holds the model's bytes for a check that reads them
    before anything loads them. `disclose` names the features whose values a report may show.
    `param_files` holds the files that the check's params name, by param. With a `decision_threshold`, the labels of model
    and champion are decided by it, whoever asks them; a champion with a threshold of its own keeps that.
    `named_keys` holds the keys that thresholds of the check name, by metric: such a group has its metrics, absent with a
    reason, where it is too small to be named otherwise.

    Raises:
        CheckError: the threshold does not fit the model.
    """

    name: str
    task: Task
    columns: Columns
    datasets: Mapping[Role, Dataset] = field(default_factory=dict)
    model: Model | None = None
    earlier: tuple[PreviousRun, ...] = ()
    prepared: tuple[Artifact, ...] = ()
    champion: Model | None = None
    labels_mature_in: int | None = None
    labels_reason: str = ""
    logical_date: datetime | None = None
    model_file: ModelFile | None = None
    threat_model: ThreatModel = field(default_factory=ThreatModel)
    disclose: tuple[str, ...] = ()
    param_files: Mapping[str, ParamFile] = field(default_factory=dict)
    decision_threshold: float | None = None
    named_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Here rather than in each check, so that no check can judge a model at another operating point.
        for name in ("model", "champion"):
            model: Model | None = getattr(self, name)
            if model is not None and self.decision_threshold is not None and model.decision is None:
                decided = model.deciding(self.decision_threshold, positive=self.columns.positive)
                object.__setattr__(self, name, decided)

    def keys_named(self, start: str) -> frozenset[str]:
        """The keys that thresholds name on metrics whose name starts like this."""
        return frozenset(key for metric, keys in self.named_keys.items() if metric.startswith(start) for key in keys)

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
        nested = [name for name in frame.columns if _is_nested(frame[name])]
        if nested:
            raise SubjectError(
                f"{self.datasets[role].uri}: column(s) {', '.join(nested)} of dataset {role!r} hold lists or structs, which are "
                "no feature; repair the feed or take the column out of columns.features"
            )
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


def _is_nested(column: pd.Series) -> bool:
    """Whether a column holds lists or structs, as its first value shows."""
    from pandas.api.types import is_list_like

    if column.dtype != object:
        return False
    held = column.dropna()
    return len(held) > 0 and bool(is_list_like(held.iloc[0]))
