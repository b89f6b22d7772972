"""Coverage: for a period, which control had fresh evidence, and which had none and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import end_of
from model_governance.evidence.control_evidence import (
    MEASURED,
    CheckHistory,
    ModelHistory,
    Occasion,
    catalog_coverage,
)
from model_governance.evidence.verified_runs import control_map_of, kinds_of_checks, verified_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from model_governance.evidence.period import Period
    from model_governance.evidence.trust import Trust
    from model_governance.evidence.verified_runs import VerifiedRun
    from model_governance.store import ArtifactStore

COVERAGE_SCHEMA = "model-governance/coverage/v1"


def coverage(
    store: ArtifactStore, models: Sequence[str], *, period: Period, trust: Trust | None = None,
    max_age_days: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The coverage of models as JSON types, schema COVERAGE_SCHEMA. Only verified links count.

    Args:
        store: the archive.
        models: names of the models.
        period: which runs count, by their logical date.
        trust: keys whose signatures count; None: signatures are not checked, and the report says so.
        max_age_days: evidence is fresh for so many days before the end of the period; None: any of the period.

    Raises:
        StoreUnreachable, StoreError: the store cannot be read.
        EvidenceError: the control map of the newest run cannot be read.
    """
    return {
        "schema": COVERAGE_SCHEMA,
        "store": store.uri,
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "max_age_days": max_age_days,
        "signatures_checked": trust is not None,
        "models": [_model(store, model, period, max_age_days, trust) for model in models],
    }


def _model(
    store: ArtifactStore, model: str, period: Period, max_age_days: int | None, trust: Trust | None
) -> dict[str, Any]:
    read = verified_runs(store, model, trust=trust)
    known = sorted((run for run in read.runs if run.logical_date < end_of(period.last)), key=_order)
    newest = known[-1] if known else None
    kinds = {} if newest is None else kinds_of_checks(store, newest)
    history = _history(known, kinds, period=period, max_age_days=max_age_days, doubted=read.doubted)
    controls = control_map_of(store, newest)
    catalogs = [catalog_coverage(name, controls, history) for name in controls.catalogs]
    return {
        "model": model,
        "verification": read.verification.record(),
        "runs": history.runs,
        "runs_not_verified": history.doubted,
        "newest_run": None if newest is None else newest.logical_date.isoformat(),
        "control_map": {"version": controls.version, "source": controls.source, "sha256": controls.sha256},
        "with_evidence": sum(each["with_evidence"] for each in catalogs),
        "without_evidence": sum(each["without_evidence"] for each in catalogs),
        "catalogs": catalogs,
    }


def _history(
    known: Sequence[VerifiedRun], kinds: Mapping[str, str], *, period: Period, max_age_days: int | None,
    doubted: Sequence[datetime],
) -> ModelHistory:  # fmt: skip
    """What verified runs up to the end of a period, the oldest first, say of the checks of the newest policy."""
    runs = [run for run in known if period.holds(run.logical_date)]
    return ModelHistory(
        period=period, until=end_of(period.last), max_age_days=max_age_days, runs=len(runs),
        newest=_occasion(runs[-1], "archived") if runs else None, is_signed=bool(runs) and runs[-1].is_signed,
        known=known[-1].logical_date if known else None, doubted=sum(map(period.holds, doubted)),
        checks={name: _check_history(name, kind, runs) for name, kind in kinds.items()},
    )  # fmt: skip


def _check_history(name: str, kind: str, runs: Sequence[VerifiedRun]) -> CheckHistory:
    seen = [_occasion(run, found.outcome, found.sentence) for run in runs if (found := run.check(name)) is not None]
    measured = [each for each in seen if each.outcome in MEASURED]
    return CheckHistory(
        kind=kind, newest=seen[-1] if seen else None, measured=measured[-1] if measured else None, runs=len(measured)
    )


def _occasion(run: VerifiedRun, outcome: str, sentence: str = "") -> Occasion:
    return Occasion(
        run_id=run.run_id, sequence=run.sequence, logical_date=run.logical_date, outcome=outcome, sentence=sentence
    )


def _order(run: VerifiedRun) -> tuple[datetime, int]:
    return run.logical_date, run.sequence
