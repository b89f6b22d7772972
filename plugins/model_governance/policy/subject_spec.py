"""Where the model and the rows of a policy are, and how they are read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, field_validator, model_validator

from model_governance.contract.subject import Task
from model_governance.policy.part import Name, Part, Sha256

ModelFormat = Literal["skops", "onnx", "xgboost", "lightgbm", "torchscript", "http", "mlflow", "joblib", "pickle"]
DataFormat = Literal["parquet", "csv", "arrow", "delta", "iceberg", "sql"]
TEMPLATED = ("uri", "query", "interval", "timestamp")
"""Keys of a dataset that are rendered for every run."""
LAKE_FORMATS = ("delta", "iceberg")
RUN_INTERVAL = "{{ data_interval_start | default(logical_date) }}/{{ data_interval_end | default(logical_date) }}"


class EndpointSpec(Part):
    """How an inference endpoint is asked (Open Inference Protocol, version 2)."""

    timeout_seconds: float = Field(default=30.0, gt=0, description="one request, from connecting to the last byte")
    retries: int = Field(default=3, ge=0, le=20, description="further tries when it is busy or does not answer")
    backoff_seconds: float = Field(default=0.5, ge=0, description="wait before the first of them; doubles each time")
    batch_rows: int = Field(default=256, ge=1, description="rows of one request")
    max_rows: int = Field(default=200_000, ge=1, description="rows one check may ask; then it stops with an error")


class ApprovalSpec(Part):
    """The approved answers of a model, written by `model-governance model approve`."""

    uri: str = Field(description="path or address of the approval")
    sha256: Sha256 = Field(description="digest of the approval's bytes")


class ModelSpec(Part):
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
        default=(),
        description="classes of an endpoint, a TorchScript file or a native XGBoost or LightGBM file, in the order of its "
        "outputs: the label of class 0 first",
    )
    missing: float | None = Field(
        default=None, description="number that an XGBoost model was trained to take for missing (its `missing`)"
    )
    output: Literal["logits", "probabilities"] | None = Field(
        default=None, description="what the scores of an endpoint or TorchScript file are, where it does not say"
    )
    decision_threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="binary classification: probability from which on the positive class is predicted, in every check; by "
        "default the model's own labels, and for a champion the threshold of the model",
    )
    accept_version: str | None = Field(
        default=None,
        description="version of the library that wrote the file, accepted although another one is installed here",
    )
    approval: ApprovalSpec | None = Field(
        default=None, description="answers that the model must still give whenever it is loaded"
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
    def _only_two_classes_have_a_threshold(self) -> ModelSpec:
        if self.decision_threshold is not None and self.task != "binary_classification":
            raise ValueError(f"decision_threshold fits binary classification, not {self.task}; remove it")
        return self

    @model_validator(mode="after")
    def _only_xgboost_takes_a_number_for_missing(self) -> ModelSpec:
        if self.missing is not None and self.format not in ("xgboost", "mlflow"):
            raise ValueError(f"missing fits native XGBoost files, not format {self.format}; remove it")
        return self

    @model_validator(mode="after")
    def _pickle_needs_opt_in(self) -> ModelSpec:
        if self.format in ("pickle", "joblib") and not self.allow_pickle:
            raise ValueError(
                f"format {self.format} can run code while loading; save the model with skops, "
                "or set allow_pickle: true after reading README, section Model files"
            )
        return self


class CsvSpec(Part):
    """How a CSV file is read, where it is not the usual: comma, point, UTF-8, and an empty field where a value is missing."""

    missing: tuple[str, ...] = Field(
        default=("",),
        description="fields that stand for a missing value; all others are what they say: NA, None and NO are text",
    )
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="what stands between two fields")
    decimal: Literal[".", ","] = Field(default=".", description="decimal mark of numbers")
    encoding: str = Field(default="utf-8", description="encoding of the text, as Python names it")

    @field_validator("missing", mode="before")
    @classmethod
    def _words_are_text(cls, raw: Any) -> Any:
        wrong = [word for word in raw if not isinstance(word, str)] if isinstance(raw, (list, tuple)) else []
        if wrong:
            raise ValueError(f"YAML reads a word here as {wrong[0]!r}; quote it, as in missing: ['', 'NO', '-999']")
        return raw

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, name: str) -> str:
        try:
            "".encode(name)
        except (LookupError, ValueError) as error:
            raise ValueError(
                f"Python knows no text encoding {name!r}; write utf-8, cp1252, latin-1 or utf-16"
            ) from error
        return name

    @model_validator(mode="after")
    def _marks_differ(self) -> CsvSpec:
        if self.delimiter == self.decimal:
            raise ValueError(
                f"delimiter and decimal are both {self.decimal!r}; no number could be told from two fields"
            )
        if not self.delimiter.isascii() or self.delimiter in '"\r\n':
            raise ValueError(
                f"{self.delimiter!r} cannot stand between two fields; write one ASCII character such as ; or a tab"
            )
        return self


class DatasetSpec(Part):
    """One dataset: files (`uri`), a query (`query`) or a table (`table`) of the database at `uri` or `connection`.

    A uri of files names one file, a folder, or a glob (`scores/*.parquet`, `scores/**/*.csv.gz`); values that folders of a Hive
    layout name (`day=2026-11-29`) are columns of the rows. With `format: delta` it is the place of a Delta Lake table, with
    `format: iceberg` the folder or metadata file of an Iceberg table, or `iceberg://CATALOG/NAMESPACE.TABLE`.
    The rows of a query are brought here, those of a table stay where they are: the database answers. Its uri is
    `postgresql://host/database`, `duckdb:///path`, `spark://host:port`, `spark://local[2]`, `spark://` for the session of
    the surroundings, or another one that ibis connects to; a table of Spark may be the path of Parquet files. A password
    belongs to `connection`, or to the environment (PGPASSWORD): the policy is archived. `uri`, `query`, `interval`
    and `timestamp` are templates: {{ ds }}, {{ data_interval_start }} and what Airflow offers.
    """

    uri: str | None = Field(default=None, description="path or address of a file, or of a database")
    query: str | None = Field(default=None, description="SQL whose rows are fetched")
    table: str | None = Field(default=None, description="table that stays in its database, which answers about it")
    format: DataFormat | None = Field(default=None, description="by default from the ending of the uri")
    csv: CsvSpec | None = Field(default=None, description="how a CSV file is read, where it is not the usual")
    connection: str | None = Field(default=None, description="Airflow connection that reaches the data")
    partition: str | tuple[str, ...] | None = Field(
        default=None,
        description="key of Hive folders that spells a date or hour (or several keys that do so together, such as year, month, "
        "day); only partitions within the run's data interval are read",
    )
    interval: str | None = Field(
        default=None,
        description="moments start/end that `partition` is compared with, instead of the run's data interval",
    )
    version: int | None = Field(
        default=None,
        ge=0,
        description="version of a Delta Lake table, or snapshot of an Iceberg table; by default the newest",
    )
    timestamp: str | None = Field(
        default=None,
        description="moment (ISO 8601) whose state of a Delta Lake or Iceberg table is read, instead of a version",
    )
    sha256: Sha256 | None = Field(default=None, description="pins the bytes of a dataset that must not change")
    maturity_days: int | None = Field(
        default=None,
        ge=1,
        le=3650,
        description="labels only: days until a run's labels are complete; that run is judged then",
    )

    @model_validator(mode="before")
    @classmethod
    def _interval_of_the_run(cls, raw: Any) -> Any:
        # A template like any other, so that Airflow and the command line fill it in where they fill in the uri.
        if isinstance(raw, dict) and raw.get("partition") is not None and raw.get("interval") is None:
            return {**raw, "interval": RUN_INTERVAL}
        return raw

    @model_validator(mode="after")
    def _only_files_have_partitions(self) -> DatasetSpec:
        if self.partition is not None and (self.uri is None or self.query is not None or self.table is not None):
            raise ValueError("partition fits files (uri), neither a query nor a table")
        if self.interval is not None and not self.partition:
            raise ValueError("interval needs partition, the key of the folders that it is compared with")
        return self

    @model_validator(mode="after")
    def _only_lake_tables_have_versions(self) -> DatasetSpec:
        if self.format in LAKE_FORMATS and (self.uri is None or self.query is not None or self.table is not None):
            raise ValueError(f"format {self.format} needs uri, the place of the table, and neither query nor table")
        if (self.version is not None or self.timestamp is not None) and self.format not in LAKE_FORMATS:
            raise ValueError(f"version and timestamp fit tables of format {' or '.join(LAKE_FORMATS)}")
        if self.version is not None and self.timestamp is not None:
            raise ValueError("names both a version and a timestamp; keep one")
        if self.format == "iceberg" and self.partition is not None:
            raise ValueError("Iceberg hides its partitions; leave partition out")
        return self

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
        if self.csv is not None and (
            self.query is not None or self.table is not None or self.format not in (None, "csv")
        ):
            raise ValueError("csv says how a CSV file is read, and this is none; remove it")
        return self
