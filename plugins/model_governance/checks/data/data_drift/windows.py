"""The reference of a run: the fixed one, or accepted runs merged, column by column, on cells made from those runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from model_governance.contract.documents import schema_of
from model_governance.contract.moments import spell_moment
from model_governance.engine.profiles import OLDER_SCHEMAS, SCHEMA, Profile, merge_columns, profile_of
from model_governance.engine.rebin import common_cells, is_resolved
from model_governance.engine.stored_profiles import read_profile
from model_governance.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.data.data_drift.comparison import Comparison
    from model_governance.checks.data.data_drift.params import Window
    from model_governance.contract.subject import PreviousRun
    from model_governance.engine.profiles import ColumnProfile, Family

SEASONS = {
    "hour": "runs of this hour of day",
    "weekday": "runs of this weekday",
    "hour_of_week": "runs of this weekday and hour",
    "month": "runs of this calendar month in earlier years",
}
TRAILING = "accepted runs"
MAX_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousProfiles:
    """Profiles of previous runs by moment, the newest first, and notes on those that this release cannot read."""

    profiles: tuple[tuple[str, Profile], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowReference:
    """What the current data are compared with: both sides have the same cells in every column.

    `runs` holds, for each column that is compared with runs, the profiles of those runs on the same cells, the newest first.
    The other columns are compared with the fixed reference. `notes` say which.
    """

    reference: Profile
    current: Profile
    runs: Mapping[str, tuple[ColumnProfile, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Usable:
    """The runs that can be used for one column, by moment, the newest first, and why others cannot, by moment."""

    runs: tuple[tuple[str, ColumnProfile], ...]
    unusable: tuple[tuple[str, str], ...]

    @property
    def moments(self) -> tuple[str, ...]:
        return tuple(moment for moment, _ in self.runs)


def read_previous(runs: Sequence[PreviousRun]) -> PreviousProfiles:
    """The profiles of previous runs. One that this release cannot read is left out, with a note."""
    profiles: list[tuple[str, Profile]] = []
    notes = []
    for run in runs:
        moment, schema = spell_moment(run.logical_date), schema_of(run.content)
        if schema.startswith(SCHEMA.rsplit("/", 1)[0] + "/") and schema not in (SCHEMA, *OLDER_SCHEMAS):
            readable = " and ".join((SCHEMA, *OLDER_SCHEMAS))
            notes.append(f"not used: the profile of {moment} is a document {schema}; this release reads {readable}")
            continue
        try:
            profiles.append((moment, read_profile(run.content, origin=f"{run.name} of {moment}")))
        except EvidenceError as error:
            notes.append(f"not used: {error}")
    return PreviousProfiles(profiles=tuple(profiles), notes=tuple(notes))


def window_reference(window: Window, previous: PreviousProfiles, comparison: Comparison) -> WindowReference:
    """The reference that the window asks for, column by column: the usable ones of its runs, or the fixed reference.

    Args:
        window: fixed, trailing or seasonal, and how many runs.
        previous: what the runs of the window stored, the newest first.
        comparison: the current rows, and the profiles of both datasets on the cells of the fixed reference.
    """
    fixed = WindowReference(reference=comparison.frozen, current=comparison.current_profile)
    if window.kind == "fixed":
        return fixed
    usable = _usable(previous.profiles[: window.runs], comparison.families)
    on_runs, error = _compared_with_runs(usable, comparison)
    notes = [*_compared_notes(usable, window, all_read=not previous.notes), *_unusable_notes(usable)]
    if error > 0:
        notes.append(
            "cells are made from the runs themselves; a count of one run on them is exact or off by at most "
            f"{error:.1%} of its rows"
        )
    if on_runs is None:
        return replace(fixed, notes=tuple(notes))
    names = comparison.families
    reference = {**fixed.reference.columns, **on_runs.reference.columns}
    current = {**fixed.current.columns, **on_runs.current.columns}
    return WindowReference(
        reference=replace(on_runs.reference, columns={name: reference[name] for name in names}),
        current=replace(comparison.current_profile, columns={name: current[name] for name in names}),
        runs=on_runs.runs, notes=tuple(notes),
    )  # fmt: skip


def last_run(previous: PreviousProfiles, comparison: Comparison) -> WindowReference | None:
    """The newest run alone, on its own cells, in the columns in which it can be used; None where there are none."""
    return _compared_with_runs(_usable(previous.profiles[:1], comparison.families), comparison)[0]


def _usable(profiles: Sequence[tuple[str, Profile]], families: Mapping[str, Family]) -> dict[str, _Usable]:
    columns = {}
    for name, family in families.items():
        reasons = [(moment, _reason(profile, name, family)) for moment, profile in profiles]
        runs = [
            (moment, profile.columns[name])
            for (moment, profile), (_, reason) in zip(profiles, reasons, strict=True)
            if not reason
        ]
        unusable = tuple((moment, reason) for moment, reason in reasons if reason)
        columns[name] = _Usable(runs=tuple(runs), unusable=unusable)
    return columns


def _reason(profile: Profile, name: str, family: Family) -> str:
    """Why a run cannot be used for a column; empty where it can."""
    column = profile.columns.get(name)
    if column is None:
        return "which did not compare this column"
    if column.cells.family != family:
        return f"which hold it as {column.cells.family}, and the policy declares {family}"
    if column.held == 0:
        return "in which it holds no value"
    if not is_resolved(column):
        return (
            "which were stored by release 0.1.0, on cells of a reference from which the column had moved too far away "
            "to count it on others"
        )
    return ""


def _compared_with_runs(usable: Mapping[str, _Usable], comparison: Comparison) -> tuple[WindowReference | None, float]:
    """Reference and current of the columns with at least one run, and by which share of a run's rows a count may be off."""
    common = {
        name: common_cells([column for _, column in selected.runs])
        for name, selected in usable.items()
        if selected.runs
    }
    if not common:
        return None, 0.0
    families = {name: comparison.families[name] for name in common}
    runs = {name: found.runs for name, found in common.items()}
    merged = {name: reduce(merge_columns, columns) for name, columns in runs.items()}
    current = profile_of(
        comparison.current, families, cells={name: found.cells for name, found in common.items()}, sketched=False
    )
    reference = Profile(
        columns=merged,
        rows=max(column.rows for column in merged.values()),
        runs=max(len(columns) for columns in runs.values()),
    )
    error = max(found.error for found in common.values())
    return WindowReference(reference=reference, current=current, runs=runs), error


