"""Runs and documents as links of the chain, and the repair of what a crash left out of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.errors import EvidenceError, ObjectConflict, ObjectMissing, PolicyError
from model_governance.evidence.begun import BLOCK, is_noted, note_begun, note_linked, unfinished
from model_governance.evidence.chain import HINTS, append, find_head, leave_hint, link_of
from model_governance.evidence.controls import built_in_controls
from model_governance.evidence.envelope import canonical, read_envelope, seal
from model_governance.evidence.index import index_link
from model_governance.evidence.manifest import FILE, as_manifest, model_folder
from model_governance.evidence.record import read_record
from model_governance.evidence.signing import is_signed
from model_governance.evidence.statement import (
    DOCUMENTS,
    RunEvidence,
    announcement,
    document_folder,
    document_statement,
    run_statements,
)
from model_governance.evidence.waivers import in_force, named_waivers
from model_governance.policy.load import archived_policy
from model_governance.store import put_blob, read_verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_governance.evidence.chain import Head, Link
    from model_governance.evidence.controls import ControlMap
    from model_governance.evidence.envelope import Signer
    from model_governance.evidence.statement import Place
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

ANNOUNCED = "v1/announced/"
"""Under this prefix and the key of an object: the signed statement that it is about to be stored."""
FRESH = timedelta(minutes=1)
"""A manifest that is older was archived by an earlier try, whose link may stand further back in the chain."""
SEARCHED = 100
"""Newest links that are searched for that of an earlier try."""
YOUNG = 10
"""Length of a chain up to which the archive may hold runs of before the chain."""
UNFINISHED = 5
"""Archived runs without a link that one append repairs at most: a crash leaves one."""


def link_run(
    store: ArtifactStore,
    manifest: Mapping[str, Any],
    *,
    address: Mapping[str, Any],
    signer: Signer | None,
    records: Mapping[str, Mapping[str, Any] | None],
    policy: Policy,
    page: Mapping[str, Any] | None = None,
    controls: ControlMap | None = None,
) -> Link:
    """Append the link of an archived run, or find it; runs that a crash left without a link come before it.

    Args:
        store: the archive.
        manifest: of the run.
        address: `key`, `sha256` and `size` of the manifest.
        signer: signs the link; None leaves it unsigned.
        records: record of each check by name.
        policy: of the run.
        page: `key`, `sha256` and `size` of the run's page.
        controls: which controls the checks support, by default as the map of this package says.

    Raises: as `append`.
    """
    controls = controls or built_in_controls()
    repair(
        store, manifest["policy"]["name"], signer=signer, moment=manifest["run"]["logical_date"], but=address["key"],
        controls=controls,
    )  # fmt: skip
    return _append_run(store, _evidence(store, manifest, address, records, policy, controls, page=page), signer)


def store_document(
    store: ArtifactStore, kind: str, model: str, *, key: str, content: bytes, signer: Signer | None
) -> str:
    """Announce, store and link a document, and return its uri; after a crash anywhere, doing it again completes it.

    Raises: as `announce`, `ArtifactStore.put_once` and `append`.
    """
    announce(store, key, content, model=model, signer=signer)
    uri = store.put_once(key, content, media_type="application/json")
    link_document(store, kind, model, key=key, content=content, signer=signer)
    return uri


def announce(store: ArtifactStore, key: str, content: bytes, *, model: str, signer: Signer | None) -> None:
    """Note, and say signed, that an object is about to be stored: only what was announced gets its link after a crash.

    Without the signature, whoever can write to the store could forge a run and have it signed by the next one. Unsigned
    evidence has the note alone.

    Raises: as `Signer.sign` and `ArtifactStore.put_once`.
    """
    note_begun(store, model, key)
    if signer is None:
        return
    envelope = seal(canonical(announcement(key, hashlib.sha256(content).hexdigest())), signer)
    # ECDSA signs the same bytes differently each time: the first signature stays.
    with contextlib.suppress(ObjectConflict):
        store.put_once(ANNOUNCED + key, envelope.line(), media_type="application/json")


def link_document(
    store: ArtifactStore, kind: str, model: str, *, key: str, content: bytes, signer: Signer | None
) -> Link:
    """Append the link of a stored document, of a kind of DOCUMENTS, or find it. Raises as `append`."""
    address = {"key": key, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    try:
        document = json.loads(content)
    except ValueError as error:
        raise EvidenceError(f"{store.locate(key)}: expected a document in JSON, found other bytes ({error})") from error

    def make(place: Place) -> list[dict[str, Any]]:
        return [document_statement(kind, document, place, address=address)]

    return _append(store, model, make, about=address, signer=signer, fresh=False)


def repair(
    store: ArtifactStore, model: str, *, signer: Signer | None, moment: str, but: str, controls: ControlMap
) -> list[Link]:
    """Append what was archived and has no link, because its writer was killed in between; it is logged as a warning.

    What was begun lately is known from its notes. In a young chain, at every hundredth link, and where the newest link has no
    note (its writer was killed, or was of a release that took none), all runs of the month of `moment` and of the month
    before are looked at too, and all documents.

    Args:
        store: the archive.
        model: whose runs.
        signer: signs the links.
        moment: logical date of the run that is being archived (ISO 8601, UTC).
        but: key of its manifest, which is left out.
        controls: which controls the checks support.

    Raises:
        StoreUnreachable, StoreError: as `append`. What is damaged is logged and left out: verification reports it.
    """
    head, seen = find_head(store, model), {but}
    repaired: list[Link] = []
    for number, key in _left(store, model, parse_moment(moment), head):
        if key in seen or len(repaired) == UNFINISHED:
            continue
        seen.add(key)
        try:
            content = store.get(key)
        except ObjectMissing:
            continue  # its writer is at work, or was killed before it stored anything
        try:
            link = _relink(store, model, key, content, signer, controls)
        except (EvidenceError, ObjectMissing, PolicyError) as error:
            log.error("%s has no link in the chain and cannot get one: %s", store.locate(key), error)
            continue
        if number is not None:
            note_linked(store, model, key, number=number)
        if link.sequence > head.sequence:
            log.warning("%s was archived without its link; it is link %s now", store.locate(key), link.sequence)
        repaired.append(link)
    return repaired


def _left(store: ArtifactStore, model: str, moment: datetime, head: Head) -> Iterator[tuple[int | None, str]]:
    """Keys of what may lack its link, with the number of its note where it has one."""
    yield from unfinished(store, model, head=head.sequence)
    if head.sequence < YOUNG or head.sequence % BLOCK == 0 or head.link is None or not is_noted(store, head.link):
        yield from ((None, key) for key in _unlinked(store, model, moment))


def _unlinked(store: ArtifactStore, model: str, moment: datetime) -> Iterator[str]:
    """Keys of documents, and of manifests of this month and the last one, that have no hint of a link."""
    months = sorted({f"{moment.replace(day=1) - timedelta(days=1):%Y-%m}", f"{moment:%Y-%m}"})
    prefixes = [f"{model_folder(model)}run={month}" for month in months]
    for prefix in (*prefixes, *(document_folder(kind, model) for kind in DOCUMENTS)):
        hints = {key.removeprefix(HINTS) for key in store.keys(HINTS + prefix)}
        for key in store.keys(prefix):
            is_evidence = key.endswith(f"/{FILE}") if prefix in prefixes else key.endswith(".json")
            if is_evidence and key not in hints:
                yield key


def _relink(
    store: ArtifactStore, model: str, key: str, content: bytes, signer: Signer | None, controls: ControlMap
) -> Link:
    if signer is not None:
        _require_announced(store, key, content, signer)
    for kind in DOCUMENTS:
        if key.startswith(document_folder(kind, model)):
            return link_document(store, kind, model, key=key, content=content, signer=signer)
    manifest = as_manifest(content, origin=store.locate(key))
    sha256 = hashlib.sha256(content).hexdigest()
    address = {"key": key, "sha256": sha256, "size": len(content)}
    if f"/{sha256[:16]}/" not in key:
        raise EvidenceError(f"{store.locate(key)}: has sha256 {sha256}, which is not that in its key")
    records = {row["name"]: read_record(store, row["record"]) if row["record"] else None for row in manifest["checks"]}
    policy = archived_policy(read_verified(store, manifest["policy"]), origin=store.locate(manifest["policy"]["key"]))
    return _append_run(store, _evidence(store, manifest, address, records, policy, controls), signer)


def _require_announced(store: ArtifactStore, key: str, content: bytes, signer: Signer) -> None:
    """Refuse to sign what none of our writers announced. Raises EvidenceError, ObjectMissing."""
    origin = store.locate(ANNOUNCED + key)
    envelope = read_envelope(store.get(ANNOUNCED + key), origin=origin)
    expected = canonical(announcement(key, hashlib.sha256(content).hexdigest()))
    signed = any(is_signed(envelope.message, each.value, signer.public_key) for each in envelope.signatures)
    if envelope.payload != expected or not signed:
        raise EvidenceError(f"{origin}: does not announce these bytes with the signature of key {signer.keyid[:16]}")


def _evidence(
    store: ArtifactStore, manifest: Mapping[str, Any], address: Mapping[str, Any],
    records: Mapping[str, Mapping[str, Any] | None], policy: Policy, controls: ControlMap, *,
    page: Mapping[str, Any] | None = None,
) -> RunEvidence:  # fmt: skip
    """What the link of a run states; the control map that it names is stored."""
    kinds = sorted({row["kind"] for row in manifest["checks"] if row["kind"]})
    moment = parse_moment(manifest["run"]["logical_date"])
    granted = [
        waiver
        for record in records.values()
        for waiver in named_waivers(record, read=lambda address: read_verified(store, address)) or ()
    ]
    return RunEvidence(
        manifest=manifest, address=address, records=records, page=page,
        waivers=[*policy.waivers_at(moment), *in_force(granted, moment)],
        controls={kind: controls.controls_of(kind) for kind in kinds},
        control_map=put_blob(store, controls.artifact()).record(),
    )  # fmt: skip


def _append_run(store: ArtifactStore, evidence: RunEvidence, signer: Signer | None) -> Link:
    fresh = datetime.now(UTC) - parse_moment(evidence.manifest["finished_at"]) < FRESH
    return _append(
        store, evidence.manifest["policy"]["name"], lambda place: run_statements(evidence, place),
        about=evidence.address, signer=signer, fresh=fresh,
    )  # fmt: skip


def _append(
    store: ArtifactStore, model: str, make: Callable[[Place], Sequence[Mapping[str, Any]]], *,
    about: Mapping[str, Any], signer: Signer | None, fresh: bool,
) -> Link:  # fmt: skip
    link = None if fresh else link_of(store, model, about=about, search=SEARCHED)
    link = link or append(store, model, make, about=about, signer=signer)
    leave_hint(store, link)
    index_link(store, link)
    note_linked(store, model, link.about["key"], number=link.sequence)
    return link
