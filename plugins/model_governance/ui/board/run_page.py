"""What happened in a run and what to do now: findings first, then each check with its report, then the evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.errors import EvidenceError, ObjectMissing
from model_governance.evidence.chain import link_key, read_link
from model_governance.evidence.reading import read_archived, read_archived_record
from model_governance.report.findings import rank, waiver_note
from model_governance.report.formatting import NOT_NOTABLE, counted
from model_governance.report.next_steps import steps_of_run
from model_governance.report.reasons import in_order, read_facts
from model_governance.ui.board.model_page import COLUMNS, metrics_of, streak_of
from model_governance.ui.board.portfolio import spelled
from model_governance.ui.board.run_context import channels_told, policy_difference
from model_governance.verdict import read_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.evidence.chain import Link
    from model_governance.evidence.reading import ArchivedManifest
    from model_governance.store import ArtifactStore
    from model_governance.ui.board.index import BoardIndex
    from model_governance.verdict import Finding, Verdict

SAME, ALTERED, MISSING = "the same bytes", "altered", "missing"
MOST = 50
"""Findings that are listed at most."""
LOOK_BACK = 30
"""Runs in which it is searched since when a finding has not held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An object of a run: its digest as the link states it, and whether the store still holds these bytes."""

    name: str
    key: str
    sha256: str
    state: str
    problem: str = ""


def run_view(
    index: BoardIndex, store: ArtifactStore, model: Mapping[str, Any], run: Mapping[str, Any], *, all_objects: bool
) -> dict[str, Any]:
    """What the page of a run shows. Nothing of altered evidence is shown.

    Args:
        index: of the board.
        store: the archive.
        model: row of the model.
        run: row of the run.
        all_objects: read and hash every object of the run, not only those that the page needs.

    Raises:
        StoreUnreachable, StoreError: the archive does not answer.
    """
    proofs: list[Proof] = []
    link = _link(store, model, run, proofs)
    manifest = _manifest(store, run, link, proofs)
    earlier = [each for each in index.runs(model["id"]) if each["moment"] < run["moment"]]
    view: dict[str, Any] = {
        "model": model, "run": dict(run) | {"night": spelled(run["moment"]), "recorded": spelled(int(run["recorded"]))},
        "link": link, "manifest": manifest.content if manifest else None, "before": earlier[-1] if earlier else None,
        "signed": _signatures(link), "tries": _tries(index, model, run),
    }  # fmt: skip
    if manifest is None:
        return view | {"proofs": proofs, "altered": True}
    checks = manifest.content["checks"]
    records = {row["name"]: _record(store, manifest, row, proofs) for row in checks}
    if link is not None:
        proofs += _others(store, link, known={proof.key for proof in proofs}, read=all_objects)
    verdict = read_verdict(manifest.content["verdict"])
    return view | {
        "altered": any(proof.state in (ALTERED, MISSING) for proof in proofs),
        "proofs": sorted(proofs, key=lambda proof: proof.state in ("", SAME)),
        "verdict": verdict,
        "sentence": _sentence(verdict, checks),
        "findings": _findings(index, model, run, verdict, earlier),
        "changes": _changes(run, earlier),
        "difference": policy_difference(store, manifest.content, earlier[-1] if earlier else None),
        "told": channels_told(store, model["model"], run),
        "checks": _checks(checks, records),
        "next_steps": steps_of_run(in_order(checks), verdict, facts=read_facts(records.values())),
    }


def _link(store: ArtifactStore, model: Mapping[str, Any], run: Mapping[str, Any], proofs: list[Proof]) -> Link | None:
    """The link of the run, where it is the one that the index was made from."""
    key = link_key(model["model"], run["sequence"])
    try:
        link = read_link(store, key)
    except (EvidenceError, ObjectMissing) as error:
        proofs.append(_doubt("link", key, run["link"], error))
        return None
    if link.digest != run["link"]:
        problem = f"the index was made from a link with sha256 {run['link']}, now it has {link.digest}"
        proofs.append(Proof(name="link", key=key, sha256=run["link"], state=ALTERED, problem=problem))
        return None
    proofs.append(Proof(name="link", key=key, sha256=link.digest, state=SAME))
    return link


def _manifest(
    store: ArtifactStore, run: Mapping[str, Any], link: Link | None, proofs: list[Proof]
) -> ArchivedManifest | None:
    stated = link.about["sha256"] if link else run["name"]
    try:
        manifest = read_archived(store, run["manifest"])
    except (EvidenceError, ObjectMissing) as error:
        proofs.append(_doubt("run manifest", run["manifest"], stated, error))
        return None
    if not manifest.sha256.startswith(stated):
        problem = f"its link states sha256 {stated}, now it has {manifest.sha256}"
        proofs.append(Proof(name="run manifest", key=manifest.key, sha256=stated, state=ALTERED, problem=problem))
        return None
    proofs.append(Proof(name="run manifest", key=manifest.key, sha256=manifest.sha256, state=SAME))
    return manifest


def _record(
    store: ArtifactStore, manifest: ArchivedManifest, row: Mapping[str, Any], proofs: list[Proof]
) -> dict[str, Any] | None:
    if not row["record"]:
        return None
    named, key, sha256 = f"{row['name']}/record", row["record"]["key"], row["record"]["sha256"]
    try:
        record = read_archived_record(store, manifest, row)
    except (EvidenceError, ObjectMissing) as error:
        proofs.append(_doubt(named, key, sha256, error))
        return None
    proofs.append(Proof(name=named, key=key, sha256=sha256, state=SAME))
    return record


def _others(store: ArtifactStore, link: Link, *, known: set[str], read: bool) -> list[Proof]:
    """The other objects that the link states; read and hashed where that is asked for."""
    names = {each["uri"]: each["name"] for each in link.statement["subject"] if "uri" in each}
    return [
        _hashed(store, names[key], key, sha256) if read else Proof(name=names[key], key=key, sha256=sha256, state="")
        for key, sha256 in link.objects.items()
        if key not in known
    ]


def _hashed(store: ArtifactStore, name: str, key: str, sha256: str) -> Proof:
    try:
        found = hashlib.sha256(store.get(key)).hexdigest()
    except ObjectMissing as error:
        return _doubt(name, key, sha256, error)
    problem = "" if found == sha256 else f"stored with sha256 {sha256}, now has {found}"
    return Proof(name=name, key=key, sha256=sha256, state=ALTERED if problem else SAME, problem=problem)


def _doubt(name: str, key: str, sha256: str, error: Exception) -> Proof:
    state = MISSING if isinstance(error, ObjectMissing) else ALTERED
    return Proof(name=name, key=key, sha256=sha256, state=state, problem=str(error))


def _signatures(link: Link | None) -> str:
    if link is None or not link.is_signed:
        return "not signed"
    keys = sorted({signature.keyid[:16] for envelope in link.envelopes for signature in envelope.signatures})
    return f"signed by key {', '.join(keys)}"


def _tries(index: BoardIndex, model: Mapping[str, Any], run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The other tries of the same moment."""
    same = [each for each in index.runs(model["id"], latest_only=False) if each["moment"] == run["moment"]]
    return [each | {"recorded": spelled(int(each["recorded"]))} for each in same if each["sequence"] != run["sequence"]]


