"""Everything that this package raises on purpose.

GovernanceError
├── PolicyError                 the policy text is wrong; every mistake is listed
├── SubjectError                a model or dataset cannot be taken as the policy describes it
│   ├── DigestMismatch          the bytes are not the bytes that were approved
│   ├── UntrustedModel          the file would run code, or needs an opt-in that is missing
│   └── SubjectUnreachable      the place does not answer (infrastructure: a retry may help)
├── CheckError                  a check could not measure
│   └── ModelMisbehaved         the model raised, or returned what no check can use
├── StoreError                  evidence could not be written or read
│   ├── ObjectConflict          the key already holds other bytes
│   ├── ObjectMissing           the key holds nothing
│   └── StoreUnreachable        the store does not answer (infrastructure: a retry may help)
├── EvidenceError               a stored record is missing, altered or incomplete
└── ThresholdViolation          a verdict that must stop the run (in `verdict.violation`: it carries the verdict)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class GovernanceError(Exception):
    """Root of the tree; `infrastructure` says whether trying again may help."""

    infrastructure: bool = False


class PolicyError(GovernanceError):
    """A policy that cannot be used; `problems` holds one located sentence per mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("\n".join(self.problems))


class SubjectError(GovernanceError):
    """A model or dataset that cannot be taken as the policy describes it."""


class DigestMismatch(SubjectError):
    """The bytes that were read are not the bytes that were approved."""


class UntrustedModel(SubjectError):
    """A model file that would run code while loading, or that lacks the required opt-in."""


class SubjectUnreachable(SubjectError):
    """The place that holds a model or dataset does not answer."""

    infrastructure = True


class CheckError(GovernanceError):
    """A check could not measure; this is never a pass."""


class ModelMisbehaved(CheckError):
    """The model raised, or returned NaN, infinities or the wrong shape."""


class StoreError(GovernanceError):
    """Evidence could not be written or read."""


class ObjectConflict(StoreError):
    """A create-only key already holds other bytes."""


class ObjectMissing(StoreError):
    """Nothing is stored under the key."""


class StoreUnreachable(StoreError):
    """The store does not answer, or answers that it is busy."""

    infrastructure = True


class EvidenceError(GovernanceError):
    """A stored record is missing, altered or incomplete."""
