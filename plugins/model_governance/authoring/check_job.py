"""One check of one run, asked for by an Airflow task and carried out elsewhere: the request, the command `job`, its result.

Request and result are objects of the store. The request's digest stands on the command line of the job; the digest of the
result comes back over the service that ran the job, so that who may only write to the store can put no other result in
its place.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from model_governance import __version__
from model_governance.checks import catalogue
from model_governance.contract.connections import CacheSettings, KeySettings, PlainConnections, plain_s3_client
from model_governance.contract.documents import Form, Moment, Sha256, read_document, require_form
from model_governance.contract.result import Artifact, canonical_json
from model_governance.contract.run import Run
from model_governance.errors import CheckError, EvidenceError
from model_governance.evidence.forms import StoredForm  # noqa: TC001 - pydantic reads the annotation
from model_governance.evidence.promotions import governed
from model_governance.evidence.record import read_record
from model_governance.evidence.trust import trust_of
from model_governance.policy import DatasetSpec
from model_governance.policy.load import parse_policy
from model_governance.run import CheckRun, run_check
from model_governance.store import Stored, blob_key, open_store, put_blob, read_verified
from model_governance.verdict import trusted_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.subject import Role
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

REQUEST_SCHEMA = "model-governance/check-job/v1"
RESULT_SCHEMA = "model-governance/check-job-result/v1"
REQUEST_FILE, RESULT_FILE = "job.json", "result.json"
CACHE_BYTES = 10 << 30


class _RequestForm(Form):
    schema_: str = Field(alias="schema")
    release: str
    policy: StoredForm
    folder: str
    check: str
    run_id: str
    logical_date: Moment
    data_interval: list[Moment] | None
    sources: dict[str, dict[str, Any]]
    champion_at: Moment | None
    trust: str | None
    task: dict[str, Any]


class _ResultForm(Form):
    schema_: str = Field(alias="schema")
    request: Sha256
    record: StoredForm
    report: StoredForm
    started_at: Moment
    seconds: Annotated[float, Field(ge=0)]


def store_request(
    store: ArtifactStore,
    policy: Policy,
    check: str,
    *,
    run: Run,
    sources: Mapping[Role, DatasetSpec],
    champion_at: datetime | None,
    trust: str | None,
    task: Mapping[str, Any],
) -> Stored:
    """Store what a job needs to carry out a check as its task would; the same request has the same bytes.

    Args:
        store: of the evidence.
        policy: as its file stands; where a version was promoted, the job looks it up for `champion_at`.
        check: a name of `policy.checks`.
        run: whose check it is.
        sources: the datasets, rendered.
        champion_at: moment at which the champion was chosen (UTC); None where the policy promotes nothing, or now.
        trust: text of the trust file of the installation, where the policy names none.
        task: what tells this request from another one of the same run and check (JSON types).

    Raises:
        StoreUnreachable, StoreError: as `put_blob`.
    """
    text = Artifact(name="policy.yaml", media_type="application/yaml", content=policy.source)
    identity = run.record()
    request = {
        "schema": REQUEST_SCHEMA, "release": __version__, "policy": put_blob(store, text).record(),
        "folder": str(policy.folder), "check": check,
        "run_id": identity["run_id"], "logical_date": identity["logical_date"], "data_interval": identity["data_interval"],
        "sources": {role: spec.model_dump(mode="json", exclude_unset=True) for role, spec in sources.items()},
        "champion_at": champion_at.isoformat() if champion_at else None, "trust": trust, "task": dict(task),
    }  # fmt: skip
    return put_blob(store, Artifact(name=REQUEST_FILE, media_type="application/json", content=canonical_json(request)))


def carry_out(uri: str, request_sha256: str) -> tuple[CheckRun, Stored]:
    """Measure, judge and store the check that a request names; returns it, and the result that `read_result` takes.

    Args:
        uri: the store that holds the request and takes the evidence.
        request_sha256: digest of the request.

    Raises:
        EvidenceError: the request is damaged, or no request.
        CheckError: it was written by another release, which may measure otherwise.
        PolicyError: this release does not read the policy.
        SubjectUnreachable, StoreUnreachable, StoreError: as `run_check`.
    """
    with TemporaryDirectory(prefix="model-governance-job-") as folder:
        connections = _JobConnections(Path(folder))
        store = open_store(uri, folder=Path.cwd(), connections=connections)
        asked = _read_request(store, request_sha256)
        if asked.release != __version__:
            raise CheckError(
                f"{asked.check}: the task has release {asked.release} of this package, the image of the job has {__version__}; "
                "name an image with the release of the workers"
            )
        source = read_verified(store, asked.policy.model_dump())
        policy = parse_policy(source, catalogue()).at(folder=Path(asked.folder))
        store = open_store(uri, folder=Path.cwd(), connections=connections, protection=policy.protection)
        if asked.trust is not None:
            connections.take_trust(asked.trust)
        if policy.promotion is not None:
            at = datetime.fromisoformat(asked.champion_at) if asked.champion_at else None
            policy = governed(policy, store, moment=at, trust=trust_of(policy, connections))
        done = run_check(
            policy, asked.check, run=Run.of_record(asked.model_dump()), store=store, connections=connections,
            sources=_sources(asked),
        )  # fmt: skip
    result = {
        "schema": RESULT_SCHEMA, "request": request_sha256, "record": done.record.record(),
        "report": done.report.record(), "started_at": done.started_at.isoformat(timespec="seconds"),
        "seconds": float(done.seconds),
    }  # fmt: skip
    content = canonical_json(result)
    return done, put_blob(store, Artifact(name=RESULT_FILE, media_type="application/json", content=content))


def read_result(store: ArtifactStore, sha256: str, *, request_sha256: str, policy: Policy, check: str) -> CheckRun:
    """What a job did, as if it had been done here, once every byte is shown to have its digest.

    Args:
        store: of the evidence.
        sha256: digest of the result.
        request_sha256: digest of the request that it must answer.
        policy: under which the check must have been judged.
        check: its name.

    Raises:
        EvidenceError: result, record or report is damaged, or belongs to another request, check or policy.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    key = blob_key(sha256, RESULT_FILE)
    origin = store.locate(key)
    document = read_document(read_verified(store, {"key": key, "sha256": sha256}), origin=origin, schema=RESULT_SCHEMA)
    result = require_form(document, _ResultForm, origin=origin)
    if result.request != request_sha256:
        raise EvidenceError(
            f"{origin}: expected the result of request {request_sha256}, found that of {result.request}; it is not used"
        )
    record = read_record(store, result.record.model_dump())
    read_verified(store, result.report.model_dump())
    found = record["check"], record["policy"]["name"], record["policy"]["file_sha256"]
    if found != (check, policy.name, policy.file_sha256):
        raise EvidenceError(
            f"{store.locate(result.record.key)}: expected check {check} under policy {policy.name} with sha256 "
            f"{policy.file_sha256}, found check {found[0]} under policy {found[1]} with sha256 {found[2]}; it is not used"
        )
    return CheckRun(
        name=check, kind=record["kind"], verdict=trusted_verdict(record["verdict"]),
        problem=CheckError(record["problem"]) if record["problem"] else None,
        record=_stored(result.record.model_dump(), store), report=_stored(result.report.model_dump(), store),
        artifacts=tuple(_stored(each, store) for each in record["stored"]),
        started_at=datetime.fromisoformat(result.started_at), seconds=result.seconds,
        metrics=len(record["result"]["metrics"]) if record["result"] else 0, datasets=tuple(record["datasets"]),
    )  # fmt: skip


