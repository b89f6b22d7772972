"""Govern a challenger with the policy of its model, compare it with the champion, and promote or refuse it; roll a promotion back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from model_governance.archiving import archive_run
from model_governance.authoring.accept import accept_run
from model_governance.authoring.decisions import NOBODY, margins_of, measured, refuse, store_decision
from model_governance.contract.moments import parse_moment
from model_governance.contract.result import Artifact, canonical_json
from model_governance.contract.stored_result import read_result
from model_governance.errors import PolicyError
from model_governance.evidence.consistency import disagreements
from model_governance.evidence.history import Archive
from model_governance.evidence.promotions import (
    Promotion,
    Version,
    champion_of,
    promotions,
    take_turn,
    version_in_policy,
)
from model_governance.evidence.record import read_record
from model_governance.policy import DatasetSpec
from model_governance.run import run_check, run_checks
from model_governance.store import put_blob
from model_governance.subjects import load_dataset, load_model
from model_governance.subjects.approved_answers import approve
from model_governance.subjects.image_columns import with_pixel_columns
from model_governance.subjects.mlflow_alias import point_champion_at
from model_governance.subjects.sources import read_source
from model_governance.verdict.non_inferiority import compare_models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.authoring.retraining import Retraining
    from model_governance.contract.connections import Connections
    from model_governance.evidence.envelope import Signer
    from model_governance.evidence.trust import Trust
    from model_governance.policy import Policy, PromotionSpec
    from model_governance.store import ArtifactStore

Summaries = dict[str, "Mapping[str, Any] | None"]
GOOD = ("pass", "waived")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the evidence says of a challenger, before anybody decides.

    Attributes:
        challenger: the new version.
        problems: why it cannot replace the champion; none where it can.
        summaries: of its checks, by name.
        measured: the records that the proposal rests on.
        comparisons: challenger beside champion.
        gained: whether it is better in a metric with a margin, beyond chance.
        judged_at: when (UTC).
    """

    challenger: Version
    problems: tuple[str, ...]
    summaries: Summaries
    measured: tuple[Mapping[str, str], ...]
    comparisons: tuple[Mapping[str, Any], ...]
    gained: bool
    judged_at: datetime

    def record(self) -> dict[str, Any]:
        """The proposal as JSON types, for the next task."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "challenger": self.challenger.record(), "problems": list(self.problems), "measured": list(self.measured),
            "comparisons": list(self.comparisons), "judged_at": self.judged_at.isoformat(),
        }  # fmt: skip

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Proposal:
        """The proposal that `record` gave."""
        return cls(
            challenger=Version(**record["challenger"]), problems=tuple(record["problems"]), summaries=record["summaries"],
            measured=tuple(record["measured"]), comparisons=tuple(record["comparisons"]), gained=record["gained"],
            judged_at=parse_moment(record["judged_at"]),
        )  # fmt: skip


def govern_challenger(
    retraining: Retraining, challenger: Version, store: ArtifactStore, connections: Connections
) -> Proposal:
    """Run every check of the policy on the challenger, measure the champion on the same rows, and compare.

    Each is measured on the rows that it was trained on where a check asks for them (membership inference), on the same rows
    otherwise. Metrics that compare both models row by row are taken where a check has them.

    Raises: as `run_check`; PolicyError where the policy has no `promotion`.
    """
    policy, promotion = retraining.challenged(challenger), require_promotion(retraining.policy)
    summaries = run_checks(
        policy, run=retraining.run, store=store, connections=connections, sources=retraining.sources_of(policy)
    )
    present = retraining.champion.of(retraining.policy)
    champion: Summaries = {
        name: run_check(
            present, name, run=retraining.run, store=store, connections=connections,
            sources=retraining.sources_of(present),
        ).summary()
        for name in promotion.margins
    }  # fmt: skip
    return judge_challenger(retraining, challenger, summaries, champion, store)


def judge_challenger(
    retraining: Retraining, challenger: Version, summaries: Summaries, champion: Summaries, store: ArtifactStore
) -> Proposal:
    """Compare what was measured of challenger and champion.

    Raises:
        EvidenceError, ObjectMissing: a record is not the one that its check reported.
        PolicyError: the policy has no `promotion`.
    """
    policy, promotion = retraining.challenged(challenger), require_promotion(retraining.policy)
    records = {name: read_record(store, each["record"]) for name, each in summaries.items() if each}
    others = {name: read_record(store, each["record"]) for name, each in champion.items() if each}
    comparisons = compare_models(promotion, _results(records), _results(others))
    problems = [
        *_versions(retraining, challenger),
        *_verdicts(policy, promotion, summaries),
        *disagreements(policy.file_sha256, {name: records.get(name) for name in policy.checks}),
        *(each.sentence for each in comparisons if each.outcome != "pass"),
    ]
    return Proposal(
        challenger=challenger, problems=tuple(problems), summaries=summaries,
        measured=(*measured(summaries, "challenger"), *measured(champion, "champion")),
        comparisons=tuple(each.record() for each in comparisons),
        gained=any(each.is_superior for each in comparisons), judged_at=datetime.now(UTC),
    )  # fmt: skip


def conclude(
    retraining: Retraining, proposal: Proposal, store: ArtifactStore, connections: Connections, *, by: str = NOBODY,
    refused_because: str = "", moment: datetime | None = None, signer: Signer | None = None, trust: Trust | None = None,
) -> Promotion:  # fmt: skip
    """Promote the challenger or refuse it, as evidence; doing the same again completes what a crash left.

    A promotion archives the challenger's run in the history of the model, makes it the approved baseline of the version, and
    renews the approved answers where the policy has them.

    Args:
        retraining: what was trained, and who is champion.
        proposal: what the evidence says.
        store: the archive.
        connections: gives S3 clients.
        by: who decides.
        refused_because: why a person refuses what the evidence allows; empty: the evidence decides.
        moment: when a person decided (UTC); None: when the evidence was judged. The same at every try.
        signer: signs the links; None leaves them unsigned.
        trust: keys of which one must have signed what is read.

    Raises:
        StoreUnreachable, StoreError: as `ArtifactStore`.
        EvidenceError: earlier decisions are damaged.
        SubjectError: the challenger cannot be loaded for its approval.
    """
    moment = moment or proposal.judged_at
    archive = Archive(store, retraining.policy.name, trust=trust)
    before = champion_of(archive, retraining.policy)
    problems = [*proposal.problems, *([refused_because] if refused_because else []), *_rolled_back(archive, proposal)]
    present = version_in_policy(retraining.policy) if before is None else before.champion
    if before is not None and (before.decided_at, before.champion.sha256) == (moment, proposal.challenger.sha256):
        return before  # an earlier try stored it
    if present.sha256 != retraining.champion.sha256:
        problems.append(f"version {present.sha256[:12]} became the champion in the meantime; compare with that one")
    token = f"{retraining.manifest['sha256']} {proposal.challenger.sha256}"
    if not problems and not take_turn(
        store, archive.model, before=before.key if before else "", token=token, now=datetime.now(UTC)
    ):
        problems.append("another challenger is being promoted at the same time; compare with that one")
    if problems:
        return refuse(
            retraining, "; ".join(problems), store, challenger=proposal.challenger, measured=proposal.measured,
            comparisons=proposal.comparisons, by=by, moment=moment, signer=signer,
        )  # fmt: skip
    return _promote(retraining, proposal, store, connections, by=by, moment=moment, signer=signer, trust=trust)


def roll_back(
    policy: Policy, store: ArtifactStore, *, reason: str, by: str, moment: datetime | None = None,
    signer: Signer | None = None, trust: Trust | None = None,
) -> Promotion:  # fmt: skip
    """Put the version back that the present champion replaced.

    Raises:
        PolicyError: nothing was promoted, or reason or name are empty.
        EvidenceError: earlier decisions are damaged.
        StoreUnreachable, StoreError: as `ArtifactStore`.
    """
    if not reason.strip() or not by.strip():
        raise PolicyError([f"{policy.name}: a rollback says who asks for it, and why"])
    archive = Archive(store, policy.name, trust=trust)
    newest = champion_of(archive, policy)
    if newest is not None and newest.decision == "rolled_back" and newest.decided_at == moment:
        return newest  # an earlier try stored it
    present = version_in_policy(policy) if newest is None else newest.champion
    made = next(
        (
            each for each in promotions(archive)
            if each.decision == "promoted" and each.champion.sha256 == present.sha256
            and each.named_sha256 == policy.model.sha256
        ), None,
    )  # fmt: skip
    if made is None:
        raise PolicyError(
            [f"{policy.name}: version {present.sha256[:12]} was promoted by nobody, so there is none before it"]
        )
    former = made.replaced or version_in_policy(policy)
    back = Promotion(
        model=policy.name, decision="rolled_back", reason=reason.strip(), policy_sha256=policy.file_sha256,
        named_sha256=policy.model.sha256, champion=former, challenger=present, replaced=present, by=by.strip(),
        decided_at=moment or datetime.now(UTC),
    )  # fmt: skip
    stored = store_decision(back, store, signer)
    point_champion_at(former.model["uri"])
    return stored


def require_promotion(policy: Policy) -> PromotionSpec:
    """The block `promotion` of a policy. Raises PolicyError."""
    if policy.promotion is None:
        raise PolicyError([f"{policy.name}: no `promotion:`, so nothing can be promoted; add it with its margins"])
    return policy.promotion


def _promote(
    retraining: Retraining, proposal: Proposal, store: ArtifactStore, connections: Connections, *, by: str,
    moment: datetime, signer: Signer | None, trust: Trust | None,
) -> Promotion:  # fmt: skip
    policy = retraining.challenged(proposal.challenger)
    model = _with_approval(retraining.policy, proposal.challenger, store, connections)
    archived = archive_run(policy, proposal.summaries, run=retraining.run, store=store, connections=connections)
    improved = "; ".join(each["sentence"] for each in proposal.comparisons)
    promotion = Promotion(
        model=policy.name, decision="promoted", reason=improved, policy_sha256=policy.file_sha256,
        named_sha256=retraining.policy.model.sha256, request=retraining.manifest, challenger=proposal.challenger,
        champion=Version(model=model, datasets=proposal.challenger.datasets), replaced=retraining.champion,
        manifest={"key": archived.manifest.key, "sha256": archived.manifest.sha256},
        margins=margins_of(retraining.policy), measured=list(proposal.measured), comparisons=list(proposal.comparisons),
        gained=proposal.gained, by=by, decided_at=moment,
    )  # fmt: skip
    accept_run(
        store, policy.name, retraining.run.run_id, reason="promoted: no worse than the champion within the margins", by=by,
        moment=moment, signer=signer, trust=trust,
    )  # fmt: skip
    stored = store_decision(promotion, store, signer)
    point_champion_at(model["uri"])
    return stored


def _with_approval(
    policy: Policy, challenger: Version, store: ArtifactStore, connections: Connections
) -> dict[str, Any]:
    """The model of a challenger with approved answers of its own, on the rows of the approval that the policy names."""
    model, given = dict(challenger.model), policy.model.approval
    if given is None:
        return model
    content, _ = read_source(
        given.uri,
        folder=policy.folder,
        connections=connections,
        connection=policy.model.connection,
        expected=given.sha256,
    )
    rows = json.loads(content)["rows"]
    uri = rows["uri"] if "://" in rows["uri"] else str(((policy.folder / given.uri).parent / rows["uri"]).resolve())
    spec = challenger.model_spec()
    loaded = load_model(
        spec.model_copy(update={"decision_threshold": None}),
        policy.columns,
        folder=policy.folder,
        connections=connections,
    )
    dataset = load_dataset(
        "reference", DatasetSpec(uri=uri, sha256=rows["sha256"]), folder=policy.folder, connections=connections
    )
    frame = with_pixel_columns(dataset, policy.columns).read(list(policy.columns.names))
    answers = approve(loaded, policy.columns, frame, uri=uri, sha256=dataset.sha256, seed=rows.get("seed", 0))
    stored = put_blob(
        store, Artifact(name="approval.json", media_type="application/json", content=canonical_json(answers))
    )
    return model | {"approval": {"uri": store.locate(stored.key), "sha256": stored.sha256}}


def _results(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        name: read_result(record["result"], origin=name) if record["result"] else None
        for name, record in records.items()
    }


def _versions(retraining: Retraining, challenger: Version) -> list[str]:
    if challenger.sha256 != retraining.champion.sha256:
        return []
    return ["training gave the version that is the champion already; the data it learns from did not change"]


def _verdicts(policy: Policy, promotion: PromotionSpec, summaries: Summaries) -> list[str]:
    """Checks that stop the challenger, that did not run, or that were required and did not pass."""
    problems = []
    for name in policy.checks:
        summary = summaries.get(name)
        if summary is None:
            problems.append(f"{name} did not run")
        elif summary["stops"] or (name in promotion.require and summary["outcome"] not in GOOD):
            problems.append(str(summary["sentence"]))
    return problems


def _rolled_back(archive: Archive, proposal: Proposal) -> list[str]:
    """Whether this very version was the champion and was rolled back."""
    for each in promotions(archive):
        if each.decision == "rolled_back" and each.challenger and each.challenger.sha256 == proposal.challenger.sha256:
            return [f"this very version was rolled back by {each.by}: {each.reason}"]
    return []
