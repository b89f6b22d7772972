"""How the alarm budget of a policy is split over its thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_governance.policy.model import Policy, Threshold

ACCUMULATED = 0.2
"""Part of a threshold's level that evidence of several runs may spend."""
WARN_LEVEL = 0.05
"""Warnings stop nothing, so no budget binds them; they keep the customary level."""


def stopping_severities(policy: Policy) -> tuple[str, ...]:
    """The severities of thresholds that can stop a run."""
    return ("error", "warn") if policy.fail_on == "warn" else ("error",)


def deciding_thresholds(policy: Policy) -> int:
    """How many thresholds share the budget, at least 1."""
    stopping = stopping_severities(policy)
    deciding = sum(threshold.severity in stopping for spec in policy.checks.values() for threshold in spec.thresholds)
    return max(1, deciding)


def level_of(policy: Policy, threshold: Threshold) -> float:
    """The chance of a false alarm that one threshold may take in one run by that run's evidence alone."""
    level = policy.level_per_run / deciding_thresholds(policy)
    return (1 - ACCUMULATED) * (level if threshold.severity in stopping_severities(policy) else max(level, WARN_LEVEL))
