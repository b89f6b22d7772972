"""A policy with a check that a DAG file adds to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import PolicyError

if TYPE_CHECKING:
    from model_governance.policy import CheckSpec, Policy


def with_check(policy: Policy, name: str, spec: CheckSpec) -> Policy:
    """The policy with one more check; its digest covers the addition.

    Raises:
        PolicyError: the policy has a check of this name.
    """
    if name in policy.checks:
        raise PolicyError([f"policy {policy.name}: check {name!r} is taken; give the added one another name"])
    added = policy.model_copy(update={"checks": {**policy.checks, name: spec}})
    # No longer the bytes of the file: the source becomes the canonical JSON of what is really run.
    added._source = b""  # noqa: SLF001 - a policy has no other way to forget its file
    return added
