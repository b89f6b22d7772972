"""Waivers that are decided on at run time: what may be asked for, who may decide, and the decision as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from model_governance.checks import catalogue
from model_governance.contract.moments import end_of
from model_governance.contract.result import label_of
from model_governance.errors import PolicyError
from model_governance.evidence.links import store_document
from model_governance.evidence.waivers import WaiverDecision, as_expiry
from model_governance.policy.agreement import disagreements
from model_governance.policy.model import Waiver
from model_governance.policy.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.evidence.envelope import Signer
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user as the login knows them: an id, and the name that is shown."""

    id: str
    name: str = ""

    def is_called(self, text: str) -> bool:
        """Whether a text is the id or the name, capitals aside."""
        return text.strip().casefold() in {each.strip().casefold() for each in (self.id, self.name) if each.strip()}

    @property
    def shown(self) -> str:
        """`Ada Byron (ada)`, or the id where there is no other name."""
        return f"{self.name} ({self.id})" if self.name and self.name != self.id else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRequest:
    """A waiver that somebody asks for; the fields are those of a waiver of a policy, `expires` as text."""

    check: str
    metric: str
    key: str | None
    reason: str
    ticket: str
    expires: str
    requested_by: str

    @property
    def sentence(self) -> str:
        """What is asked for."""
        label = label_of(self.metric, self.key)
        return f"waive {label} of {self.check} until {self.expires} ({self.ticket}): {self.reason}"


def require_request(policy: Policy, request: WaiverRequest, *, moment: datetime) -> None:
    """Nothing, where the policy could hold the waiver and it would be in force.

    Raises:
        PolicyError: lists every problem: no such check, metric or key, a blank field, or an end that has passed.
    """
    problems = [] if request.requested_by.strip() else ["it is not known who asks for it"]
    fields = {name: getattr(request, name) for name in ("check", "metric", "key", "reason", "ticket")}
    try:
        expires = as_expiry(request.expires)
        Waiver.model_validate({**fields, "approver": "nobody yet", "expires": expires})
        if end_of(expires) <= moment:
            problems.append(f"expires: {request.expires} has passed already")
    except ValidationError as error:
        problems += [f"{mistake['loc'][0]}: {mistake['msg']}" for mistake in error.errors()]
    except ValueError:
        problems.append(
            f"expires: expected a day (2027-01-31) or a moment (2027-01-31T12:00), found {request.expires!r}"
        )
    asked: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    raw = {**read_yaml(policy.source, policy.name)[1], "waivers": [asked]}
    problems += [f"{path[-1]}: {text}" for path, text in disagreements(raw, catalogue()) if path[0] == "waivers"]
    if problems:
        raise PolicyError([f"waiver of {policy.name}: {problem}" for problem in problems])


def require_two_persons(
    policy: Policy, *, approvers: Sequence[str], requested_by: str, by: Person, check: str | None = None
) -> None:
    """Nothing, where this person may decide: a named approver who neither asked for it nor owns what is decided on.

    Args:
        policy: of the model.
        approvers: ids of users who may decide.
        requested_by: who asked.
        by: who decides.
        check: whose owner may not decide either.

    Raises:
        PolicyError: says which rule is broken.
    """
    owners = {policy.owner, policy.owner if check is None else policy.owner_of(check)}
    problems = []
    # By the id alone: in some logins a user chooses the name that is shown.
    if by.id.strip().casefold() not in {approver.strip().casefold() for approver in approvers}:
        problems.append(f"{by.shown} is none of its approvers: {', '.join(approvers) or 'none are named'}")
    if not requested_by.strip():
        problems.append("it is not known who asked")
    elif by.is_called(requested_by):
        problems.append(f"{by.shown} asked for it; another person must decide")
    problems += [f"{by.shown} owns it; another person must decide" for owner in sorted(owners) if by.is_called(owner)]
    if problems:
        raise PolicyError([f"{policy.name}: {problem}" for problem in problems])


def decide_waiver(
    policy: Policy, store: ArtifactStore, request: WaiverRequest, *, granted: bool, by: Person,
    moment: datetime | None = None, signer: Signer | None = None,
) -> tuple[WaiverDecision, str]:  # fmt: skip
    """Store a decision on a waiver and append its link to the chain; the same decision again changes nothing.

    Args:
        policy: of the model.
        store: its archive.
        request: what was asked for.
        granted: whether the waiver is granted; a refusal is evidence too.
        by: who decided.
        moment: when (UTC), by default now.
        signer: signs the link; None leaves it unsigned.

    Returns:
        The decision and its uri.

    Raises:
        PolicyError: as `require_request`.
        StoreUnreachable, StoreError: as `ArtifactStore.put_once`.
    """
    moment = moment or datetime.now(UTC)
    if granted:
        require_request(policy, request, moment=moment)
    decision = WaiverDecision(
        model=policy.name, decision="granted" if granted else "refused", check=request.check, metric=request.metric,
        key=request.key, reason=request.reason, ticket=request.ticket, expires=request.expires,
        requested_by=request.requested_by, decided_by=by.shown, decided_at=moment,
    )  # fmt: skip
    uri = store_document(store, "waiver", policy.name, key=decision.document, content=decision.content, signer=signer)
    return decision, uri
