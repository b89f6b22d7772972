"""Decisions on new versions of a model: promoted, refused, rolled back, or that training is stopped; and which version is the champion.

A decision is evidence: a create-only document with a link of the chain. The champion is the version that the newest promotion or
rollback names. One of several decisions at the same time wins: before it is stored, it creates the next object of a numbered
series (compare-and-swap), which only one of them can.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from model_governance.contract.documents import Form, Moment, OpenForm, Sha256, read_document, require_form
from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, ObjectConflict, ObjectMissing
from model_governance.evidence.address_form import Address, Name
from model_governance.evidence.chain import HINTS
from model_governance.evidence.history import Archive
from model_governance.evidence.reading import NOT_USED
from model_governance.evidence.statement import document_folder, document_key
from model_governance.policy import DatasetSpec, ModelSpec, Policy
from model_governance.verdict import Outcome  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_governance.evidence.trust import Trust
    from model_governance.store import ArtifactStore

PROMOTION_SCHEMA = "model-governance/promotion/v1"
TURN_SCHEMA = "model-governance/promotion-turn/v1"
Decision = Literal["promoted", "refused", "rolled_back", "stopped"]
LAPSES = timedelta(days=1)
CHANGES: tuple[Decision, ...] = ("promoted", "rolled_back")
"""Decisions after which another version is the champion."""


class VersionForm(Form):
    """A version of a model, with the rows that belong to it."""

    model: dict[str, Any]
    datasets: dict[str, dict[str, Any]]


class MeasuredForm(Address):
    """The record of a check that a decision rests on."""

    check: Name
    of: Literal["challenger", "champion", "window"]
    outcome: Outcome


class PromotionForm(OpenForm):
    """A stored decision on a version."""

    model: Name
    decision: Decision
    reason: Name
    policy_sha256: Sha256
    named_sha256: Sha256
    request: Address | None
    challenger: VersionForm | None
    champion: VersionForm
    replaced: VersionForm | None
    manifest: Address | None
    margins: dict[str, dict[str, float]]
    measured: list[MeasuredForm]
    comparisons: list[dict[str, Any]]
    gained: bool
    by: Name
    decided_at: Moment


class TurnForm(OpenForm):
    """Which decision may replace a champion, and since when."""

    token: Name
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of a model: the block `model` of a policy, and the datasets that belong to it, as JSON types."""

    model: Mapping[str, Any]
    datasets: Mapping[str, Mapping[str, Any]]

    @property
    def sha256(self) -> str:
        """Digest of its bytes."""
        return str(self.model["sha256"])

    def record(self) -> dict[str, Any]:
        """The version as JSON types."""
        return {"model": dict(self.model), "datasets": {role: dict(spec) for role, spec in self.datasets.items()}}

    def model_spec(self) -> ModelSpec:
        """The block `model`. Raises ValidationError."""
        return ModelSpec.model_validate(self.model)

    def dataset_specs(self) -> dict[Any, DatasetSpec]:
        """The datasets by role. Raises ValidationError."""
        return {role: DatasetSpec.model_validate(spec) for role, spec in self.datasets.items()}

    def of(self, policy: Policy) -> Policy:
        """The policy, for this version."""
        return policy.with_version(self.model_spec(), self.dataset_specs())


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A decision on a version.

    Attributes:
        model: name of the model.
        decision: what was decided; `stopped`: nothing is trained until a person has looked.
        reason: why, in sentences.
        policy_sha256: digest of the policy's file.
        named_sha256: digest of the model that this file names; the decision counts as long as it names the same.
        request: `key` and `sha256` of the manifest behind the request; None of a rollback.
        challenger: the new version, or the one that is rolled back; None where none was trained.
        champion: the version that is the champion after the decision.
        replaced: the version that was the champion until then; None where the decision changed nothing.
        manifest: `key` and `sha256` of the archived run of a promoted challenger.
        margins: by check and metric, as the policy had them.
        measured: the records that it rests on: `check`, `of` (challenger, champion, window), `key`, `sha256`, `outcome`.
        comparisons: challenger beside champion, one per metric with a margin.
        gained: whether a better model came of it: promoted, and better in a metric beyond chance.
        by: who or what decided.
        decided_at: when (UTC).
    """

    model: str
    decision: Decision
    reason: str
    policy_sha256: str
    named_sha256: str
    champion: Version
    by: str
    decided_at: datetime
    request: Mapping[str, str] | None = None
    challenger: Version | None = None
    replaced: Version | None = None
    manifest: Mapping[str, str] | None = None
    margins: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    measured: Sequence[Mapping[str, str]] = ()
    comparisons: Sequence[Mapping[str, Any]] = ()
    gained: bool = False

    @property
    def content(self) -> bytes:
        """The stored bytes."""
        record = asdict(self) | {"decided_at": self.decided_at.isoformat(), "schema": PROMOTION_SCHEMA}
        return canonical_json(record)

    @property
    def key(self) -> str:
        """Where it is stored."""
        return document_key("promotion", self.model, moment=self.decided_at, content=self.content)

    @property
    def sentence(self) -> str:
        """Who decided what, when and why."""
        version = self.challenger or self.champion
        what = {
            "promoted": f"version {version.sha256[:12]} is the champion",
            "refused": f"version {version.sha256[:12]} is refused" if self.challenger else "nothing was trained",
            "rolled_back": f"version {self.champion.sha256[:12]} is the champion again",
            "stopped": "training is stopped",
        }[self.decision]
        return f"{self.model}: {what}, decided by {self.by} on {spell_moment(self.decided_at)}: {self.reason}"


def as_promotion(content: bytes, *, origin: str) -> Promotion:
    """The decision in these bytes; `origin` names them in messages.

    Raises:
        EvidenceError: they are no decision on a version, or a field does not fit.
    """
    record = read_document(content, origin=origin, schema=PROMOTION_SCHEMA)
    require_form(record, PromotionForm, origin=origin)
    fields = {name: record[name] for name in Promotion.__slots__}
    versions = {
        name: None if fields[name] is None else Version(**fields[name])
        for name in ("challenger", "champion", "replaced")
    }
    promotion = Promotion(**fields | versions | {"decided_at": parse_moment(record["decided_at"])})
    try:
        for version in filter(None, versions.values()):
            version.model_spec()
            version.dataset_specs()
    except (ValidationError, KeyError) as error:
        raise EvidenceError(f"{origin}: names a version that no policy can hold: {error!s:.300}; {NOT_USED}") from error
    return promotion


def promotions(archive: Archive) -> Iterator[Promotion]:
    """The decisions on versions of a model, the newest first.

    Raises:
        EvidenceError: one was altered, removed after it was linked, or has no link that counts: it is not known which version
            is the champion.
        StoreUnreachable: as `ArtifactStore.get`.
    """
    folder, store = document_folder("promotion", archive.model), archive.store
    keys = {key for key in store.keys(folder) if key.endswith(".json")}
    removed = sorted({key.removeprefix(HINTS) for key in store.keys(HINTS + folder)} - keys)
    if removed:
        raise EvidenceError(
            f"{store.locate(removed[0])}: is missing, and the chain holds its link: it was removed, so that it is not known "
            "which version is the champion. Restore it from its oldest version"
        )
    for key in sorted(keys, reverse=True):
        yield _read(archive, key)


def champion_of(archive: Archive, policy: Policy, *, moment: datetime | None = None) -> Promotion | None:
    """The decision that made the present champion; None where the policy's own model is the champion.

    A decision counts as long as the policy's file names the model that it named then: who edits `model` decides anew.

    Args:
        archive: of the model.
        policy: as its file stands.
        moment: decisions up to then count (UTC); None: all.

    Raises: as `promotions`.
    """
    for promotion in promotions(archive):
        if promotion.named_sha256 != policy.model.sha256:
            return None
        if promotion.decision in CHANGES and (moment is None or promotion.decided_at <= moment):
            return promotion
    return None


def governed(
    policy: Policy, store: ArtifactStore, *, moment: datetime | None = None, trust: Trust | None = None
) -> Policy:
    """The policy for the version that is the champion; as it stands where nothing of it is promoted.

    Args:
        policy: as its file stands.
        store: the archive.
        moment: who was champion then (UTC); None: now. All tasks of a run ask for the same moment.
        trust: keys of which one must have signed the decision; None: signatures are not asked for.

    Raises: as `promotions`.
    """
    if policy.promotion is None:
        return policy
    promotion = champion_of(Archive(store, policy.name, trust=trust), policy, moment=moment)
    return policy if promotion is None else promotion.champion.of(policy)


def version_in_policy(policy: Policy) -> Version:
    """The version that a policy names."""
    roles = {role: policy.datasets[role] for role in ("train",) if role in policy.datasets}
    return Version(
        model=policy.model.model_dump(mode="json", exclude_unset=True),
        datasets={role: spec.model_dump(mode="json", exclude_unset=True) for role, spec in roles.items()},
    )


def champion_version(archive: Archive, policy: Policy) -> Version:
    """The version that is the champion now. Raises as `promotions`."""
    promotion = champion_of(archive, policy)
    return version_in_policy(policy) if promotion is None else promotion.champion


def take_turn(store: ArtifactStore, model: str, *, before: str, token: str, now: datetime) -> bool:
    """Whether a decision may change the champion; only one of several that know the same champion may.

    A turn whose decision was never stored lapses after a day: its task was killed and nobody tries it again.

    Args:
        store: the archive.
        model: name of the model.
        before: key of the decision that made the champion that is replaced; empty for the policy's own model.
        token: of the decision; one that is tried again has its turn still.
        now: the time (UTC).

    Raises:
        EvidenceError: an object of the series is no turn.
        StoreError, StoreUnreachable: as `ArtifactStore`.
    """
    folder = f"v1/promotion-turns/model={model}/{hashlib.sha256(before.encode()).hexdigest()[:16]}/"
    content = canonical_json({"schema": TURN_SCHEMA, "token": token, "at": now.isoformat()})
    while True:
        keys = sorted(store.keys(folder))
        if keys:
            turn = read_document(store.get(keys[-1]), origin=store.locate(keys[-1]), schema=TURN_SCHEMA)
            require_form(turn, TurnForm, origin=store.locate(keys[-1]))
            if turn["token"] == token or now - parse_moment(turn["at"]) < LAPSES:
                return bool(turn["token"] == token)
        try:
            store.put_once(f"{folder}{len(keys) + 1:06d}.json", content, media_type="application/json")
        except ObjectConflict:
            continue
        return True


def trainings_without_gain(archive: Archive, policy: Policy) -> int:
    """How many trainings in a row ended without a better model, under the policy's file as it stands. Raises as `promotions`."""
    count = 0
    for promotion in promotions(archive):
        if promotion.policy_sha256 != policy.file_sha256 or promotion.gained:
            break
        count += promotion.challenger is not None and promotion.decision in ("promoted", "refused")
    return count


def _read(archive: Archive, key: str) -> Promotion:
    store = archive.store
    try:
        content = store.get(key)
    except ObjectMissing as error:
        raise EvidenceError(f"{store.locate(key)}: is missing; {NOT_USED}") from error
    origin = store.locate(key)
    promotion = as_promotion(content, origin=origin)
    if promotion.key != key or promotion.content != content or promotion.model != archive.model:
        raise EvidenceError(
            f"{origin}: the bytes do not have the digest in their key; the decision was altered afterwards and is not used. "
            "Restore it from its oldest version"
        )
    archive.require_link(key, hashlib.sha256(content).hexdigest())
    return promotion
