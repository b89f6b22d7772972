"""Runs and documents as links of the chain, and the repair of what a crash left out of it."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.errors import EvidenceError, ObjectMissing, PolicyError
from model_governance.evidence.acceptance import ACCEPTANCES, acceptance_folder, as_acceptance
from model_governance.evidence.chain import HINTS, append, leave_hint, link_of
from model_governance.evidence.controls import built_in_controls
from model_governance.evidence.index import index_link
from model_governance.evidence.manifest import FILE, as_manifest, model_folder
from model_governance.evidence.record import read_record
from model_governance.evidence.statement import RunEvidence, document_statement, run_statements
from model_governance.policy.load import archived_policy
from model_governance.store import put_blob, read_verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_governance.evidence.chain import Link
    from model_governance.evidence.controls import ControlMap
    from model_governance.evidence.envelope import Signer
    from model_governance.evidence.statement import Place
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=1)
"""A manifest that is older was archived by an earlier try, whose link may stand further back in the chain."""
SEARCHED = 100
"""Newest links that are searched for that of an earlier try."""
UNFINISHED = 5
"""Archived runs without a link that one append repairs at most: a crash leaves one."""


def link_run(
    store: ArtifactStore,
    manifest: Mapping[str, Any],
    *,
    address: Mapping[str, Any],
    signer: Signer | None,
    records: Mapping[str, Mapping[str, Any] | None],
    page: Mapping[str, Any] | None = None,
    waivers: Sequence[Mapping[str, Any]] = (),
    controls: ControlMap | None = None,
) -> Link:
    """Append the link of an archived run, or find it; runs that a crash left without a link come before it.

    Args:
        store: the archive.
        manifest: of the run.
        address: `key`, `sha256` and `size` of the manifest.
        signer: signs the link; None leaves it unsigned.
        records: record of each check by name.
        page: `key`, `sha256` and `size` of the run's page.
        waivers: those of the policy that were in force.
        controls: which controls the checks support, by default as the map of this package says.

    Raises: as `append`.
    """
    controls = controls or built_in_controls()
    repair(
        store, manifest["policy"]["name"], signer=signer, moment=manifest["run"]["logical_date"], but=address["key"],
        controls=controls,
    )  # fmt: skip
    evidence = RunEvidence(
        manifest=manifest, address=address, records=records, page=page, waivers=waivers,
        **_supported(store, controls, manifest),
    )  # fmt: skip
    return _append_run(store, evidence, signer)


def link_document(
    store: ArtifactStore, kind: str, model: str, *, key: str, content: bytes, signer: Signer | None
) -> Link:
    """Append the link of a stored document (`acceptance`, `retraining_request`), or find it. Raises as `append`."""
    address = {"key": key, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    document = json.loads(content)

    def make(place: Place) -> list[dict[str, Any]]:
        return [document_statement(kind, document, place, address=address)]

    return _append(store, model, make, about=address, signer=signer, fresh=False)


def repair(
    store: ArtifactStore, model: str, *, signer: Signer | None, moment: str, but: str, controls: ControlMap
) -> list[Link]:
    """Append what was archived and has no link, because its writer was killed in between; it is logged as a warning.

    Runs of the month of `moment` and of the month before are looked at, and all acceptances.

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
    repaired: list[Link] = []
    for key in _unlinked(store, model, parse_moment(moment)):
        if key == but or len(repaired) == UNFINISHED:
            continue
        try:
            link = _relink(store, model, key, signer, controls)
        except (EvidenceError, ObjectMissing, PolicyError) as error:
            log.error("%s has no link in the chain and cannot get one: %s", store.locate(key), error)
            continue
        log.warning("%s was archived without its link; it is link %s now", store.locate(key), link.sequence)
        repaired.append(link)
    return repaired


def _unlinked(store: ArtifactStore, model: str, moment: datetime) -> Iterator[str]:
    """Keys of acceptances, and of manifests of this month and the last one, that have no hint of a link."""
    months = sorted({f"{moment.replace(day=1) - timedelta(days=1):%Y-%m}", f"{moment:%Y-%m}"})
    for folder in (*(f"{model_folder(model)}run={month}" for month in months), acceptance_folder(model)):
        hints = {key.removeprefix(HINTS) for key in store.keys(HINTS + folder)}
        for key in store.keys(folder):
            is_evidence = key.endswith(f"/{FILE}") or (folder.startswith(ACCEPTANCES) and key.endswith(".json"))
            if is_evidence and key not in hints:
                yield key


def _relink(store: ArtifactStore, model: str, key: str, signer: Signer | None, controls: ControlMap) -> Link:
    content = store.get(key)
    if key.startswith(ACCEPTANCES):
        as_acceptance(content, origin=store.locate(key))
        return link_document(store, "acceptance", model, key=key, content=content, signer=signer)
    manifest = as_manifest(content, origin=store.locate(key))
    address = {
        "key": key, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "media_type": "application/json",
    }  # fmt: skip
    records = {row["name"]: read_record(store, row["record"]) if row["record"] else None for row in manifest["checks"]}
    source = read_verified(store, {"key": manifest["policy"]["key"], "sha256": manifest["policy"]["sha256"]})
    policy = archived_policy(source, origin=store.locate(manifest["policy"]["key"]))
    evidence = RunEvidence(
        manifest=manifest, address=address, records=records,
        waivers=waivers_in_force(policy, parse_moment(manifest["run"]["logical_date"])),
        **_supported(store, controls, manifest),
    )  # fmt: skip
    return _append_run(store, evidence, signer)


def waivers_in_force(policy: Policy, moment: datetime) -> list[dict[str, Any]]:
    """The waivers of a policy that hold at a moment, as JSON types."""
    return [waiver.model_dump(mode="json") for waiver in policy.waivers if waiver.is_live(moment)]


def _supported(store: ArtifactStore, controls: ControlMap, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a link states of controls; the map itself is stored."""
    stored = put_blob(store, controls.artifact())
    kinds = {row["kind"] for row in manifest["checks"] if row["kind"]}
    return {"controls": {kind: controls.controls_of(kind) for kind in sorted(kinds)}, "control_map": stored.record()}


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
    return link
