"""What a policy holds, as frozen pydantic models that refuse unknown keys."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    StrictFloat,
    StrictInt,
    field_validator,
    model_validator,
)

from model_governance.contract.moments import end_of
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Role, Task
from model_governance.contract.threat_model import ThreatModel
from model_governance.policy.cron import require_cron, runs_in_a_year
from model_governance.stats.multiplicity import Adjustment

Severity = Literal["error", "warn", "info"]
Condition = Literal["equal_to", "greater_than", "less_than", "geq_to", "leq_to", "between"]
CONDITIONS: tuple[Condition, ...] = ("equal_to", "greater_than", "less_than", "geq_to", "leq_to", "between")
CHANGES = ("min_absolute_change", "min_relative_change")
Against = Literal["champion", "approved", "last_passed"]
ModelFormat = Literal["skops", "onnx", "xgboost", "lightgbm", "torchscript", "http", "mlflow", "joblib", "pickle"]
DataFormat = Literal["parquet", "csv", "arrow", "sql"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ConfirmSpec(_Part):
    """Fail only if the threshold was violated in at least `violations` of the last `window` runs; otherwise warn."""

    violations: int = Field(ge=1, description="runs that must violate the threshold, the current run included")
    window: int = Field(ge=1, description="runs that are counted, the current run included")

    @model_validator(mode="after")
    def _fits(self) -> ConfirmSpec:
        if self.violations > self.window:
            raise ValueError(
                f"{self.violations} violations in {self.window} runs are impossible; `violations` is at most `window`"
            )
        return self


class Threshold(_Part):
    """One demand on one metric: exactly one condition or one form of change.

    A change is an improvement in the metric's better direction, against the champion model, the approved run or
    the last run that passed; a negative number allows a loss of at most that much.
    """

    metric: str = Field(description="a metric that the check declares")
    key: str | None = Field(default=None, description="column, class or slice of a repeated metric; all when absent")
    equal_to: float | None = Field(default=None, description="the metric is this number")
    greater_than: float | None = Field(default=None, description="the metric is above this number")
    less_than: float | None = Field(default=None, description="the metric is below this number")
    geq_to: float | None = Field(default=None, description="the metric is at least this number")
    leq_to: float | None = Field(default=None, description="the metric is at most this number")
    between: tuple[float, float] | None = Field(default=None, description="both ends included")
    min_absolute_change: float | None = Field(default=None, description="smallest gain; -0.02 allows a loss of 0.02")
    min_relative_change: float | None = Field(default=None, description="share of the baseline value, 0.05 = 5%")
    against: Against = Field(default="approved", description="baseline of a change")
    tolerance: float = Field(default=0.0, ge=0, description="share of the bound by which it may be missed")
    severity: Severity = Field(default="error", description="what a violation is: a fail, a warning, or a remark")
    minimum_rows: int = Field(default=1, ge=1, description="fewer rows behind the metric give `uncertain`")
    confirm: ConfirmSpec | None = Field(
        default=None, description="how many of the last runs must violate it; by default the current run decides"
    )

    @model_validator(mode="after")
    def _one_condition(self) -> Threshold:
        conditions = [name for name in (*CONDITIONS, *CHANGES) if getattr(self, name) is not None]
        if len(conditions) != 1:
            found = " and ".join(conditions) if conditions else "none"
            raise ValueError(f"needs exactly one of {', '.join((*CONDITIONS, *CHANGES))}; found {found}")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError(f"between: the lower end {self.between[0]} is above the upper end {self.between[1]}")
        if "against" in self.model_fields_set and not self.is_change:
            raise ValueError("against fits min_absolute_change and min_relative_change only")
        return self

    @property
    def condition(self) -> str:
        """The condition or form of change that is set."""
        return next(name for name in (*CONDITIONS, *CHANGES) if getattr(self, name) is not None)

    @property
    def bound(self) -> float | tuple[float, float]:
        """The number(s) of the demand."""
        bound: float | tuple[float, float] = getattr(self, self.condition)
        return bound

    @property
    def is_change(self) -> bool:
        """Whether the demand compares with a baseline."""
        return self.condition in CHANGES


class CheckSpec(_Part):
    """One check of a policy: its kind, its params and what is demanded of its metrics.

    `params` are read by the check's own model once the catalogue is known.
    """

    kind: str = Field(description="which check; by default the name under which it stands")
    params: dict[str, Any] = Field(default_factory=dict, description="the params of the check")
    thresholds: tuple[Threshold, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _thresholds_are_never_empty(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and not raw.get("thresholds"):
            raise ValueError(
                "no thresholds: a check that demands nothing would always pass; add one or remove the check"
            )
        return raw


class EndpointSpec(_Part):
    """How an inference endpoint is asked (Open Inference Protocol, version 2)."""

    timeout_seconds: float = Field(default=30.0, gt=0, description="one request, from connecting to the last byte")
    retries: int = Field(default=3, ge=0, le=20, description="further tries when it is busy or does not answer")
    backoff_seconds: float = Field(default=0.5, ge=0, description="wait before the first of them; doubles each time")
    batch_rows: int = Field(default=256, ge=1, description="rows of one request")
    max_rows: int = Field(default=200_000, ge=1, description="rows one check may ask; then it stops with an error")


class ModelSpec(_Part):
    """The model: where its bytes are, which bytes they must be, and how they are read."""

    name: Name = Field(description="name of the model, of its DAG and of its archive")
    uri: str = Field(description="path or address of the file, or the address of an endpoint")
    sha256: Sha256 = Field(description="digest of the approved bytes; no others are loaded")
    format: ModelFormat = Field(default="skops", description="how the bytes are read")
    task: Task = Field(description="what the model predicts")
    allow_pickle: bool = Field(default=False, description="explicit opt-in that joblib and pickle files need")
    trusted: tuple[str, ...] = Field(default=(), description="further types that a skops file may hold")
    connection: str | None = Field(default=None, description="Airflow connection that reaches the uri")
    classes: tuple[StrictBool | StrictInt | StrictFloat | str, ...] = Field(
        default=(), description="classes of an endpoint or TorchScript file, in the order of its outputs"
    )
    output: Literal["logits", "probabilities"] | None = Field(
        default=None, description="what the scores of an endpoint or TorchScript file are, where it does not say"
    )
    endpoint: EndpointSpec = EndpointSpec()
    training: dict[str, Any] = Field(
        default_factory=dict,
        description="training parameters that an XGBoost file does not keep (subsample, colsample_bytree, ...): "
        "attacks retrain copies with them",
    )

    @model_validator(mode="after")
    def _uri_and_format_agree(self) -> ModelSpec:
        if self.uri.startswith(("http://", "https://")) != (self.format == "http"):
            raise ValueError(
                "a uri of http:// or https:// is an inference endpoint and needs format: http, which fits no other uri"
            )
        if self.uri.startswith("mlflow:") != (self.format == "mlflow"):
            raise ValueError("a uri of mlflow: needs format: mlflow, which fits no other uri")
        if self.format == "mlflow" and self.connection is not None:
            raise ValueError(
                "MLflow takes server and credentials from MLFLOW_TRACKING_URI and its kin; leave connection out"
            )
        return self

    @model_validator(mode="after")
    def _pickle_needs_opt_in(self) -> ModelSpec:
        if self.format in ("pickle", "joblib") and not self.allow_pickle:
            raise ValueError(
                f"format {self.format} can run code while loading; save the model with skops, "
                "or set allow_pickle: true after reading README, section Model files"
            )
        return self


class DatasetSpec(_Part):
    """One dataset: a file (`uri`), a query (`query`) or a table (`table`) of the database at `uri` or `connection`.

    The rows of a query are brought here, those of a table stay where they are: the database answers. Its uri is
    `postgresql://user:password@host/database`, `duckdb:///path`, `spark://host:port`, `spark://local[2]`, `spark://` for
    the session of the surroundings, or another one that ibis connects to; a table of Spark may be the path of Parquet
    files. `uri` and `query` are templates: {{ ds }}, {{ data_interval_start }} and what Airflow offers.
    """

    uri: str | None = Field(default=None, description="path or address of a file, or of a database")
    query: str | None = Field(default=None, description="SQL whose rows are fetched")
    table: str | None = Field(default=None, description="table that stays in its database, which answers about it")
    format: DataFormat | None = Field(default=None, description="by default from the ending of the uri")
    connection: str | None = Field(default=None, description="Airflow connection that reaches the data")
    sha256: Sha256 | None = Field(default=None, description="pins the bytes of a dataset that must not change")
    maturity_days: int | None = Field(
        default=None,
        ge=1,
        description="labels only: days until a run's labels are complete; that run is judged then",
    )

    @model_validator(mode="after")
    def _one_source(self) -> DatasetSpec:
        if self.query is None and self.table is None and self.uri is None:
            raise ValueError("needs uri (a file), or query or table with connection or uri (a database)")
        if self.query is not None and (self.uri is None) == (self.connection is None):
            raise ValueError("a query needs exactly one of connection (Airflow) and uri (SQLAlchemy)")
        if self.table is not None and self.query is not None:
            raise ValueError("names both a query and a table; keep one")
        if self.table is not None and (self.uri is None) == (self.connection is None):
            raise ValueError("a table needs exactly one of connection (Airflow) and uri (the database)")
        if self.format == "sql" and self.query is None:
            raise ValueError("format sql needs a query")
        return self


class ArtifactSpec(_Part):
    """Where evidence goes: a folder (file://) or a bucket (s3://bucket/prefix)."""

    uri: str | None = Field(default=None, description="by default [model_governance] artifacts_uri of Airflow")
    connection: str | None = Field(default=None, description="Airflow aws connection of the bucket")


class ArchiveSpec(_Part):
    """How long the archive of a run is kept."""

    retention_days: int = Field(
        default=3650, ge=1, description="days that a run is meant to be kept; nothing deletes it"
    )


class AlarmSpec(_Part):
    """How many false fails the owner accepts, over the whole policy and a year of runs."""

    false_fails_per_year: int = Field(default=4, ge=0, description="most false fails in a year")
    confidence: float = Field(default=0.95, gt=0, lt=1, description="share of years in which that holds, at least")
    runs_per_year: int | None = Field(
        default=None, ge=1, description="runs in a year; by default counted from schedule.cron, 365 without one"
    )
    adjust: Adjustment = Field(default="benjamini_hochberg", description="how the columns of a threshold share it")


class RetrainingSpec(_Part):
    """When a retraining is asked for, and how often at most."""

    when: tuple[Literal["fail", "warn", "uncertain"], ...] = Field(
        default=("fail",), min_length=1, description="outcomes of a check that request it"
    )
    checks: tuple[str, ...] = Field(default=(), description="checks that count; all when empty")
    cooldown_days: int = Field(
        default=7, ge=0, description="days after a request without a further one, counted from moment to moment"
    )
    max_per_90_days: int = Field(default=4, ge=1, description="requests in 90 days at most")


class ScheduleSpec(_Part):
    """When the DAG runs and how its tasks behave."""

    cron: str | None = Field(default="0 2 * * *", description="when runs start, in UTC; null: only by hand")
    start_date: date = Field(default=date(2025, 1, 1), description="first day of the schedule")
    catchup: bool = Field(default=False, description="whether runs before today are made up for")
    retries: int = Field(default=2, ge=0, description="further tries of a task that could not measure or store")
    retry_delay_seconds: int = Field(default=300, ge=0, description="wait before each of them")
    timeout_minutes: int = Field(default=120, ge=1, description="time after which a task is stopped")
    pool: str | None = Field(default=None, description="Airflow pool of the tasks")
    tags: tuple[str, ...] = Field(default=(), description="tags of the DAG")

    @field_validator("cron")
    @classmethod
    def _cron_fires(cls, cron: str | None) -> str | None:
        if cron is not None:
            require_cron(cron)
        return cron


class Waiver(_Part):
    """A violation that somebody answers for, until a moment: shown, never hidden."""

    check: str = Field(description="name of the check in the policy")
    metric: str = Field(description="metric whose violation is waived")
    key: str | None = Field(default=None, description="one column, class or slice of it; all when absent")
    reason: str = Field(min_length=10, description="why the violation is accepted")
    approver: str = Field(min_length=1, description="who accepts it")
    ticket: str = Field(min_length=1, description="where the acceptance is recorded")
    expires: date | datetime = Field(description="last day (UTC), or the moment from which it is no longer in force")

    @field_validator("expires", mode="before")
    @classmethod
    def _a_date_is_a_whole_day(cls, raw: Any) -> Any:
        return date.fromisoformat(raw) if isinstance(raw, str) and len(raw) == len("2026-05-01") else raw

    def is_live(self, moment: datetime) -> bool:
        """Whether it is in force for a run of this moment."""
        return moment < end_of(self.expires)


class ReportSpec(_Part):
    """What pages and records may show of the data."""

    disclose: tuple[str, ...] = Field(
        default=(), description="features whose values attacks may show; of all others they name sizes of changes"
    )

    @model_validator(mode="after")
    def _named_once(self) -> ReportSpec:
        if len(set(self.disclose)) != len(self.disclose):
            raise ValueError(f"disclose names a feature twice: {', '.join(self.disclose)}")
        return self


class Policy(_Part):
    """One model's policy."""

    version: Literal[1] = Field(description="version of the policy language")
    owner: str = Field(min_length=1, description="who is notified when a run fails")
    description: str = Field(default="", description="one line about the model, for the pages")
    model: ModelSpec
    champion: ModelSpec | None = Field(default=None, description="the accepted model to compare with on the same rows")
    columns: Columns
    threat_model: ThreatModel = ThreatModel()
    datasets: dict[Role, DatasetSpec] = Field(min_length=1, description="the rows, by role")
    checks: dict[Name, CheckSpec] = Field(min_length=1, description="what is measured and what must hold, by name")
    fail_on: Literal["error", "warn", "never"] = Field(default="error", description="severity that fails the run")
    on_uncertain: Literal["warn", "fail", "pass"] = Field(default="warn", description="what `uncertain` counts as")
    report: ReportSpec = ReportSpec()
    artifacts: ArtifactSpec = ArtifactSpec()
    archive: ArchiveSpec = ArchiveSpec()
    alarms: AlarmSpec = AlarmSpec()
    retraining: RetrainingSpec | None = None
    schedule: ScheduleSpec = ScheduleSpec()
    waivers: tuple[Waiver, ...] = ()

    _source: bytes = PrivateAttr(default=b"")
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @model_validator(mode="after")
    def _only_labels_mature(self) -> Policy:
        for role, dataset in self.datasets.items():
            if dataset.maturity_days is not None and role != "labels":
                raise ValueError(f"datasets.{role}.maturity_days: only labels mature; set it at datasets.labels")
        return self

    @field_validator("checks", mode="before")
    @classmethod
    def _kind_defaults_to_the_name(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {
            name: {"kind": name, **spec} if isinstance(spec, dict) and "kind" not in spec else spec
            for name, spec in raw.items()
        }

    def at(self, *, source: bytes | None = None, folder: Path | None = None) -> Policy:
        """This policy, once it is known from which bytes and where it was read."""
        self._source = source if source is not None else self._source
        self._folder = folder if folder is not None else self._folder
        return self

    @property
    def source(self) -> bytes:
        """The bytes the policy was read from; canonical JSON for a policy made in Python."""
        return self._source or canonical_json(self.model_dump(mode="json"))

    @property
    def sha256(self) -> str:
        """Digest of `source`."""
        return hashlib.sha256(self.source).hexdigest()

    @property
    def runs_per_year(self) -> int:
        """Runs in a year: as `alarms` says, else as often as `schedule.cron` fires, else 365."""
        if self.alarms.runs_per_year is not None:
            return self.alarms.runs_per_year
        return runs_in_a_year(self.schedule.cron) if self.schedule.cron is not None else 365

    @property
    def level_per_run(self) -> float:
        """The chance of any false fail that one run may take (`verdict.budget` says why)."""
        alarms = self.alarms
        return min(1.0, (1 - alarms.confidence) * (alarms.false_fails_per_year + 1) / self.runs_per_year)

    @property
    def folder(self) -> Path:
        """The folder that relative uris start from: that of the policy file."""
        return self._folder

    @property
    def name(self) -> str:
        """The model's name, which is the policy's too."""
        return self.model.name
