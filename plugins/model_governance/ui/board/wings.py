"""The verdict of a run by wing: data, quality, robustness, privacy, supply chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks import BUILT_IN, catalogue, wing_of
from model_governance.verdict import RANK
from model_governance.verdict.finding import worst_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OTHER = "other"
ORDER = (*dict.fromkeys(module.split(".")[0] for module in BUILT_IN), OTHER)


def verdict_by_wing(checks: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The worst outcome of the checks of each wing, in the order of the registry; checks that never reported are of `other`.

    Args:
        checks: `kind` and `outcome` of each check of a run.
    """
    known = catalogue()
    found: dict[str, list[Any]] = {}
    for check in checks:
        kind = known.get(check["kind"] or "")
        if check["outcome"] in RANK:
            found.setdefault(OTHER if kind is None else wing_of(kind), []).append(check["outcome"])
    order = [*ORDER, *(wing for wing in found if wing not in ORDER)]
    return {wing: worst_of(found[wing]) for wing in order if wing in found}
