"""Gaps as moves: leaving a value out, and filling one in, where the threat model says that an attacker can."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.moves import Choice
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.robustness.evasion.moves import Axis
    from model_governance.contract.threat_model import Capability

    Frames = Sequence[tuple[str, pd.DataFrame]]

FILLS = 32  # values that a missing number is filled with


def number_gap(axis: Axis, capability: Capability, frames: Frames, *, refused: Collection[str]) -> Choice | None:
    """The choice that leaves a number out or fills its gap; None where the threat model opens neither.

    Raises:
        CheckError: it may be omitted, and its column cannot hold a gap.
    """
    import numpy as np

    name = axis.feature
    omit = _may_omit(name, capability, frames, refused)
    if not (omit or capability.may_be_filled):
        return None
    fills = _fills(axis, frames) if capability.may_be_filled else ()
    k = len(fills) + 1
    open_ = np.zeros((k + 1, k), dtype=bool)
    open_[k, k - 1] = omit
    open_[k - 1, : k - 1] = True
    return Choice(name, (*fills, _gap(name, frames)), open=open_, cost=capability.cost, missing=True, of_number=True)


def with_gap(choice: Choice, capability: Capability, frames: Frames, *, refused: Collection[str]) -> Choice:
    """The choice of a category with its gap as a value, where there is one or may be one.

    Raises:
        CheckError: it may be omitted, and its column cannot hold a gap.
    """
    import numpy as np

    name, k = choice.feature, len(choice.values)
    omit = _may_omit(name, capability, frames, refused)
    if not (omit or any(frame[name].isna().any() for _, frame in frames)):
        return choice
    among = np.ones((k + 1, k), dtype=bool) if choice.open is None else choice.open
    open_ = np.zeros((k + 2, k + 1), dtype=bool)
    open_[:k, :k], open_[k + 1, :k] = among[:k], among[k]
    open_[:k, k] = open_[k + 1, k] = omit
    open_[k, :k] = capability.may_be_filled
    return replace(choice, values=(*choice.values, _gap(name, frames)), open=open_, missing=True)


def _may_omit(name: str, capability: Capability, frames: Frames, refused: Collection[str]) -> bool:
    if not capability.may_be_omitted or name in refused:
        return False
    for role, frame in frames:
        kind = frame[name].dtype
        if getattr(kind, "numpy_dtype", None) is None and kind.kind in "iub":
            raise CheckError(
                f"threat_model.features.{name}.may_be_omitted: the column holds {kind} in dataset {role!r}, which has no "
                "missing value; give it a type that has one (float, nullable), or remove may_be_omitted"
            )
    return True


def _gap(name: str, frames: Frames) -> Any:
    """A missing value as the data show it: None and NaN are two things to some encoders."""
    for _, frame in frames:
        gaps = frame[name][frame[name].isna()]
        if len(gaps):
            return gaps.iloc[0]
    return float("nan")


def _fills(axis: Axis, frames: Frames) -> tuple[float, ...]:
    """At most FILLS numbers that the data show inside the range of the axis, spread evenly over its rows."""
    import numpy as np

    known = np.concatenate([frame[axis.feature].to_numpy(dtype=np.float64, na_value=np.nan) for _, frame in frames])
    known = np.sort(known[(known >= axis.low) & (known <= axis.high)])
    if axis.step:
        known = axis.step * np.rint(known / axis.step)
    distinct: np.ndarray = np.unique(known)
    if len(distinct) > FILLS:
        distinct = np.unique(known[np.linspace(0, len(known) - 1, FILLS).round().astype(int)])
    return tuple(distinct.tolist())
