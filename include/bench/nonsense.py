"""What no policy or suite that is taken may hold, judged without the code of the product: a second opinion on its lint."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from croniter import croniter

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARES = frozenset(
    {
        "accuracy", "roc_auc", "calibration_error", "drift_share", "attack_auc", "tpr_at_fpr", "recall", "precision",
        "attack_success_rate", "robust_accuracy", "f1", "average_precision",
    }
)  # fmt: skip
"""Metrics that lie between 0 and 1."""
CONDITIONS = ("less_than", "leq_to", "geq_to", "greater_than", "equal_to", "between")
LARGEST = 1e6
"""No metric of the policy that is mutated is as large."""
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
HALF_TEMPLATE = re.compile(r"\{\{(?![^{}]*\}\})|\{%")
PASSWORD = re.compile(r"\w://[^/\s:@]+:[^/\s@]+@")


def in_policy(raw: Any) -> Iterator[str]:
    """Reasons why the policy in this YAML should have been refused."""
    if not isinstance(raw, dict):
        yield "no mapping"
        return
    yield from _in_texts(raw)
    checks = raw.get("checks")
    if not isinstance(checks, dict) or not checks:
        yield "no checks"
        return
    for name, check in checks.items():
        thresholds = check.get("thresholds") if isinstance(check, dict) else None
        if not isinstance(thresholds, list) or not thresholds:
            yield f"{name}: nothing is demanded"
            continue
        for each in thresholds:
            yield from (f"{name}: {reason}" for reason in _in_threshold(each))
    yield from _in_rest(raw)


def _in_threshold(each: Any) -> Iterator[str]:
    used = [key for key in CONDITIONS if isinstance(each, dict) and each.get(key) is not None]
    if len(used) != 1 and not any("change" in str(key) for key in each):
        yield f"{len(used)} conditions"
    for key in used:
        numbers = each[key] if isinstance(each[key], list) else [each[key]]
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
            yield f"{key} is no number"
        elif any(not math.isfinite(value) for value in numbers):
            yield f"{key} is not finite"
        elif key in ("less_than", "leq_to", "between") and numbers[-1] > LARGEST:
            yield f"{key} is above every value"
        elif each.get("metric") in SHARES and any(not 0 <= value <= 1 for value in numbers):
            yield f"{key} is beyond 0 to 1"
        elif len(numbers) == 2 and numbers[0] > numbers[1]:
            yield f"{key} holds nothing"


def _in_rest(raw: dict[str, Any]) -> Iterator[str]:
    if not str(raw.get("owner") or "").strip():
        yield "no owner"
    model = raw.get("model") or {}
    if not re.fullmatch(r"[0-9a-fA-F]{64}", str(model.get("sha256", ""))):
        yield "no digest"
    schedule = raw.get("schedule") or {}
    cron = schedule.get("cron")
    if cron is not None and (not isinstance(cron, str) or not (cron.startswith("@") or croniter.is_valid(cron))):
        yield "no cron"
    if any(isinstance(value, int | float) and value < 0 for value in schedule.values()):
        yield "a schedule below zero"


def _in_texts(node: Any) -> Iterator[str]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        for text in (key, value):
            if isinstance(text, str) and key != "description":
                if HIDDEN.search(text):
                    yield f"{str(key)[:40]!r} holds hidden characters"
                if HALF_TEMPLATE.search(text):
                    yield f"{str(key)[:40]} holds half a template"
                if PASSWORD.search(text):
                    yield f"{str(key)[:40]} holds a password"
        yield from _in_texts(value)


def in_suite(raw: Any) -> Iterator[str]:
    """Reasons why the suite in this JSON should have been refused."""
    expectations = raw.get("expectations") if isinstance(raw, dict) else None
    if not isinstance(expectations, list) or not expectations:
        yield "no expectations"
        return
    for each in expectations:
        kwargs = each.get("kwargs") or {}
        low, high = kwargs.get("min_value"), kwargs.get("max_value")
        mostly = kwargs.get("mostly", 1)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            yield "min_value above max_value"
        if any(isinstance(end, int | float) and not math.isfinite(end) for end in (low, high)):
            yield "an end that is no number"
        if isinstance(mostly, bool) or not isinstance(mostly, int | float) or not 0 < mostly <= 1:
            yield "mostly beyond 0 to 1"
        if "value_set" in kwargs and not kwargs["value_set"]:
            yield "an empty set"
        if "column" in kwargs and (not isinstance(kwargs["column"], str) or not kwargs["column"].strip()):
            yield "no column"
        if "expect_column" in str(each.get("type")) and not any("column" in key for key in kwargs):
            yield "an expectation of no column"
