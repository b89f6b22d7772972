"""Selects the reference of a run: the fixed one, or accepted runs merged, all on the cells frozen with the reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from model_governance.contract.moments import spell_moment
from model_governance.engine.profiles import Profile, merge
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.data.data_drift.params import Window
    from model_governance.contract.subject import PreviousRun
    from model_governance.engine.profiles import Family

SEASONS = {
    "hour": "runs of this hour",
    "weekday": "runs of this weekday",
    "month": "runs of this calendar month",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousProfiles:
    """Profiles of previous runs on the current cells by moment, the newest first, and notes on those that are not used."""

    profiles: tuple[tuple[str, Profile], ...]
    notes: tuple[str, ...]


def read_previous(runs: Sequence[PreviousRun], frozen: Profile) -> PreviousProfiles:
    """The profiles of previous runs that can be compared: those on the same frozen cells.

    Raises:
        CheckError: what a run stored is not a profile.
    """
    usable: list[tuple[str, Profile]] = []
    others: list[tuple[str, Profile]] = []
    for run in runs:
        profile = Profile.from_bytes(run.content, origin=f"{run.name} of {spell_moment(run.logical_date)}")
        (usable if profile.cells == frozen.cells else others).append((spell_moment(run.logical_date), profile))
    notes = []
    if others:
        moments = ", ".join(moment for moment, _ in others)
        notes.append(f"not used, because their cells were frozen with another reference: profiles of {moments}")
    return PreviousProfiles(profiles=tuple(usable), notes=tuple(notes))


def merge_window(window: Window, previous: PreviousProfiles) -> tuple[Profile | None, str]:
    """The merged profiles of the window's runs, and a note; None where the window is fixed or has too few runs."""
    if window.kind == "fixed":
        return None, ""
    selected = previous.profiles[: window.runs]
    name = SEASONS[window.season] if window.season else "accepted runs"
    if len(selected) < window.runs:
        return None, (
            f"only {len(selected)} of {window.runs} {name} exist so far: compared with the fixed reference instead"
        )
    merged = reduce(merge, (profile for _, profile in selected))
    return merged, (
        f"compared with the last {window.runs} {name}, {selected[-1][0]} to {selected[0][0]}, {merged.rows:,} rows; "
        "their profiles replace the rows"
    )


def select_columns(profile: Profile, families: Mapping[str, Family], *, origin: str) -> Profile:
    """The profile reduced to these columns; `origin` names it in an error.

    Raises:
        CheckError: it lacks a column, or holds it as another kind.
    """
    lacking = [name for name in families if name not in profile.columns]
    if lacking:
        raise CheckError(f"{origin} lacks column(s) {', '.join(lacking)}; it has {', '.join(profile.columns)}")
    changed = [name for name, family in families.items() if profile.columns[name].cells.family != family]
    if changed:
        raise CheckError(
            f"{origin} holds {', '.join(changed)} as another kind than the policy declares; make a new profile"
        )
    return Profile(
        columns={name: profile.columns[name] for name in families}, model=profile.model, rows=profile.rows,
        runs=profile.runs,
    )  # fmt: skip
