"""What manifests, records of checks, acceptances and requests must hold before anything in them is believed.

Unknown fields are kept and not read where they only add to a document (beside the run, the policy, a row of a check), so
that this release reads what a later one adds. They are refused where they may change what a number means: in findings,
verdicts, metrics, addresses and acceptances.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from model_governance.contract.documents import Count, Form, Moment, OpenForm, Probability, Sha256
from model_governance.evidence.history_form import HistoryPart  # noqa: TC001 - pydantic reads the annotation
from model_governance.store import blob_key, is_blob_key
from model_governance.verdict import RANK, Outcome, VerdictForm

if TYPE_CHECKING:
    from collections.abc import Sequence

Name = Annotated[str, Field(min_length=1)]
Purpose = Literal["baseline", "reference"]
"""What a run is accepted as."""


class Address(Form):
    """Where an object is, and the digest of its bytes."""

    key: Name
    sha256: Sha256


class AddressPart(TypedDict):
    """An address among many: a record names forty, and to make an object of each takes as long as all other checks of it."""

    __pydantic_config__ = Address.model_config  # type: ignore[misc]  # pydantic reads it

    key: Name
    sha256: Sha256


class StoredForm(Address):
    """An artifact under its content address."""

    name: Name
    size: Count
    media_type: str

    @model_validator(mode="after")
    def _is_content_address(self) -> StoredForm:
        if not is_blob_key(self.key, self.sha256, self.name):
            expected = blob_key(self.sha256, self.name)
            raise ValueError(f"expected the key {expected}, which its sha256 gives, found {self.key}")
        return self


class Advice(OpenForm):
    """What to do when a check is violated."""

    title: str
    text: str
    rank: int
    doubts_rows: bool = False


class PolicyPart(OpenForm):
    """The policy that a check was measured and judged by."""

    name: Name
    sha256: Sha256
    owner: str
    description: str


class ModelPart(OpenForm):
    """The model that a check loaded."""

    name: Name
    format: str
    sha256: Sha256
    task: str


class DatasetPart(OpenForm):
    """A dataset that a check read. A table without rows has no fingerprint."""

    role: Name
    uri: str
    sha256: Annotated[str, Field(pattern=r"^(derived:)?[0-9a-f]*$")]
    rows: Count


class RunName(OpenForm):
    """A run by its id and moment."""

    run_id: Name
    logical_date: Moment


class AcceptedPart(OpenForm):
    """Who accepted a baseline."""

    by: str
    reason: str
    at: Moment
    key: Name


class BaselinePart(OpenForm):
    """The run that changes were measured from."""

    run: RunName
    outcome: Outcome
    why: str
    model_sha256: str
    manifest: Address
    accepted: AcceptedPart | None


class DamagedPart(OpenForm):
    """An object of an earlier run that was left out."""

    key: Name
    logical_date: Moment | None
    reason: str


class EarlierPart(OpenForm):
    """An artifact of an earlier run that a check read."""

    logical_date: Moment
    name: Name
    key: Name
    sha256: Sha256


class MetricForm(Form):
    """A metric of a stored result; records of release 0.1 hold neither `absence` nor `limits` nor plain names."""

    name: Name
    key: str | None
    value: float | None
    low: float | None
    high: float | None
    n: Count
    meaning: str
    better: Literal["lower", "higher", "neither"]
    unit: str
    detail: str
    reason: str
    absence: Literal["error", "uncertain", "skipped", "no_rows"] = "error"
    p_value: Probability | None
    limits: dict[str, Any] | None = None
    title: str = ""
    key_title: str = ""

    @model_validator(mode="after")
    def _agrees(self) -> MetricForm:
        if (self.low is None) != (self.high is None):
            raise ValueError("expected an interval, found half of one (low and high)")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"expected low <= high, found the interval {self.low} to {self.high}")
        if self.value is None and not self.reason:
            raise ValueError("expected a value, or the reason why there is none, found neither")
        return self


class TableForm(Form):
    """A table of aggregates."""

    name: str
    title: str
    header: list[str]
    rows: list[list[Any]]

    @model_validator(mode="after")
    def _is_rectangular(self) -> TableForm:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"expected rows of {len(self.header)} cells, found another number")
        return self


class MadeForm(OpenForm):
    """An artifact as the result names it."""

    name: Name
    title: str
    media_type: str
    size: Count
    sha256: Sha256


class ResultForm(OpenForm):
    """What a check measured."""

    kind: Name
    status: Literal["measured", "not_applicable"]
    reason: str
    seed: int
    metrics: list[MetricForm]
    tables: list[TableForm]
    artifacts: list[MadeForm]
    highlights: list[str]
    notes: list[str]
    tools: dict[str, str]

    @model_validator(mode="after")
    def _names_metrics_once(self) -> ResultForm:
        if self.status == "measured" and not self.metrics:
            raise ValueError("expected metrics of a check that measured, found none")
        _require_once("metrics", [f"{metric.name}[{metric.key}]" for metric in self.metrics])
        return self


class ControlPart(Form):
    """A control that a check supports."""

    id: Name
    title: str


Nothing = Annotated[dict[str, Any], Field(max_length=0)]
"""Of a check that could not be judged."""


class JudgedPart(OpenForm):
    """What a verdict rests on beside its own numbers."""

    basis: str
    earlier: list[AddressPart]
    champion: dict[str, dict[str, Any]] | None
    waivers: list[Address] = Field(default_factory=list)


class RecordForm(OpenForm):
    """The record of one check."""

    check: Name
    kind: Name
    title: str
    question: str
    advice: Advice
    policy: PolicyPart
    model: ModelPart | None
    champion: ModelPart | None = None
    datasets: list[DatasetPart]
    earlier: list[EarlierPart]
    damaged: list[DamagedPart] = Field(default_factory=list)
    baselines: dict[str, BaselinePart | None] = Field(default_factory=dict)
    judged: JudgedPart | Nothing = Field(default_factory=dict)
    controls: list[ControlPart] = Field(default_factory=list)
    seed: int | None
    params: dict[str, Any]
    result: ResultForm | None
    problem: str
    verdict: VerdictForm
    stored: list[StoredForm]

    @model_validator(mode="after")
    def _agrees(self) -> RecordForm:
        _require_once("roles of datasets", [dataset.role for dataset in self.datasets])
        if self.verdict.name != self.check or any(finding.check != self.check for finding in self.verdict.findings):
            raise ValueError(f"expected findings of check {self.check}, found those of another")
        stored = {(artifact.name, artifact.sha256) for artifact in self.stored}
        lost = [made.name for made in (self.result.artifacts if self.result else ())
                if (made.name, made.sha256) not in stored]  # fmt: skip
        if lost:
            raise ValueError(f"expected an address of every artifact, found none of {', '.join(lost)}")
        return self


class RunPart(RunName):
    """Which run of a policy."""

    data_interval: Annotated[list[Moment], Field(min_length=2, max_length=2)] | None
    orchestrator: dict[str, Any]


class ArchivedPolicy(PolicyPart):
    """The policy of a run, with the address of its text; manifests of release 0.1 do not name the model's digest."""

    key: Name
    model_sha256: str | None = None

    @model_validator(mode="after")
    def _is_content_address(self) -> ArchivedPolicy:
        if not is_blob_key(self.key, self.sha256, "policy.yaml"):
            expected = blob_key(self.sha256, "policy.yaml")
            raise ValueError(f"expected the key {expected}, which its sha256 gives, found {self.key}")
        return self


