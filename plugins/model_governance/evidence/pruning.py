"""Pruning: objects of runs that nobody has to keep are removed, after a link of the chain names each of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from model_governance.contract.documents import Form, Moment, read_document, require_form
from model_governance.contract.moments import spell_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.acceptance import acceptances
from model_governance.evidence.address_form import Address, Name  # noqa: TC001 - pydantic reads them
from model_governance.evidence.chain import HINTS, link_keys, link_of, models_with_chain, read_link
from model_governance.evidence.holds import holds_in_force
from model_governance.evidence.links import ANNOUNCED, store_document
from model_governance.evidence.statement import document_folder, document_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from model_governance.evidence.chain import Link
    from model_governance.evidence.envelope import Signer
    from model_governance.evidence.trust import Trust
    from model_governance.store import ArtifactStore

TOMBSTONE_SCHEMA = "model-governance/tombstone/v1"


class PrunedRun(Form):
    """A run that was pruned."""

    logical_date: Moment
    manifest: str


class TombstoneForm(Form):
    """A stored tombstone: what was removed from an archive."""

    schema_: str = Field(alias="schema")
    model: Name
    before: Moment
    runs: list[PrunedRun]
    removed: list[Address]
    reason: Name
    by: Name
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What may be removed of a model's archive.

    Attributes:
        model: name of the model.
        before: logical date from which on runs are kept (UTC).
        runs: logical date and manifest key of each run that is removed.
        objects: digest by key of everything that only these runs name.
        kept: why an older run stays, a sentence each.
    """

    model: str
    before: datetime
    runs: tuple[tuple[datetime, str], ...]
    objects: dict[str, str]
    kept: tuple[str, ...]


