"""Coverage: for a period, which control had fresh evidence, and which had none and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import end_of, spell_moment
from model_governance.evidence.verified_runs import control_map_of, kinds_of_checks, verified_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from model_governance.evidence.controls import ControlMap
    from model_governance.evidence.period import Period
    from model_governance.evidence.trust import Trust
    from model_governance.evidence.verified_runs import VerifiedRun, VerifiedRuns
    from model_governance.store import ArtifactStore

COVERAGE_SCHEMA = "model-governance/coverage/v1"
ARCHIVE = "archive"
"""What stands for the check where the archive itself is the evidence."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is known of a model in a period. `checks` are the kinds of the checks of its newest policy, by name."""

    period: Period
    max_age_days: int | None
    runs: tuple[VerifiedRun, ...]
    newest: VerifiedRun | None
    doubted: int
    checks: Mapping[str, str]

    def age(self, run: VerifiedRun) -> int:
        """Whole days from a run to the end of the period."""
        return (end_of(self.period.last) - run.logical_date).days

    def is_fresh(self, run: VerifiedRun) -> bool:
        """Whether the evidence of a run is not too old at the end of the period."""
        return self.max_age_days is None or self.age(run) <= self.max_age_days


def _model(
    store: ArtifactStore, model: str, period: Period, max_age_days: int | None, trust: Trust | None
) -> dict[str, Any]:
    read = verified_runs(store, model, trust=trust)
    facts = _facts(store, read, period, max_age_days)
    controls = control_map_of(store, facts.newest)
    catalogs = [_catalog(name, controls, facts) for name in controls.catalogs]
    return {
        "model": model,
        "verification": read.verification.record(),
        "runs": len(facts.runs),
        "runs_not_verified": facts.doubted,
        "newest_run": None if facts.newest is None else facts.newest.logical_date.isoformat(),
        "control_map": {"version": controls.version, "source": controls.source, "sha256": controls.sha256},
        "with_evidence": sum(each["with_evidence"] for each in catalogs),
        "without_evidence": sum(each["without_evidence"] for each in catalogs),
        "catalogs": catalogs,
    }


def _facts(store: ArtifactStore, read: VerifiedRuns, period: Period, max_age_days: int | None) -> _Facts:
    known = sorted((run for run in read.runs if run.logical_date < end_of(period.last)), key=_order)
    newest = known[-1] if known else None
    return _Facts(
        period=period,
        max_age_days=max_age_days,
        runs=tuple(run for run in known if period.holds(run.logical_date)),
        newest=newest,
        doubted=sum(period.holds(moment) for moment in read.doubted),
        checks={} if newest is None else kinds_of_checks(store, newest),
    )


def _order(run: VerifiedRun) -> tuple[datetime, int]:
    return run.logical_date, run.sequence


def _catalog(name: str, controls: ControlMap, facts: _Facts) -> dict[str, Any]:
    catalog = controls.catalogs[name]
    rows = [_control(control, controls, facts) for control in controls.controls if control.partition(":")[0] == name]
    covered = sum(bool(row["evidence"]) for row in rows)
    return {
        "catalog": name,
        "title": catalog.title,
        "verified": catalog.verified,
        "note": catalog.note,
        "status": catalog.status,
        "with_evidence": covered,
        "without_evidence": len(rows) - covered,
        "controls": rows,
    }


def _control(name: str, controls: ControlMap, facts: _Facts) -> dict[str, Any]:
    control, kinds = controls.controls[name], controls.kinds_of(name)
    by_archive = name in controls.evidence_archive
    checks = [check for check, kind in facts.checks.items() if kind in kinds]
    evidence = [found for check in checks if (found := _evidence(check, facts)) is not None]
    if by_archive and _archive_gap(facts) is None:
        evidence.append(_piece(ARCHIVE, "evidence_archive", "archived", facts.runs[-1], len(facts.runs), facts))
    return {
        "id": name,
        "title": control.title,
        "verified": control.verified,
        "note": control.note,
        "kinds": list(kinds),
        "evidence": evidence,
        "gaps": [
            {"reason": reason, "check": check, "sentence": sentence}
            for reason, check, sentence in _gaps(kinds, checks, facts, by_archive=by_archive)
        ],
    }


