"""Which controls the checks of a model gave fresh evidence for, and why others have none; what is read from where is not asked here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import spell_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from model_governance.evidence.controls import ControlMap
    from model_governance.evidence.period import Period

ARCHIVE = "archive"
"""What stands for the check where the archive itself is the evidence."""
MEASURED = ("pass", "warn", "fail", "uncertain")
"""Outcomes of a check that measured and that nobody waived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A check in a run.

    Attributes:
        run_id: of the run.
        sequence: number of its link.
        logical_date: moment of the run (UTC).
        outcome: of the check.
        sentence: why it is so; empty where that is not known.
    """

    run_id: str
    sequence: int
    logical_date: datetime
    outcome: str
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckHistory:
    """A check of the newest policy in the runs of a period.

    Attributes:
        kind: of the check.
        newest: in the newest run that had it; None where none had.
        measured: in the newest run in which it measured; None where it never did.
        runs: in how many runs it measured.
    """

    kind: str
    newest: Occasion | None
    measured: Occasion | None
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHistory:
    """What is known of a model in a period.

    Attributes:
        period: days that are asked for.
        until: the moment that ages are counted to (UTC).
        end: this moment in words, for sentences.
        max_age_days: evidence is fresh for so many days; None: any of the period is.
        runs: how many runs of the period are evidence.
        newest: the newest of them, with the outcome "archived"; None without any.
        is_signed: whether that run is signed.
        known: moment of the newest run up to the end of the period, which may lie before it; None without any.
        doubted: runs of the period that could not be verified.
        checks: of the newest policy, by name.
    """

    period: Period
    until: datetime
    end: str = "the end of the period"
    max_age_days: int | None
    runs: int
    newest: Occasion | None
    is_signed: bool
    known: datetime | None
    doubted: int
    checks: Mapping[str, CheckHistory]

    def age(self, occasion: Occasion) -> int:
        """Whole days from a run to the moment that ages are counted to."""
        return (self.until - occasion.logical_date).days

    def is_fresh(self, occasion: Occasion) -> bool:
        """Whether the evidence of a run is not too old."""
        return self.max_age_days is None or self.age(occasion) <= self.max_age_days


def catalog_coverage(name: str, controls: ControlMap, history: ModelHistory) -> dict[str, Any]:
    """The controls of a catalogue as JSON types, each with its evidence and with the reasons why there is no more."""
    catalog = controls.catalogs[name]
    rows = [_control(control, controls, history) for control in controls.controls if control.partition(":")[0] == name]
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


def _control(name: str, controls: ControlMap, history: ModelHistory) -> dict[str, Any]:
    control, kinds = controls.controls[name], controls.kinds_of(name)
    by_archive = name in controls.evidence_archive
    checks = [check for check, seen in history.checks.items() if seen.kind in kinds]
    evidence = [found for check in checks if (found := _evidence(check, history)) is not None]
    if by_archive and history.newest is not None and _archive_gap(history, history.newest) is None:
        evidence.append(_piece(ARCHIVE, "evidence_archive", history.newest, history.runs, history))
    return {
        "id": name,
        "title": control.title,
        "verified": control.verified,
        "note": control.note,
        "kinds": list(kinds),
        "evidence": evidence,
        "gaps": [
            {"reason": reason, "check": check, "sentence": sentence}
            for reason, check, sentence in _gaps(kinds, checks, history, by_archive=by_archive)
        ],
    }


def _evidence(check: str, history: ModelHistory) -> dict[str, Any] | None:
    """The newest fresh evidence of a check; None without any."""
    seen = history.checks[check]
    if seen.measured is None or not history.is_fresh(seen.measured):
        return None
    return _piece(check, seen.kind, seen.measured, seen.runs, history)


def _piece(check: str, kind: str, occasion: Occasion, runs: int, history: ModelHistory) -> dict[str, Any]:
    return {
        "check": check, "kind": kind, "outcome": occasion.outcome, "run_id": occasion.run_id,
        "sequence": occasion.sequence, "logical_date": occasion.logical_date.isoformat(),
        "age_days": history.age(occasion), "runs": runs,
    }  # fmt: skip


def _gaps(
    kinds: Sequence[str], checks: Sequence[str], history: ModelHistory, *, by_archive: bool
) -> Iterator[tuple[str, str | None, str]]:
    """Reason, check and sentence of everything that gives no fresh evidence."""
    if not kinds and not by_archive:
        yield "no_kind", None, "no kind of check supports this control"
    elif history.newest is None:
        yield _no_run(history)
    else:
        if kinds and not checks and not by_archive:
            yield "not_configured", None, f"the policy has no check of kind {' or '.join(kinds)}"
        for check in checks:
            gap = _gap(check, history)
            if gap is not None:
                yield gap[0], check, gap[1]
        if by_archive and (gap := _archive_gap(history, history.newest)) is not None:
            yield gap[0], ARCHIVE, gap[1]


def _archive_gap(history: ModelHistory, newest: Occasion) -> tuple[str, str] | None:
    """Why the archive of the runs gives no fresh evidence; None where it does."""
    if not history.is_signed:
        return "unsigned", "the newest run is archived UNSIGNED: whoever can write to the store can alter it"
    return None if history.is_fresh(newest) else _stale("the archive", "was written", newest, history)


def _stale(what: str, did: str, occasion: Occasion, history: ModelHistory) -> tuple[str, str]:
    return "stale", (
        f"{what} {did} last on {spell_moment(occasion.logical_date)}, {history.age(occasion):,} days before {history.end}; "
        f"fresh is at most {history.max_age_days} days"
    )


def _no_run(history: ModelHistory) -> tuple[str, None, str]:
    newest = "" if history.known is None else f"; the newest one before is of {spell_moment(history.known)}"
    if history.doubted:
        return (
            "unverified",
            None,
            f"{history.doubted} runs from {history.period} are archived and none can be verified{newest}",
        )
    return "no_run", None, f"no run from {history.period}: the DAG did not run, or its runs were not archived{newest}"


def _gap(check: str, history: ModelHistory) -> tuple[str, str] | None:
    """Why a check gives no fresh evidence; None where it does."""
    if _evidence(check, history) is not None:
        return None
    seen = history.checks[check]
    if seen.newest is None:
        return "not_configured", f"no run from {history.period} had the check {check}"
    if seen.newest.outcome not in MEASURED:
        because = seen.newest.sentence or f"{check} is {seen.newest.outcome}"
        return seen.newest.outcome, f"run of {spell_moment(seen.newest.logical_date)}: {because}"
    return _stale(check, "measured", seen.newest, history)