def _sentence(verdict: Verdict, checks: Sequence[Mapping[str, Any]]) -> str:
    stopping = [check["name"] for check in checks if check["stops"]]
    if stopping:
        return f"{len(stopping)} of {counted(len(checks), 'check')} stop this run: {', '.join(stopping)}."
    telling = {finding.check for finding in verdict.findings if finding.outcome not in NOT_NOTABLE}
    if telling:
        return f"Nothing stops this run; {', '.join(sorted(telling))} need attention."
    return f"All {counted(len(checks), 'check')} hold, or were skipped."


def _findings(
    index: BoardIndex, model: Mapping[str, Any], run: Mapping[str, Any], verdict: Verdict,
    earlier: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    ranked = rank(verdict.findings, verdict, most=MOST)
    window = [*earlier[-LOOK_BACK + 1 :], run]
    table = index.history(model, COLUMNS) if run["latest"] else None
    metrics = {} if table is None else {(each.check, each.label): each for each in metrics_of(table, window)}
    notable = []
    for finding in ranked.notable:
        metric = metrics.get((finding.check, finding.label))
        streak = streak_of(metric.series("finding_outcome")) if metric else 0
        notable.append({"finding": finding, "since": _since(streak, window), "waiver": _waiver(finding)})
    return {"notable": notable, "passing": ranked.passing, "omitted": ranked.omitted}


def _since(streak: int, window: Sequence[Mapping[str, Any]]) -> str:
    if streak == 0:
        return ""
    if streak == 1:
        return "new" if len(window) > 1 else ""
    return f"{counted(streak, 'run')}, since {spelled(window[-streak]['moment'])}"


def _waiver(finding: Finding) -> str:
    if finding.outcome != "waived":
        return ""
    note = waiver_note(finding)
    return f"waived until {note.expires} by {note.approver}: {note.reason}" if note.expires else "waived"


def _changes(run: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is not as in the run before: outcome, policy, model."""
    if not earlier:
        return ["This is the first run of this model."]
    before = earlier[-1]
    changes = [
        f"The {word} is {run[column][:12]}, before {before[column][:12]}: numbers of both runs are not comparable without it."
        for word, column in (("policy", "policy_sha256"), ("model", "model_sha256"))
        if run[column] != before[column]
    ]
    outcome = (
        f"The outcome is {run['outcome']}, as in the run of {spelled(before['moment'])}."
        if run["outcome"] == before["outcome"]
        else f"The outcome is {run['outcome']}; in the run of {spelled(before['moment'])} it was {before['outcome']}."
    )
    return [outcome, *(changes or ["Policy and model are those of the run before."])]


def _checks(
    checks: Sequence[Mapping[str, Any]], records: Mapping[str, Mapping[str, Any] | None]
) -> list[dict[str, Any]]:
    """The checks, the worst first, each with its question and its own sentences."""
    return [
        dict(check)
        | {
            "question": (records[check["name"]] or {}).get("question", ""),
            "sentence": str(check["sentence"]).partition("\n")[2].replace("  - ", "") or check["sentence"],
            "shown": records[check["name"]] is not None and check["report"] is not None,
        }
        for check in in_order(checks)
    ]
