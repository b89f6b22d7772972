"""The runs that changes were measured from, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.verdict.words import BASELINES, NO_BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def describe_baseline(against: str, record: Mapping[str, Any] | None) -> str:
    """`the approved run: 2026-03-01 (run-1, pass), …`, or why there is none.

    Args:
        against: what the threshold names, `approved` or `last_passed`.
        record: the run as record and manifest hold it; None where there is none yet.
    """
    if record is None:
        return f"{BASELINES[against]}: {NO_BASELINE[against]}"
    moment = spell_moment(parse_moment(record["run"]["logical_date"]))
    return f"{BASELINES[against]}: {moment} ({record['run']['run_id']}, {record['outcome']}), {record['why']}"


def baselines_of_run(checks: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Every baseline of a run with the checks that were compared with it, none twice."""
    named: dict[str, list[str]] = {}
    for check in checks:
        for against, record in check.get("baselines", {}).items():
            named.setdefault(describe_baseline(against, record), []).append(check["name"])
    return list(named.items())