def plan_pruning(
    store: ArtifactStore, model: str, *, before: datetime, now: datetime, trust: Trust | None = None
) -> Pruning:
    """What may be removed of the runs before a moment: those that are neither held, locked, accepted nor a baseline.

    Args:
        store: the archive.
        model: name of the model.
        before: logical date from which on runs are kept (UTC).
        now: what locks are compared with (UTC).
        trust: keys whose holds and acceptances count; None: signatures are not asked for.

    Raises:
        EvidenceError: a link, a hold or an acceptance is damaged; nothing is removed until it is restored.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    links = list(_runs(store, model))
    holds = holds_in_force(store, model, trust=trust)
    accepted = {acceptance.manifest["key"]: acceptance for acceptance in acceptances(store, model)}
    baselines = _baselines([link for link in links if link.logical_date >= before])
    pruned: dict[str, Link] = {}
    kept: list[str] = []
    for link in links:
        key, moment = str(link.about["key"]), link.logical_date
        if moment >= before:
            continue
        held = next((hold for hold in holds if hold.covers(moment)), None)
        reason = held.sentence if held else ""
        reason = reason or (accepted[key].sentence if key in accepted else "")
        reason = reason or ("it is the baseline of a run that is kept" if key in baselines else "")
        try:
            reason = reason or _locked(store, key, now)
        except ObjectMissing:
            continue  # removed before
        if reason:
            kept.append(f"run {spell_moment(moment)}: {reason}")
        else:
            pruned[key] = link
    named = {key: sha256 for link in pruned.values() for key, sha256 in link.objects.items()}
    staying = _staying(store, {*pruned, *pruned_objects(store, model, trust=trust)})
    return Pruning(
        model=model, before=before, runs=tuple((link.logical_date, key) for key, link in pruned.items()),
        objects={key: sha256 for key, sha256 in named.items() if key not in staying}, kept=tuple(kept),
    )  # fmt: skip


def prune(
    store: ArtifactStore, planned: Pruning, *, reason: str, by: str, moment: datetime, signer: Signer | None
) -> str:
    """Write the tombstone and its link, then remove the objects; returns the tombstone's uri.

    Where removing breaks off, pruning again completes it: the tombstone names what is to go.

    Raises:
        StoreError: the role may not remove objects, or a lock forbids it; the tombstone is written all the same.
        StoreUnreachable: the store does not answer.
    """
    record = {
        "schema": TOMBSTONE_SCHEMA,
        "model": planned.model,
        "before": planned.before.isoformat(),
        "runs": [{"logical_date": moment.isoformat(), "manifest": key} for moment, key in planned.runs],
        "removed": [{"key": key, "sha256": sha256} for key, sha256 in sorted(planned.objects.items())],
        "reason": reason,
        "by": by,
        "at": moment.isoformat(),
    }
    content = canonical_json(record)
    key = document_key("tombstone", planned.model, moment=moment, content=content)
    uri = store_document(store, "tombstone", planned.model, key=key, content=content, signer=signer)
    _remove(store, planned.objects)
    return uri


def finish_pruning(store: ArtifactStore, model: str, *, trust: Trust | None = None) -> int:
    """Remove what tombstones name and is there still, because a pruning broke off; returns how many objects.

    What a run stored anew since stays: it has the same bytes, and so the same key.

    Raises: as `plan_pruning` and `prune`.
    """
    stated = pruned_objects(store, model, trust=trust)
    there = [key for key in stated if _is_there(store, key)]
    staying = _staying(store, set(stated)) if there else set()
    left = [key for key in there if key not in staying]
    _remove(store, left)
    return len(left)


def pruned_objects(store: ArtifactStore, model: str, *, trust: Trust | None) -> dict[str, str]:
    """Digest by key of everything that sound tombstones name; one that is damaged or that nobody vouches for names nothing."""
    found: dict[str, str] = {}
    for key in store.keys(document_folder("tombstone", model)):
        try:
            content = store.get(key)
            record = read_document(content, origin=store.locate(key), schema=TOMBSTONE_SCHEMA)
            require_form(record, TombstoneForm, origin=store.locate(key))
        except EvidenceError:
            continue
        link = link_of(store, model, about={"key": key, "sha256": hashlib.sha256(content).hexdigest()})
        if link is None or (trust is not None and link.problem_of(trust)):
            continue
        found |= {removed["key"]: removed["sha256"] for removed in record["removed"]}
    return found


def objects_of_runs(store: ArtifactStore, model: str, *, first: datetime, last: datetime) -> set[str]:
    """Keys of the links of the runs of a period (ends included, UTC), and of every object that they name.

    Raises:
        EvidenceError: a link is damaged.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    found: set[str] = set()
    for link in _runs(store, model):
        if first <= link.logical_date <= last:
            found |= {link.key, *link.objects}
    return found


def _runs(store: ArtifactStore, model: str) -> Iterator[Link]:
    """The links about runs of a model, in the order of the chain."""
    return (link for link in _links(store, model) if link.kind == "run")


def _links(store: ArtifactStore, model: str) -> Iterator[Link]:
    return (read_link(store, key) for _, key in link_keys(store, model))


def _staying(store: ArtifactStore, removed: Collection[str]) -> set[str]:
    """Keys of every object that a link of any model names, but for runs whose manifest is removed: models share objects, too."""
    return {
        key
        for model in models_with_chain(store)
        for link in _links(store, model)
        if link.about["key"] not in removed
        for key in link.objects
    }


def _baselines(links: Sequence[Link]) -> set[str]:
    """Manifest keys of the runs that these were compared with."""
    checks: list[dict[str, Any]] = [check for link in links for check in link.predicate["checks"]]
    return {base["manifest"]["key"] for check in checks for base in check["baselines"].values() if base is not None}


def _locked(store: ArtifactStore, key: str, now: datetime) -> str:
    lock = store.lock_of(key)
    if lock.hold:
        return "its objects are under a legal hold of the bucket"
    if lock.until is not None and lock.until > now:
        return f"its objects are locked until {spell_moment(lock.until)}"
    return ""


def _is_there(store: ArtifactStore, key: str) -> bool:
    return key in set(store.keys(key))


def _remove(store: ArtifactStore, keys: Sequence[str] | dict[str, str]) -> None:
    for key in sorted(keys):
        store.remove(key)
        for beside in (HINTS + key, ANNOUNCED + key):
            if _is_there(store, beside):
                store.remove(beside)
