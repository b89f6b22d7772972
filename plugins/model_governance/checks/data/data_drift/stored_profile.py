"""The columns of a stored profile that replaces the rows of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.profiles import Profile
from model_governance.engine.rebin import common_cells
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.engine.profiles import ColumnProfile, Family


def select_columns(profile: Profile, families: Mapping[str, Family], *, origin: str) -> Profile:
    """The profile reduced to these columns, each on cells of its own rows; `origin` names it in an error.

    A profile of a run counts in cells that were frozen with its reference; its sketch divides those that are crowded.

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
        columns={name: _on_own_cells(profile.columns[name]) for name in families}, model=profile.model,
        rows=profile.rows, runs=profile.runs,
    )  # fmt: skip


def _on_own_cells(column: ColumnProfile) -> ColumnProfile:
    if column.sketch is None or not (column.sketch.edges or column.sketch.labels):
        return column
    return common_cells([column]).runs[0]
