"""The checks there are. A new check is one module beside these and one line in `BUILT_IN`.

Modules are imported when a check is asked for; packages of others join through the entry-point
group `model_governance.checks` (name = kind, value = module:CHECK).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_governance.check import Check

BUILT_IN = (
    "data_validation",
    "data_drift",
    "model_quality",
    "evasion",
    "membership_inference",
    "attribute_inference",
    "model_extraction",
    "model_inversion",
    "performance_estimation",
    "fairness",
    "attribution_drift",
    "corruption",
    "artifact_scan",
    "poisoning_screen",
)


@cache
def catalogue() -> dict[str, Check]:
    """Every check by kind: the built-in ones in order, then those of installed packages.

    Raises:
        ValueError: an installed package offers a kind that is taken, or one under another name.
    """
    found: dict[str, Check] = {}
    for name in BUILT_IN:
        found[name] = import_module(f"{__name__}.{name}").CHECK
    for point in sorted(entry_points(group="model_governance.checks"), key=lambda one: one.name):
        check = point.load()
        if point.name in found or check.kind != point.name:
            raise ValueError(
                f"entry point {point.name} = {point.value}: kind {check.kind!r} is taken or differs from the name; "
                "give the check a kind of its own"
            )
        found[point.name] = check
    return found


def find(kind: str) -> Check:
    """The check of this kind.

    Raises:
        KeyError: there is none; the message lists what there is.
    """
    known = catalogue()
    if kind not in known:
        raise KeyError(f"no check {kind!r}; there are {', '.join(known)}")
    return known[kind]
