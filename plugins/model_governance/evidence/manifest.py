"""`run_manifest.json`: one run of one model, with the digest of everything that was used and made."""

from __future__ import annotations

import hashlib
import logging
import platform
import re
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from model_governance.contract.documents import read_document, require_form
from model_governance.contract.moments import moment_key, read_moment_key
from model_governance.contract.result import Artifact, canonical_json
from model_governance.errors import EvidenceError
from model_governance.evidence.forms import ManifestForm
from model_governance.store import put_blob, stored_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_governance.contract.run import Run
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore, Stored
    from model_governance.verdict import Verdict

log = logging.getLogger(__name__)

RUN_SCHEMA = "model-governance/run/v1"
FILE = "run_manifest.json"
RUNS = "v1/runs/"
MOMENT = r"run=(?:(?P<month>[0-9]{4}-[0-9]{2})/(?=(?P=month)))?(?P<moment>[0-9T:.-]+Z)"
"""The part of a key that says of which moment a run is (regular expression)."""
_MOMENT = re.compile(rf"{RUNS}model=[^/]+/{MOMENT}/")
PACKAGES = (
    "airflow-model-governance",
    "apache-airflow",
    "great-expectations",
    "evidently",
    "adversarial-robustness-toolbox",
    "boto3",
    "scikit-learn",
    "pandas",
    "numpy",
)


def write_manifest(
    policy: Policy,
    *,
    records: Mapping[str, Mapping[str, Any] | None],
    summaries: Mapping[str, Mapping[str, Any] | None],
    verdicts: Sequence[Verdict],
    verdict: Verdict,
    store: ArtifactStore,
    run: Run,
    history: Callable[[], Mapping[str, Any] | None],
    announce: Callable[[str, bytes], None],
) -> tuple[dict[str, Any], Stored]:
    """Store the manifest of a run and return it; the same run with the same records is written once.

    `history` gives what it says of the runs before, and is asked only when a manifest is written. `announce` hears of key
    and bytes before they are stored.

    Raises: as `ArtifactStore.put_once`, `history` and `announce`.
    """
    rows = [
        _check_row(name, records[name], summaries.get(name), verdict)
        for name, verdict in zip(records, verdicts, strict=True)
    ]
    folder = run_folder(policy.name, run.logical_date, run_key(run.orchestrator, run.run_id))
    written = verdict.record()
    for earlier, stored in _written(store, folder):
        if earlier["checks"] == rows and earlier["verdict"] == written:
            return earlier, stored
    now = datetime.now(UTC).isoformat(timespec="seconds")
    source = put_blob(store, Artifact(name="policy.yaml", media_type="application/yaml", content=policy.source))
    manifest = {
        "schema": RUN_SCHEMA,
        "run": run.record(),
        "policy": {
            "name": policy.name,
            "sha256": policy.sha256,
            "file_sha256": policy.file_sha256,
            "owner": policy.owner,
            "description": policy.description,
            "key": source.key,
            "model_sha256": policy.model.sha256,
        },
        "model": next((record["model"] for record in records.values() if record and record["model"]), None),
        "datasets": _datasets(records),
        "verdict": written,
        "checks": rows,
        "environment": {"python": platform.python_version(), "packages": _packages()},
        "started_at": min((row["started_at"] for row in rows if row["started_at"]), default=now),
        "finished_at": now,
        "history": history(),
    }
    content = canonical_json(manifest)
    key = f"{folder}{hashlib.sha256(content).hexdigest()[:16]}/{FILE}"
    announce(key, content)
    store.put_once(key, content, media_type="application/json")
    return manifest, stored_at(store, key, content, media_type="application/json")


def read_manifest(store: ArtifactStore, key: str) -> dict[str, Any]:
    """The manifest under a key. Raises as `as_manifest` and `ArtifactStore.get`."""
    return as_manifest(store.get(key), origin=store.locate(key))


def as_manifest(content: bytes, *, origin: str) -> dict[str, Any]:
    """The manifest in these bytes; `origin` names them in messages.

    Raises:
        EvidenceError: they are no manifest, one of another schema version, or a field does not fit.
    """
    manifest: dict[str, Any] = read_document(content, origin=origin, schema=RUN_SCHEMA)
    require_form(manifest, ManifestForm, origin=origin)
    return manifest


def model_folder(model: str) -> str:
    """Where the runs of a model are."""
    return f"{RUNS}model={model}/"


def moment_folder(model: str, logical_date: datetime) -> str:
    """Where the runs of a model for one moment are, one folder for each."""
    return moment_folders(model, logical_date)[0]


def run_folder(model: str, logical_date: datetime, run_key: str) -> str:
    """Where one run is; a run that is cleared and repeated adds a manifest and replaces none."""
    return f"{moment_folder(model, logical_date)}{run_key}/"


def moment_folders(model: str, moment: datetime) -> tuple[str, str]:
    """Where the runs of a moment are, and where early archives have them, which sort nothing by months.

    All of a month have the same beginning, and no folder holds more than the months or the moments of one.
    """
    key = moment_key(moment)
    return f"{model_folder(model)}run={key[:7]}/{key}/", f"{model_folder(model)}run={key}/"


def moment_of(key: str) -> datetime | None:
    """The moment in the key of an object of a run; None where it is that of no run."""
    match = _MOMENT.match(key)
    try:
        return read_moment_key(match["moment"]) if match else None
    except ValueError:
        return None


def run_key(orchestrator: Mapping[str, Any], run_id: str) -> str:
    """The part of a manifest's key that names the run."""
    # Run ids hold colons and plus signs, which some stores mangle: keys are made of digests.
    name = f"{orchestrator.get('dag_id', '')}/{run_id}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _check_row(
    name: str, record: Mapping[str, Any] | None, summary: Mapping[str, Any] | None, verdict: Verdict
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "kind": record["kind"] if record else None,
        "title": record["title"] if record else name,
        "advice": record.get("advice") if record else None,
        "outcome": verdict.outcome,
        "stops": verdict.stops,
        "sentence": verdict.sentence,
        "record": None,
        "report": None,
        "artifacts": list(record["stored"]) if record else [],
        "baselines": dict(record["baselines"]) if record else {},
        "damaged": list(record.get("damaged", ())) if record else [],
        "started_at": None,
        "seconds": None,
    }
    if summary:
        row["record"] = {"key": summary["record"]["key"], "sha256": summary["record"]["sha256"]}
        row["report"] = {key: value for key, value in summary["report"].items() if key != "uri"}
        row |= {"started_at": summary["started_at"], "seconds": summary["seconds"]}
    return row


def _written(store: ArtifactStore, folder: str) -> Iterator[tuple[dict[str, Any], Stored]]:
    """The manifests that this run has written before; a damaged one is left to who reads the archive."""
    for key in store.keys(folder):
        if not key.endswith(f"/{FILE}"):
            continue
        content, origin = store.get(key), store.locate(key)
        stored = stored_at(store, key, content, media_type="application/json")
        try:
            manifest = as_manifest(content, origin=origin)
        except EvidenceError as error:
            log.warning("an earlier manifest of this run is not used: %s", error)
            continue
        if key.split("/")[-2] == stored.sha256[:16]:
            yield manifest, stored


def _datasets(records: Mapping[str, Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    """Every dataset that any check saw, once per role and digest."""
    seen = {
        (dataset["role"], dataset["sha256"]): dataset
        for record in records.values()
        if record
        for dataset in record["datasets"]
    }
    return [seen[key] for key in sorted(seen)]


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
