"""Which nights stand for the reference: the fixed one, or accepted nights merged, all on the cells frozen with the reference."""

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

RUNS_OF = {"weekday": "nights of this weekday", "month": "nights of this calendar month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Profiles of earlier nights on tonight's cells, the newest first, and notes on those that are not."""

    runs: tuple[tuple[str, Profile], ...]
    notes: tuple[str, ...]


def read_earlier(runs: Sequence[PreviousRun], frozen: Profile) -> Earlier:
    """The earlier nights that can be compared: those on the same frozen cells.

    Raises:
        CheckError: what a night stored is no profile.
    """
    usable: list[tuple[str, Profile]] = []
    others: list[tuple[str, Profile]] = []
    for run in runs:
        profile = Profile.from_bytes(run.content, origin=f"{run.name} of {spell_moment(run.logical_date)}")
        (usable if profile.cells == frozen.cells else others).append((spell_moment(run.logical_date), profile))
    notes = []
    if others:
        days = ", ".join(day for day, _ in others)
        notes.append(f"not used, because their cells were frozen with another reference: profiles of {days}")
    return Earlier(runs=tuple(usable), notes=tuple(notes))


def windowed(window: Window, earlier: Earlier) -> tuple[Profile | None, str]:
    """Nights of the window merged, and a note; None while there are fewer than the policy wants."""
    if window.kind == "fixed":
        return None, ""
    found = earlier.runs[: window.runs]
    name = RUNS_OF[window.season] if window.season else "accepted nights"
    if len(found) < window.runs:
        return None, (
            f"only {len(found)} of {window.runs} {name} exist so far: compared with the fixed reference instead"
        )
    merged = reduce(merge, (profile for _, profile in found))
    return merged, (
        f"compared with the last {window.runs} {name}, {found[-1][0]} to {found[0][0]}, {merged.rows:,} rows; "
        "their profiles stand for the rows"
    )


def only(profile: Profile, families: Mapping[str, Family], *, origin: str) -> Profile:
    """The profile cut to these columns.

    Raises:
        CheckError: it lacks one, or holds it as another kind.
    """
    lacking = [name for name in families if name not in profile.columns]
    if lacking:
        raise CheckError(f"{origin} lacks column(s) {', '.join(lacking)}; found {', '.join(profile.columns)}")
    odd = [name for name, family in families.items() if profile.columns[name].cells.family != family]
    if odd:
        raise CheckError(
            f"{origin} holds {', '.join(odd)} as another kind than the policy declares; make a new profile"
        )
    return Profile(
        columns={name: profile.columns[name] for name in families}, model=profile.model, rows=profile.rows,
        runs=profile.runs,
    )  # fmt: skip
