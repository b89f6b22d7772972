"""What people and the retraining loop decided about a model: acceptances, requests, waivers, and which version is the champion."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.contract.result import label_of
from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.chain import link_key, read_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa

    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

_COMPARED = ("check", "metric", "key", "champion", "challenger", "gain", "low", "high", "margin", "outcome")


def documents_of(store: ArtifactStore, model: str, table: pa.Table) -> Iterator[dict[str, Any]]:
    """Each document that links of the rows state, in their order: its kind, moment and sentence, and the run that it is about.

    `name` is that of the run as addresses have it, empty for a decision that no run led to. A link that cannot be read is left
    out; verification names it.
    """
    for sequence, kind in sorted(set(zip(table["sequence"].to_pylist(), table["kind"].to_pylist(), strict=True))):
        if kind not in _READERS:
            continue
        try:
            link = read_link(store, link_key(model, sequence))
            read = _READERS[kind](link.predicate["document"])
            yield {"sequence": sequence, "kind": kind, "recorded": link.recorded_at.timestamp(), **read}
        except (EvidenceError, ObjectMissing, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            log.warning("the board does not show link %s of %s: %s", sequence, model, error)


def _about_a_run(document: Mapping[str, Any], *, letter: str, text: str) -> dict[str, Any]:
    of_run = (document.get("run") or {}).get("logical_date") or document.get("logical_date")
    return {
        "moment": parse_moment(str(of_run)).timestamp(), "name": _run_of(document["manifest"]), "letter": letter,
        "by": str(document.get("by") or ""), "reason": str(document.get("reason") or ""), "text": text,
    }  # fmt: skip


def _acceptance(document: Mapping[str, Any]) -> dict[str, Any]:
    return _about_a_run(document, letter="A", text="run accepted")


def _request(document: Mapping[str, Any]) -> dict[str, Any]:
    return _about_a_run(document, letter="R", text="retraining asked for")


def _promotion(document: Mapping[str, Any]) -> dict[str, Any]:
    new, champion, old = (_short(document[name]) for name in ("challenger", "champion", "replaced"))
    text = {
        "promoted": f"version {new} replaces {old}",
        "refused": f"version {new} refused, {champion} stays" if document["challenger"] else "nothing was trained",
        "rolled_back": f"rolled back from {new} to {champion}",
        "stopped": "training stopped until a person has looked",
    }[document["decision"]]
    return {
        "moment": parse_moment(document["decided_at"]).timestamp(), "letter": "D", "text": text,
        "name": _run_of(document["manifest"] or document["request"]), "by": str(document["by"]),
        "reason": str(document["reason"]), "comparisons": [_compared(each) for each in document["comparisons"]],
    }  # fmt: skip


def _compared(comparison: Mapping[str, Any]) -> dict[str, Any]:
    return {name: comparison[name] for name in _COMPARED}


def _waiver(document: Mapping[str, Any]) -> dict[str, Any]:
    label = label_of(document["metric"], document["key"])
    text = f"waiver of {label} of {document['check']} {document['decision']}, until {document['expires']} ({document['ticket']})"
    return {
        "moment": parse_moment(document["decided_at"]).timestamp(), "letter": "W", "text": text, "name": "",
        "by": str(document["decided_by"]), "reason": str(document["reason"]),
    }  # fmt: skip


def _run_of(address: Mapping[str, Any] | None) -> str:
    return "" if address is None else str(address["key"]).split("/")[-2]


def _short(version: Mapping[str, Any] | None) -> str:
    return "none" if version is None else str(version["model"]["sha256"])[:8]


_READERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "acceptance": _acceptance, "retraining_request": _request, "promotion": _promotion, "waiver": _waiver,
}  # fmt: skip
