"""The registry of checks. A new check is one package in a wing and one line in `BUILT_IN`.

Modules are imported when a check is asked for; packages of others join through the entry-point
group `model_governance.checks` (name = kind, value = module:CHECK).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_governance.contract.check import Check

BUILT_IN = (
    "data.data_validation",
    "data.data_drift",
    "quality.model_quality",
    "robustness.evasion",
    "privacy.membership_inference",
    "privacy.attribute_inference",
    "privacy.model_extraction",
    "privacy.model_inversion",
    "privacy.structural_disclosure",
    "privacy.synthetic_release",
    "quality.performance_estimation",
    "quality.fairness",
    "quality.attribution_drift",
    "robustness.corruption",
    "supply_chain.artifact_scan",
    "supply_chain.poisoning_screen",
    "supply_chain.external_report",
)


@cache
def catalogue() -> dict[str, Check]:
    """Every check by kind: the built-in ones in order, then those of installed packages.

    Raises:
        ValueError: an installed package offers a kind that is taken, or one under another name.
    """
    checks: dict[str, Check] = {}
    for module in BUILT_IN:
        check = import_module(f"{__name__}.{module}").CHECK
        checks[check.kind] = check
    for point in sorted(entry_points(group="model_governance.checks"), key=lambda point: point.name):
        check = point.load()
        if point.name in checks or check.kind != point.name:
            raise ValueError(
                f"entry point {point.name} = {point.value}: kind {check.kind!r} is taken or differs from the name; "
                "give the check a kind of its own"
            )
        checks[point.name] = check
    return checks


def find(kind: str) -> Check:
    """The check of this kind.

    Raises:
        KeyError: there is none; the message lists what there is.
    """
    known = catalogue()
    if kind not in known:
        raise KeyError(f"no check {kind!r}; there are {', '.join(known)}")
    return known[kind]


def wing_of(check: Check) -> str:
    """The group that lists show a check in: the folder of a built-in one, what another package declares, or "other"."""
    for module in BUILT_IN:
        wing, kind = module.split(".")
        if kind == check.kind:
            return wing
    return check.wing or "other"