class Environment(OpenForm):
    """Versions."""

    python: str
    packages: dict[str, str]


class CheckRow(OpenForm):
    """One check in a manifest; `record` and `report` are None where it never reported."""

    name: Name
    kind: str | None
    title: str
    advice: Advice | None
    outcome: Outcome
    stops: bool
    sentence: str
    record: Address | None
    report: StoredForm | None
    artifacts: list[StoredForm]
    baselines: dict[str, BaselinePart | None] = Field(default_factory=dict)
    damaged: list[DamagedPart] = Field(default_factory=list)
    started_at: Moment | None
    seconds: Annotated[float, Field(ge=0)] | None

    @model_validator(mode="after")
    def _agrees(self) -> CheckRow:
        if self.record is None and self.outcome != "error":
            raise ValueError(f"expected outcome error of a check that never reported, found {self.outcome}")
        if self.record is not None and not is_blob_key(self.record.key, self.record.sha256, "check.json"):
            raise ValueError(f"expected the record under the address of its sha256, found the key {self.record.key}")
        return self


class ManifestForm(OpenForm):
    """The manifest of one run."""

    run: RunPart
    policy: ArchivedPolicy
    model: ModelPart | None
    datasets: list[DatasetPart]
    verdict: VerdictForm
    checks: Annotated[list[CheckRow], Field(min_length=1)]
    environment: Environment
    started_at: Moment
    finished_at: Moment
    history: HistoryPart | None = None

    @model_validator(mode="after")
    def _agrees(self) -> ManifestForm:
        _require_once("names of checks", [row.name for row in self.checks])
        for row in self.checks:
            own = [finding.outcome for finding in self.verdict.findings if finding.check == row.name]
            if row.outcome not in own or (row.stops and not self.verdict.stops):
                raise ValueError(
                    f"expected the verdict of the run to hold that of check {row.name} ({row.outcome}, stops {row.stops}), "
                    "found none that agrees"
                )
        named = {row.name for row in self.checks} | {self.verdict.name}
        if any(finding.check not in named for finding in self.verdict.findings):
            raise ValueError("expected findings of the checks of the run, found one of another")
        if self.verdict.name != self.policy.name:
            raise ValueError(f"expected the verdict of {self.policy.name}, found that of {self.verdict.name}")
        worst = max((row.outcome for row in self.checks), key=RANK.index)
        if RANK.index(self.verdict.outcome) < RANK.index(worst):
            raise ValueError(f"expected outcome {worst} or worse, found {self.verdict.outcome}")
        return self


class AcceptanceForm(Form):
    """A stored acceptance."""

    schema_: str = Field(alias="schema")
    model: Name
    purpose: Purpose
    run: RunName
    model_sha256: str
    outcome: Outcome
    manifest: Address
    reason: Name
    by: Name
    accepted_at: Moment


class RequestingRun(OpenForm):
    """The run that asked for a retraining."""

    run_id: Name
    dag_id: str | None


class ChainHead(OpenForm):
    """The newest link of a chain at some moment."""

    sequence: Count
    sha256: Sha256


class RequestForm(OpenForm):
    """A stored entry of the ledger of retraining requests."""

    model: Name
    policy_sha256: Sha256
    logical_date: Moment
    run: RequestingRun
    outcome: Outcome
    findings: list[str]
    manifest: Address
    head: ChainHead | None = None


def _require_once(what: str, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = [name for name, count in Counter(names).items() if count > 1]
        raise ValueError(f"expected {what} once each, found twice: {', '.join(twice[:3])}")