class _JobConnections(PlainConnections):
    """Connections of a container: Airflow's are not known there, so that credentials of buckets come from its surroundings."""

    def __init__(self, folder: Path) -> None:
        self.cache = CacheSettings(folder=folder / "cache", max_bytes=CACHE_BYTES)
        self._folder = folder
        self._trust: str | None = None

    @property
    def keys(self) -> KeySettings:
        """The trust file of the installation that asked; a job signs nothing."""
        return KeySettings(folder=self._folder, trust=self._trust)

    def take_trust(self, text: str) -> None:
        """Trust the keys of this trust file."""
        self._trust = "trust.yaml"
        (self._folder / self._trust).write_text(text, encoding="utf-8")

    def s3(self, name: str | None) -> Any:  # noqa: ARG002 - only Airflow knows the connection that a policy names
        """A boto3 S3 client from the environment, whatever connection the policy names."""
        return plain_s3_client()


def _read_request(store: ArtifactStore, sha256: str) -> _RequestForm:
    key = blob_key(sha256, REQUEST_FILE)
    origin = store.locate(key)
    document = read_document(read_verified(store, {"key": key, "sha256": sha256}), origin=origin, schema=REQUEST_SCHEMA)
    return require_form(document, _RequestForm, origin=origin)


def _stored(address: Mapping[str, Any], store: ArtifactStore) -> Stored:
    return Stored(**address, uri=store.locate(address["key"]))


def _sources(asked: _RequestForm) -> dict[Role, DatasetSpec]:
    return {role: DatasetSpec.model_validate(spec) for role, spec in asked.sources.items()}  # type: ignore[misc]
