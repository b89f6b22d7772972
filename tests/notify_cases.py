"""Findings, verdicts and earlier runs, for the tests of what people are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from model_governance.verdict import Finding, Verdict

DAY = datetime(2026, 6, 10, tzinfo=UTC)


def finding(
    outcome, value=0.3, *, metric="psi", key=None, check="drift", low=None, high=None, bound=0.2, severity="error"
):
    if metric is None:
        value = None
    return Finding(
        check=check, outcome=outcome, sentence=f"{check}: {metric} is {value}", metric=metric, key=key, value=value,
        low=low, high=high, n=100, condition="less_than", bound=bound, severity=severity,
        waiver="GOV-1" if outcome == "waived" else None,
    )  # fmt: skip


def verdict(*findings):
    return Verdict(name="loans", findings=findings)


def before(*verdicts):
    """Earlier runs, the newest first, a day apart."""
    return [(DAY - timedelta(days=place), each) for place, each in enumerate(verdicts, start=1)]


PASS = verdict(finding("pass", 0.1))
FAIL = verdict(finding("fail", 0.3))
