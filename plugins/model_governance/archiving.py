"""Archives a run: its manifest, its page and its link of the chain, from the records of its checks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.errors import EvidenceError
from model_governance.evidence.consistency import disagreements
from model_governance.evidence.controls import control_map
from model_governance.evidence.history import Archive
from model_governance.evidence.links import announce, link_run
from model_governance.evidence.manifest import write_manifest
from model_governance.evidence.record import read_record
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of
from model_governance.report import page_of_run
from model_governance.report.newness import RUNS, history_of
from model_governance.store import stored_at
from model_governance.verdict import Verdict, combine, fail_policy_of, trusted_verdict, unmeasured
from model_governance.verdict.violation import ThresholdViolation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.connections import Connections
    from model_governance.contract.run import Run
    from model_governance.evidence.chain import Link
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore, Stored
    from model_governance.verdict import Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedRun:
    """A whole run, archived: the verdict over all checks, where manifest and page are, and its link of the chain."""

    verdict: Verdict
    outcomes: Mapping[str, Outcome]
    manifest: Stored
    report: Stored
    link: Link

    def summary(self) -> dict[str, Any]:
        """What travels to the gate and the retraining request."""
        return {
            "name": self.verdict.name,
            "outcome": self.verdict.outcome,
            "stops": self.verdict.stops,
            "sentence": self.verdict.sentence[:4000],
            "outcomes": dict(self.outcomes),
            "manifest": self.manifest.record() | {"uri": self.manifest.uri},
            "report": self.report.record() | {"uri": self.report.uri},
            "link": {
                "key": self.link.key, "sequence": self.link.sequence, "sha256": self.link.digest,
                "signed": self.link.is_signed,
            },
        }  # fmt: skip

    def raise_if_it_stops(self) -> None:
        """Nothing, or ThresholdViolation with every finding that stops the run."""
        if self.verdict.stops:
            raise ThresholdViolation(self.verdict)


def archive_run(
    policy: Policy, summaries: Mapping[str, Mapping[str, Any] | None], *, run: Run, store: ArtifactStore,
    connections: Connections | None = None, reasons: Mapping[str, str] | None = None,
) -> ArchivedRun:  # fmt: skip
    """Write the manifest, the page and the link of a run from the summaries of its checks, whatever happened.

    A check whose summary is None never reported: that is an error, not a pass. So are records that do not belong
    together: made under two policies, or on two versions of a model or dataset. `connections` give the signing key that
    the policy names, by default as they are outside Airflow. `reasons` say, by check, why one never reported.

    Raises:
        EvidenceError: a stored record does not have the digest that its check reported, or is no record, or the signing
            key is missing.
        StoreUnreachable, StoreError: as `ArtifactStore`.
    """
    records: dict[str, dict[str, Any] | None] = {}
    verdicts = []
    for name in policy.checks:
        summary = summaries.get(name)
        record = read_record(store, summary["record"]) if summary else None
        records[name] = record
        verdicts.append(
            trusted_verdict(record["verdict"])
            if record
            else _never_reported(policy, name, (reasons or {}).get(name, NO_VERDICT))
        )
    problems = disagreements(policy.file_sha256, records)
    verdict = combine(policy.name, verdicts, fail_policy=fail_policy_of(policy), problems=problems)
    signer = signer_of(policy, connections)
    manifest, stored = write_manifest(
        policy, records=records, summaries=summaries, verdicts=verdicts, verdict=verdict, store=store, run=run,
        history=lambda: _history(policy, verdict, records, run=run, store=store, connections=connections),
        announce=lambda key, content: announce(
            store, key, content, model=policy.name, signer=signer
        ),
    )  # fmt: skip
    folder = stored.key.rsplit("/", 1)[0]
    page = page_of_run(manifest, folder=folder, records=records.values(), store=store)
    key = f"{folder}/report.html"
    store.put_once(key, page, media_type="text/html")
    report = stored_at(store, key, page, media_type="text/html")
    link = link_run(
        store, manifest, address=stored.record(), signer=signer, records=records,
        page=report.record(), policy=policy, controls=control_map(policy, catalogue()),
    )  # fmt: skip
    outcomes = {name: verdict.outcome for name, verdict in zip(policy.checks, verdicts, strict=True)}
    return ArchivedRun(verdict=verdict, outcomes=outcomes, manifest=stored, report=report, link=link)


NO_VERDICT = "its task left no verdict (not started, as after a model file that was refused; killed; or its evidence could not be written)"


def _history(
    policy: Policy, verdict: Verdict, records: Mapping[str, Mapping[str, Any] | None], *, run: Run, store: ArtifactStore,
    connections: Connections | None,
) -> dict[str, Any] | None:  # fmt: skip
    """What the manifest says of the runs before; None where they cannot be trusted. Damaged runs are left out."""
    try:
        trust = trust_of(policy, connections or PlainConnections())
        archive = Archive(store, policy.name, before=run.logical_date, trust=trust)
        earlier = ((each.logical_date, each.content) for each in islice(archive.runs(), RUNS - 1))
        model = next((record["model"]["sha256"] for record in records.values() if record and record["model"]), None)
        return history_of(verdict, moment=run.logical_date, model=model, earlier=earlier)
    except EvidenceError as error:
        # The checks that need earlier runs report it; this run is archived all the same.
        log.warning("the findings are not compared with those of earlier runs: %s", error)
        return None


def _never_reported(policy: Policy, name: str, reason: str) -> Verdict:
    return unmeasured(name, reason, fail_policy=fail_policy_of(policy))