def _evidence(check: str, facts: _Facts) -> dict[str, Any] | None:
    """The newest fresh evidence of a check; None without any."""
    measured = [run for run in facts.runs if (found := run.check(check)) is not None and found.is_measured]
    if not measured or not facts.is_fresh(measured[-1]):
        return None
    found = measured[-1].check(check)
    assert found is not None  # noqa: S101 - it is in the list because it is there
    return _piece(check, facts.checks[check], found.outcome, measured[-1], len(measured), facts)


def _piece(check: str, kind: str, outcome: str, run: VerifiedRun, runs: int, facts: _Facts) -> dict[str, Any]:
    return {
        "check": check, "kind": kind, "outcome": outcome, "run_id": run.run_id, "sequence": run.sequence,
        "logical_date": run.logical_date.isoformat(), "age_days": facts.age(run), "runs": runs,
    }  # fmt: skip


def _gaps(
    kinds: Sequence[str], checks: Sequence[str], facts: _Facts, *, by_archive: bool
) -> Iterator[tuple[str, str | None, str]]:
    """Reason, check and sentence of everything that gives no fresh evidence."""
    if not kinds and not by_archive:
        yield "no_kind", None, "no kind of check supports this control"
    elif not facts.runs:
        yield _no_run(facts)
    else:
        if kinds and not checks and not by_archive:
            yield "not_configured", None, f"the policy has no check of kind {' or '.join(kinds)}"
        for check in checks:
            gap = _gap(check, facts)
            if gap is not None:
                yield gap[0], check, gap[1]
        if by_archive and (gap := _archive_gap(facts)) is not None:
            yield gap[0], ARCHIVE, gap[1]


def _archive_gap(facts: _Facts) -> tuple[str, str] | None:
    """Why the archive of the runs gives no fresh evidence; None where it does."""
    if not facts.runs:
        return _no_run(facts)[0], _no_run(facts)[2]
    run = facts.runs[-1]
    if not run.is_signed:
        return "unsigned", "the newest run is archived UNSIGNED: whoever can write to the store can alter it"
    return None if facts.is_fresh(run) else _stale("the archive", "was written", run, facts)


def _stale(what: str, did: str, run: VerifiedRun, facts: _Facts) -> tuple[str, str]:
    return "stale", (
        f"{what} {did} last on {spell_moment(run.logical_date)}, {facts.age(run)} days before the end of "
        f"the period; at most {facts.max_age_days} are asked"
    )


def _no_run(facts: _Facts) -> tuple[str, None, str]:
    newest = "" if facts.newest is None else f"; the newest one before is of {spell_moment(facts.newest.logical_date)}"
    if facts.doubted:
        return (
            "unverified",
            None,
            f"{facts.doubted} runs from {facts.period} are archived and none can be verified{newest}",
        )
    return "no_run", None, f"no run from {facts.period}: the DAG did not run, or its runs were not archived{newest}"


def _gap(check: str, facts: _Facts) -> tuple[str, str] | None:
    """Why a check gives no fresh evidence; None where it does."""
    if _evidence(check, facts) is not None:
        return None
    with_check = [(run, found) for run in facts.runs if (found := run.check(check)) is not None]
    if not with_check:
        return "not_configured", f"no run from {facts.period} had the check {check}"
    run, found = with_check[-1]
    moment = spell_moment(run.logical_date)
    if not found.is_measured:
        because = found.sentence or f"{check} is {found.outcome}"
        return found.outcome, f"run of {moment}: {because}"
    return _stale(check, "measured", run, facts)
