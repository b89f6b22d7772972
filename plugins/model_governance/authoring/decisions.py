"""Decisions on versions of a model as they are stored: with the records and margins that they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from model_governance.evidence.links import store_document
from model_governance.evidence.promotions import Promotion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from model_governance.authoring.retraining import Retraining
    from model_governance.evidence.envelope import Signer
    from model_governance.evidence.promotions import Version
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

NOBODY = "policy"
"""Who decides where no person is asked."""


def refuse(
    retraining: Retraining, reason: str, store: ArtifactStore, *, challenger: Version | None = None,
    measured: Sequence[Mapping[str, str]] = (), comparisons: Sequence[Mapping[str, Any]] = (), by: str = NOBODY,
    moment: datetime, signer: Signer | None = None, decision: Literal["refused", "stopped"] = "refused",
) -> Promotion:  # fmt: skip
    """Store that a window or a challenger is refused, or that training is stopped, with what that rests on.

    Raises: as `store_document`.
    """
    refusal = Promotion(
        model=retraining.policy.name, decision=decision, reason=reason, policy_sha256=retraining.policy.file_sha256,
        named_sha256=retraining.policy.model.sha256, request=retraining.manifest, challenger=challenger,
        champion=retraining.champion, margins=margins_of(retraining.policy), measured=list(measured),
        comparisons=list(comparisons), by=by, decided_at=moment,
    )  # fmt: skip
    return store_decision(refusal, store, signer)


def measured(summaries: Mapping[str, Mapping[str, Any] | None], of: str) -> tuple[Mapping[str, str], ...]:
    """The records behind summaries of checks, as a decision names them."""
    return tuple(
        {"check": name, "of": of, "outcome": each["outcome"]}
        | {part: each["record"][part] for part in ("key", "sha256")}
        for name, each in summaries.items()
        if each
    )


def store_decision(promotion: Promotion, store: ArtifactStore, signer: Signer | None) -> Promotion:
    """Store a decision and append its link to the chain; the same decision again changes nothing. Raises as `store_document`."""
    store_document(store, "promotion", promotion.model, key=promotion.key, content=promotion.content, signer=signer)
    return promotion


def margins_of(policy: Policy) -> dict[str, dict[str, float]]:
    """The margins of a policy, as a decision states them."""
    margins = {} if policy.promotion is None else policy.promotion.margins
    return {check: dict(each) for check, each in margins.items()}
