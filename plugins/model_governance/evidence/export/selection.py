"""What belongs into the export of a model and some days: the whole chain, and the objects of the runs of these days."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.errors import GovernanceError, StoreError, StoreUnreachable
from model_governance.evidence.chain import chain_folder, link_keys, read_link
from model_governance.evidence.manifest import as_manifest, model_folder, moment_of, read_manifest
from model_governance.evidence.record import read_record
from model_governance.evidence.statement import document_folder
from model_governance.store import read_verified
from model_governance.store.rules import require_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.evidence.chain import Link
    from model_governance.evidence.period import Period
    from model_governance.store import ArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRun:
    """A run of the period: its link, its manifest, and the record of each check by name (None: it did not report)."""

    link: Link
    manifest: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any] | None]

    @property
    def moment(self) -> str:
        """Logical date of the run (ISO 8601)."""
        return str(self.manifest["run"]["logical_date"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedDocument:
    """An acceptance, a request or another document of the chain, and its link."""

    link: Link
    content: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """What it says, in one sentence."""
        content = self.content
        if self.link.kind == "acceptance":
            run = f"the run of {spell_moment(parse_moment(content['run']['logical_date']))} ({content['outcome']})"
            when = spell_moment(parse_moment(content["accepted_at"]))
            return f"{content['by']} accepted {run} as {content['purpose']} on {when}: {content['reason']}"
        if self.link.kind == "retraining_request":
            moment, findings = spell_moment(parse_moment(content["logical_date"])), "; ".join(content["findings"])
            return f"retraining was requested for the run of {moment} ({content['outcome']}): {findings}"
        if self.link.kind == "promotion":
            return f"{content['decision']} by {content['by']}: {content['reason']}"
        return f"{self.link.kind} {self.link.about['key']}, recorded on {spell_moment(self.link.recorded_at)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is exported.

    Attributes:
        model: name of the model.
        period: days whose runs are exported.
        keys: keys of the objects, sorted.
        runs: in the order of the chain.
        documents: all of the chain, in its order.
        unreadable: number of each link that is damaged or names damaged objects of these days, and what is wrong.
        left_out: number of runs outside the period; their links are exported, their objects are not.
    """

    model: str
    period: Period
    keys: tuple[str, ...]
    runs: tuple[ExportedRun, ...]
    documents: tuple[ExportedDocument, ...]
    unreadable: tuple[tuple[int, str], ...]
    left_out: int


def select(store: ArtifactStore, model: str, period: Period) -> Selection:
    """Select what belongs into an export.

    Objects of the period are those that its links name, and those of earlier runs that its verdicts rest on. Damaged
    links and objects are exported as they are: verification of the export reports them as it does in the archive.

    Raises:
        StoreUnreachable, StoreError: the store cannot be read.
    """
    collection = _Collection(store=store, period=period)
    collection.keys |= {*store.keys(chain_folder(model)), *store.keys(document_folder("acceptance", model))}
    collection.keys |= set(_run_keys(store, model, period))
    for sequence, key in link_keys(store, model):
        try:
            collection.add(read_link(store, key))
        except StoreUnreachable:
            raise
        except (GovernanceError, KeyError, TypeError, ValueError, AttributeError) as error:
            collection.unreadable.append((sequence, str(error)))
    return Selection(
        model=model, period=period, keys=tuple(sorted(filter(_is_key, collection.keys))), runs=tuple(collection.runs),
        documents=tuple(collection.documents), unreadable=tuple(collection.unreadable), left_out=collection.left_out,
    )  # fmt: skip


@dataclass(slots=True)
class _Collection:
    """What is known while the chain is read from its beginning."""

    store: ArtifactStore
    period: Period
    keys: set[str] = field(default_factory=set)
    runs: list[ExportedRun] = field(default_factory=list)
    documents: list[ExportedDocument] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    left_out: int = 0

    def add(self, link: Link) -> None:
        """Add a link and what it names. Raises EvidenceError where that does not have the stated digests."""
        if link.kind == "run" and not self.period.holds(link.logical_date):
            self.left_out += 1
            return
        self.keys |= set(link.objects)
        content, origin = read_verified(self.store, link.about), self.store.locate(link.about["key"])
        if link.kind != "run":
            self.documents.append(ExportedDocument(link=link, content=json.loads(content)))
            return
        manifest = as_manifest(content, origin=origin)
        records = {
            row["name"]: read_record(self.store, row["record"]) if row["record"] else None for row in manifest["checks"]
        }
        self.runs.append(ExportedRun(link=link, manifest=manifest, records=records))
        self.keys |= set(_rests_on(self.store, self.runs[-1]))


def _is_key(key: str) -> bool:
    """Whether a store can hold it, so that nothing outside the bag is written."""
    try:
        require_key(key)
    except StoreError:
        return False
    return key.startswith("v1/")


def _run_keys(store: ArtifactStore, model: str, period: Period) -> Iterator[str]:
    """Keys of manifests and pages of runs of the period, in the chain or not."""
    for key in store.keys(model_folder(model)):
        moment = moment_of(key)
        if moment is not None and period.holds(moment):
            yield key


def _rests_on(store: ArtifactStore, run: ExportedRun) -> Iterator[str]:
    """Keys of what the verdicts of a run rest on: baselines, earlier verdicts, and artifacts of earlier runs."""
    for record in filter(None, run.records.values()):
        for stored in (*record["judged"].get("earlier", ()), *record["earlier"]):
            yield stored["key"]
        for baseline in filter(None, record["baselines"].values()):
            key = baseline["manifest"]["key"]
            rows = read_manifest(store, key)["checks"]
            yield key
            yield from (row["record"]["key"] for row in rows if row["name"] == record["check"] and row["record"])