def _compared_notes(usable: Mapping[str, _Usable], window: Window, *, all_read: bool) -> list[str]:
    """With which runs the columns are compared; columns with the same runs share a note."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, selected in usable.items():
        groups.setdefault(selected.moments, []).append(name)
    kind = SEASONS[window.season] if window.season else TRAILING
    notes = []
    for moments, names in sorted(groups.items(), key=lambda group: -len(group[1])):
        prefix = f"{_listed(names)}: " if len(groups) > 1 else ""
        rows = sum(column.rows for _, column in usable[names[0]].runs)
        verb = "exist" if all_read and not usable[names[0]].unusable else "can be used"
        notes.append(prefix + _compared(moments, rows, window.runs, kind, verb))
    return notes


def _compared(moments: Sequence[str], rows: int, wanted: int, kind: str, verb: str) -> str:
    if not moments:
        return f"none of {wanted} {kind} {verb} so far: compared with the fixed reference instead"
    span = f"{moments[-1]} to {moments[0]}, {rows:,} rows; their profiles replace the rows"
    if len(moments) < wanted:
        return f"only {len(moments)} of {wanted} {kind} {verb} so far: compared with those, {span}"
    return f"compared with the last {wanted} {kind}, {span}"


def _unusable_notes(usable: Mapping[str, _Usable]) -> list[str]:
    """Which runs are not used for which columns, and why; columns with the same runs and reason share a note."""
    by_column: dict[tuple[str, str], list[str]] = {}
    for name, selected in usable.items():
        for reason in dict.fromkeys(reason for _, reason in selected.unusable):
            moments = _listed([moment for moment, found in selected.unusable if found == reason])
            by_column.setdefault((moments, reason), []).append(name)
    return [
        f"not used for {_listed(names)}: profiles of {moments}, {reason}"
        for (moments, reason), names in by_column.items()
    ]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
