"""What a person may choose who starts a run by hand: its date, some of its checks, and that nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from model_governance.contract.moments import parse_moment
from model_governance.run import scans_before
from model_governance.verdict.finding import RANK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from model_governance.policy import Policy

DATE, CHECKS, DRY_RUN = "governance_date", "governance_checks", "governance_dry_run"


def params_of(policy: Policy) -> dict[str, Param]:
    """The params of the DAG of a policy; none of them changes a scheduled run."""
    return {
        DATE: Param(
            None, type=["null", "string"], format="date-time", title="Date",
            description="The run is for this moment (UTC without an offset) instead of its own; templates and evidence use it.",
        ),
        CHECKS: Param(
            [], type="array", items={"type": "string", "enum": list(policy.checks)}, examples=list(policy.checks),
            title="Checks", description="Only these checks, all when empty. A run of some checks is a dry run.",
        ),
        DRY_RUN: Param(
            default=False, type="boolean", title="Dry run",
            description="Measure and judge, and store nothing: no record, no archived run, no retraining request.",
        ),
    }  # fmt: skip


def chosen_date(context: Context) -> datetime | None:
    """The moment that the run is for, where a person chose one."""
    text = _params(context).get(DATE)
    return parse_moment(text) if text else None


def is_dry(context: Context) -> bool:
    """Whether the run stores nothing. So it is for a run of some checks: archived, the others would be missing from it."""
    params = _params(context)
    return bool(params.get(DRY_RUN) or params.get(CHECKS))


def checks_of_run(context: Context, policy: Policy) -> list[str]:
    """The checks of the run, with the scans of the model's file that precede a chosen one."""
    chosen = _params(context).get(CHECKS)
    if not chosen:
        return list(policy.checks)
    scans = {scan for name in chosen if name in policy.checks for scan in scans_before(policy, name)}
    return [name for name in policy.checks if name in scans or name in chosen]


def require_chosen(context: Context, policy: Policy, check: str) -> None:
    """Nothing, where the check is one of the run.

    Raises:
        AirflowSkipException: a person chose others.
    """
    if check not in (names := checks_of_run(context, policy)):
        raise AirflowSkipException(f"{CHECKS} of this run: {', '.join(names)}")


def dry_summary(
    policy: Policy, summaries: Mapping[str, Mapping[str, Any]], *, checks: Sequence[str], reasons: Mapping[str, str]
) -> dict[str, Any]:
    """What an archive would tell the gate of a run of which nothing is stored; a check without a verdict is an error."""
    told = {
        name: summaries.get(name)
        or {"outcome": "error", "stops": True, "sentence": f"{name}: {reasons.get(name, 'left no verdict')}"}
        for name in checks
    }
    outcome = max((one["outcome"] for one in told.values()), key=RANK.index)
    sentences = [
        f"{policy.name}: {outcome.upper()} (dry run: nothing is stored)",
        *(one["sentence"] for one in told.values()),
    ]
    return {
        "name": policy.name, "outcome": outcome, "stops": any(one["stops"] for one in told.values()),
        "sentence": "\n".join(sentences)[:4000], "outcomes": {name: one["outcome"] for name, one in told.items()}, "dry": True,
    }  # fmt: skip


def _params(context: Context) -> Mapping[str, Any]:
    params: Mapping[str, Any] = context.get("params") or {}
    return params
