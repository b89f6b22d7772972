"""When a policy runs, where its evidence goes, how many false alarms it may raise and when it asks for retraining."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from model_governance.contract.protection import Encryption, LockMode
from model_governance.policy.cron import require_cron
from model_governance.policy.part import Part
from model_governance.policy.promotion import ExecutionName, TrainingSpec
from model_governance.policy.subject_spec import DatasetSpec
from model_governance.stats.multiplicity import Adjustment

Tag = Annotated[str, Field(min_length=1, max_length=100)]
AssetUri = Annotated[str, Field(min_length=1, max_length=1500, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*://\S+$")]


class ArtifactSpec(Part):
    """Where evidence goes: a folder (file://) or a bucket (s3://bucket/prefix)."""

    uri: str | None = Field(default=None, description="by default [model_governance] artifacts_uri of Airflow")
    connection: str | None = Field(default=None, description="Airflow aws connection of the bucket")
    encryption: Encryption | None = Field(
        default=None, description="encryption that every object must have: s3 (SSE-S3) or kms (SSE-KMS)"
    )
    kms_key: str | None = Field(
        default=None, min_length=1, max_length=2048,
        description="ARN or id of the key of encryption: kms; by default the key of the bucket",
    )  # fmt: skip
    bucket_owner: str | None = Field(
        default=None, pattern=r"^[0-9]{12}$", description="AWS account that must own the bucket (ExpectedBucketOwner)"
    )

    @model_validator(mode="after")
    def _key_belongs_to_kms(self) -> ArtifactSpec:
        if self.kms_key is not None and self.encryption != "kms":
            raise ValueError("kms_key is the key of encryption: kms; add encryption: kms, or remove kms_key")
        return self


Preset = Literal["ai_act_logs", "pci_dss", "ai_act_documentation"]
RETENTION_DAYS: dict[Preset, int] = {"ai_act_logs": 183, "pci_dss": 365, "ai_act_documentation": 3650}
"""Presets of retention: logs of high-risk systems for six months (EU AI Act, Art. 19 and 26(6)), audit trails for twelve months
(PCI DSS 4.0.1, 10.5.1), technical documentation for ten years (EU AI Act, Art. 18)."""


class ArchiveSpec(Part):
    """How long the archive of a run is kept, whether the bucket enforces it, who signs it, and whose signatures count."""

    retention_days: int = Field(
        default=3650, ge=1, le=36_500,
        description="days that a run is kept; only `archive prune` removes older ones, and with object_lock nothing can",
    )  # fmt: skip
    retention: Preset | None = Field(
        default=None,
        description="retention_days by name: ai_act_logs (183), pci_dss (365), ai_act_documentation (3650)",
    )
    object_lock: LockMode | None = Field(
        default=None,
        description="Object Lock mode of every object for retention_days (write once, read many): GOVERNANCE, which a "
        "special permission may lift, or COMPLIANCE, which nobody may; a store that does not enforce it is refused",
    )
    signing_key: str | None = Field(
        default=None,
        pattern=r"^(file|env|connection|kms):\S+$",
        description="private key that signs evidence: file:PATH, env:VARIABLE, connection:NAME (its password), or "
        "kms:KEY[@CONNECTION]; without it evidence is unsigned",
    )
    trust: str | None = Field(
        default=None,
        min_length=1,
        description="file with the public keys that may sign; with it no earlier run is read without their signature",
    )
    controls: tuple[str, ...] = Field(
        default=(),
        max_length=20,
        description="files with control catalogues of your own, which are added to those of the package",
    )

    @model_validator(mode="before")
    @classmethod
    def _preset_gives_the_days(cls, raw: object) -> object:
        if not isinstance(raw, dict) or raw.get("retention") not in RETENTION_DAYS:
            return raw
        if raw.get("retention_days", RETENTION_DAYS[raw["retention"]]) != RETENTION_DAYS[raw["retention"]]:
            raise ValueError("retention and retention_days say different things; keep one of them")
        return raw | {"retention_days": RETENTION_DAYS[raw["retention"]]}


class AlarmSpec(Part):
    """How many false fails the owner accepts, over the whole policy and a year of runs."""

    false_fails_per_year: int = Field(default=4, ge=0, le=10**6, description="most false fails in a year")
    confidence: float = Field(default=0.95, gt=0, lt=1, description="share of years in which that holds, at least")
    runs_per_year: int | None = Field(
        default=None,
        ge=1,
        le=10**6,
        description="runs in a year; by default counted from schedule.cron, 365 without one",
    )
    adjust: Adjustment = Field(default="benjamini_hochberg", description="how the columns of a threshold share it")


class RetrainingSpec(Part):
    """When a retraining is asked for, and how often at most."""

    when: tuple[Literal["fail", "warn", "uncertain"], ...] = Field(
        default=("fail",), min_length=1, description="outcomes of a check that request it"
    )
    checks: tuple[str, ...] = Field(default=(), description="checks that count; all when empty")
    cooldown_days: int = Field(
        default=7,
        ge=0,
        le=3650,
        description="days after a request without a further one, counted from moment to moment",
    )
    max_per_90_days: int = Field(default=4, ge=1, description="requests in 90 days at most")
    max_without_gain: int = Field(
        default=3, ge=1, le=100,
        description="trainings in a row that may end without a better model; then a person is asked instead of training again",
    )  # fmt: skip
    train: TrainingSpec | None = Field(
        default=None, description="what trains the new version; by default the asset event alone asks for it"
    )
    window: DatasetSpec | None = Field(
        default=None, description="rows that the new version is trained on; rendered for the run that requests it"
    )

    @model_validator(mode="after")
    def _training_has_rows(self) -> RetrainingSpec:
        if self.train is not None and self.window is None:
            raise ValueError("train needs window, the rows that the new version is trained on")
        return self


class WaitSpec(Part):
    """How long a run waits for its data."""

    timeout_minutes: int = Field(ge=1, le=10_080, description="time after which the checks run and say what is missing")
    assets: tuple[AssetUri, ...] = Field(
        default=(), max_length=20,
        description="uris of Airflow assets that must have been updated since the start of the run's data interval, too",
    )  # fmt: skip


class ScheduleSpec(Part):
    """When the DAG runs and how its tasks behave."""

    cron: str | None = Field(
        default="0 2 * * *",
        max_length=100,
        description="when runs start; null: only by hand or by assets. With assets there is no default",
    )
    timezone: str = Field(
        default="UTC", max_length=64, description="time zone of cron and start_date, as Europe/Berlin"
    )
    assets: tuple[AssetUri, ...] = Field(
        default=(), max_length=20,
        description="uris of Airflow assets: a run starts when all of them were updated, and where cron is set also then",
    )  # fmt: skip
    wait_for_data: WaitSpec | None = Field(
        default=None, description="wait until the datasets are there; by default the checks run at once"
    )
    start_date: date = Field(
        default=date(2025, 1, 1), ge=date(1970, 1, 1), lt=date(2200, 1, 1), description="first day of the schedule"
    )
    catchup: bool = Field(default=False, description="whether runs before today are made up for")
    layout: Literal["task_per_check", "one_task"] = Field(
        default="task_per_check",
        description="a task for each check, side by side, or one task for all: a small model then spends most of its CPU on "
        "measuring, since libraries are imported once",
    )
    retries: int = Field(default=2, ge=0, le=100, description="further tries of a task that could not measure or store")
    retry_delay_seconds: int = Field(default=300, ge=0, le=604_800, description="wait before each of them")
    timeout_minutes: int = Field(default=120, ge=1, le=10_080, description="time after which a task is stopped")
    run_timeout_minutes: int | None = Field(
        default=None, ge=1, le=525_600,
        description="time after which Airflow ends a run as failed; by default what its tasks may take with all their tries",
    )  # fmt: skip
    deadline_minutes: int | None = Field(
        default=None, ge=1, le=525_600,
        description="time after its start was due at which a run that has not ended raises an alert; none by default",
    )  # fmt: skip
    pool: ExecutionName | None = Field(
        default=None, description="Airflow pool of the tasks, up to 256 characters and none of them a control character"
    )
    tags: tuple[Tag, ...] = Field(default=(), max_length=50, description="tags of the DAG")

    @model_validator(mode="after")
    def _deadline_comes_before_the_end(self) -> ScheduleSpec:
        if self.run_timeout_minutes and self.deadline_minutes and self.deadline_minutes >= self.run_timeout_minutes:
            raise ValueError(
                f"deadline_minutes {self.deadline_minutes} is never reached: the run is ended after run_timeout_minutes "
                f"{self.run_timeout_minutes}; make it smaller"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _assets_replace_the_default_cron(cls, raw: Any) -> Any:
        return {**raw, "cron": None} if isinstance(raw, dict) and raw.get("assets") and "cron" not in raw else raw

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"{name!r} is no time zone; write a name of the IANA database such as Europe/Berlin"
            ) from error
        return name

    @field_validator("cron")
    @classmethod
    def _cron_fires(cls, cron: str | None) -> str | None:
        if cron is not None:
            require_cron(cron)
        return cron
