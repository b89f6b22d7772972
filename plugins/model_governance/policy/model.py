"""What a policy holds, as frozen pydantic models that refuse unknown keys."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from model_governance.contract.moments import as_moment, end_of
from model_governance.contract.plain_names import Label
from model_governance.contract.protection import Protection
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Role
from model_governance.contract.threat_model import ThreatModel
from model_governance.policy.cron import runs_in_a_year
from model_governance.policy.notifications import NotificationSpec
from model_governance.policy.operation import (
    AlarmSpec,
    ArchiveSpec,
    ArtifactSpec,
    RetrainingSpec,
    ScheduleSpec,
)
from model_governance.policy.part import Name, Part
from model_governance.policy.promotion import ExecutionName, PromotionSpec
from model_governance.policy.subject_spec import DatasetSpec, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

Severity = Literal["error", "warn", "info"]
Condition = Literal["equal_to", "greater_than", "less_than", "geq_to", "leq_to", "between"]
CONDITIONS: tuple[Condition, ...] = ("equal_to", "greater_than", "less_than", "geq_to", "leq_to", "between")
CHANGES = ("min_absolute_change", "min_relative_change")
ADDED_KIND = "python"
"""Kind of a check that a DAG file adds to the policy: a function of the file (`@task.governance_check`)."""
Against = Literal["champion", "approved", "last_passed"]


class ConfirmSpec(Part):
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


class Threshold(Part):
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

    @cached_property
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


class CheckSpec(Part):
    """One check of a policy: its kind, its params and what is demanded of its metrics.

    `params` are read by the check's own model once the catalogue is known.
    """

    kind: str = Field(description="which check; by default the name under which it stands")
    params: dict[str, Any] = Field(default_factory=dict, description="the params of the check")
    thresholds: tuple[Threshold, ...] = Field(min_length=1)
    pool: ExecutionName | None = Field(default=None, description="Airflow pool of its task instead of schedule.pool")
    timeout_minutes: int | None = Field(
        default=None,
        ge=1,
        le=10_080,
        description="time after which its task is stopped, instead of schedule.timeout_minutes",
    )
    queue: ExecutionName | None = Field(default=None, description="queue of its task, for executors that have queues")
    executor_config: dict[str, Any] = Field(default_factory=dict, description="what its task tells its executor")
    mapped_tasks: int | None = Field(
        default=None, ge=2, le=256,
        description="mapped tasks that share the check's heavy work before it measures, as the training of reference "
        "models; by default its own task does all of it. Results are the same to the byte",
    )  # fmt: skip
    owner: str | None = Field(
        default=None, min_length=1, max_length=250,
        description="who answers for what this check finds; by default the owner of the policy",
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _thresholds_are_never_empty(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and not raw.get("thresholds"):
            raise ValueError(
                "no thresholds: a check that demands nothing would always pass; add one or remove the check"
            )
        return raw


class Waiver(Part):
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
    def _midnight_is_a_moment_and_no_day(cls, raw: Any) -> Any:
        return datetime.fromisoformat(raw) if isinstance(raw, str) and ":" in raw else raw

    @property
    def until(self) -> str:
        """`2026-06-30` for a last day, `2026-06-30 12:00:00 UTC` for a moment."""
        if isinstance(self.expires, datetime):
            return f"{as_moment(self.expires):%Y-%m-%d %H:%M:%S} UTC"
        return self.expires.isoformat()

    def is_live(self, moment: datetime) -> bool:
        """Whether it is in force for a run of this moment."""
        return moment < end_of(self.expires)


class ReportSpec(Part):
    """What pages and records may show of the data, and in which words."""

    labels: dict[str, Label] = Field(
        default_factory=dict, description="words of pages for columns and their values, by column"
    )
    disclose: tuple[str, ...] = Field(
        default=(),
        description="features whose values may be shown: changes of attacks, extremes in a profile, names of small groups",
    )

    @model_validator(mode="after")
    def _named_once(self) -> ReportSpec:
        if len(set(self.disclose)) != len(self.disclose):
            raise ValueError(f"disclose names a feature twice: {', '.join(self.disclose)}")
        return self


class Policy(Part):
    """One model's policy."""

    version: Literal[1] = Field(description="version of the policy language")
    owner: str = Field(min_length=1, max_length=250, description="who is notified when a run fails")
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
    promotion: PromotionSpec | None = None
    schedule: ScheduleSpec = ScheduleSpec()
    notifications: NotificationSpec = NotificationSpec()
    waivers: tuple[Waiver, ...] = ()
    approvers: tuple[str, ...] = Field(
        default=(), max_length=50,
        description="Airflow users who may grant waivers and accept runs; neither the owner nor who asks decides alone",
    )  # fmt: skip

    _source: bytes = PrivateAttr(default=b"")
    _folder: Path = PrivateAttr(default_factory=Path.cwd)
    _file_sha256: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _owner_is_no_approver(self) -> Policy:
        if self.approvers and all(approver.casefold() == self.owner.casefold() for approver in self.approvers):
            raise ValueError(f"approvers: the owner {self.owner} cannot decide alone; name another person")
        return self

    @model_validator(mode="after")
    def _one_task_has_one_setting(self) -> Policy:
        if self.schedule.layout != "one_task":
            return self
        for name, check in self.checks.items():
            own = sorted(
                {"pool", "queue", "executor_config", "timeout_minutes", "mapped_tasks"} & check.model_fields_set
            )
            if own:
                raise ValueError(
                    f"checks.{name}.{own[0]}: with schedule.layout one_task all checks run in one task; set "
                    f"schedule.{own[0] if own[0] in ('pool', 'timeout_minutes') else 'layout: task_per_check'}, or remove it"
                )
        return self

    @model_validator(mode="after")
    def _training_ends_in_a_decision(self) -> Policy:
        if self.retraining is not None and self.retraining.train is not None and self.promotion is None:
            raise ValueError(
                "retraining.train needs promotion, which says when the new version replaces the present one"
            )
        return self

    @model_validator(mode="after")
    def _only_labels_mature(self) -> Policy:
        for role, dataset in self.datasets.items():
            if dataset.maturity_days is not None and role != "labels":
                raise ValueError(f"datasets.{role}.maturity_days: only labels mature; set it at datasets.labels")
        return self

    @model_validator(mode="after")
    def _only_buckets_protect(self) -> Policy:
        uri, keys = self.artifacts.uri, self.protection.needs_bucket()
        if keys and uri is not None and not uri.startswith("s3://"):
            raise ValueError(
                f"{', '.join(keys)}: only a bucket can do this and artifacts.uri is a folder; write "
                "artifacts.uri: s3://bucket/prefix, or remove the key"
            )
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
        """The bytes the policy was read from; canonical JSON of what was set for a policy made in Python."""
        return self._source or canonical_json(self.model_dump(mode="json", exclude_unset=True, by_alias=True))

    @property
    def sha256(self) -> str:
        """Digest of `source`."""
        return hashlib.sha256(self.source).hexdigest()

    def owner_of(self, check: str) -> str:
        """Who answers for what a check finds; the owner of the policy for what is no check."""
        spec = self.checks.get(check)
        return self.owner if spec is None or spec.owner is None else spec.owner

    def waivers_at(self, moment: datetime) -> list[dict[str, Any]]:
        """The waivers in force for a run of this moment, as JSON types."""
        return [waiver.model_dump(mode="json") for waiver in self.waivers if waiver.is_live(moment)]

    @property
    def protection(self) -> Protection:
        """How the store must protect the evidence of this policy."""
        artifacts, archive = self.artifacts, self.archive
        return Protection(
            encryption=artifacts.encryption, kms_key=artifacts.kms_key, bucket_owner=artifacts.bucket_owner,
            object_lock=archive.object_lock, retention_days=archive.retention_days,
        )  # fmt: skip

    @property
    def file_sha256(self) -> str:
        """Digest of the file that a policy with added checks was read from; for any other policy that of `source`."""
        return self._file_sha256 or self.sha256

    def with_check(self, name: str, spec: CheckSpec) -> Policy:
        """This policy with one more check; its source becomes the canonical JSON of what is really run."""
        added = self.model_copy(update={"checks": {**self.checks, name: spec}})
        added._source, added._file_sha256 = b"", self.file_sha256  # noqa: SLF001 - of its own class
        return added

    def as_judged(self, check: str) -> Policy:
        """The policy that the task of a check judged by: without the other checks that a DAG file added.

        Tasks do not know of one another's additions, so each check shares the alarm budget with those of the file.
        """
        checks = {name: spec for name, spec in self.checks.items() if spec.kind != ADDED_KIND or name == check}
        return self if len(checks) == len(self.checks) else self.model_copy(update={"checks": checks})

    def with_version(
        self, model: ModelSpec, datasets: Mapping[Role, DatasetSpec], *, champion: ModelSpec | None = None
    ) -> Policy:
        """This policy for another version of its model; its source becomes the canonical JSON of what is really run.

        Args:
            model: the version.
            datasets: the rows that belong to the version and replace those of their roles: what it was trained on.
            champion: the model that it is compared with; None: as the policy says.
        """
        roles = {**self.datasets, **datasets}
        update = {"model": model, "datasets": roles} | ({} if champion is None else {"champion": champion})
        other = self.model_copy(update=update)
        other._source, other._file_sha256 = b"", self.file_sha256  # noqa: SLF001 - of its own class
        return other

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
