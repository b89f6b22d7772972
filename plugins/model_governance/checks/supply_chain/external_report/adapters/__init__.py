"""The adapters there are: one module per tool, imported when a policy asks for its format.

A new format is one module with an `ADAPTER` and one line here; packages of others join through the entry-point group
`model_governance.report_adapters` (name = format, value = module:ADAPTER).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.checks.supply_chain.external_report.content import Adapter

BUILT_IN = ("garak", "pyrit", "promptfoo", "giskard", "modelscan", "sarif", "junit", "mlflow")
GROUP = "model_governance.report_adapters"


def _built_in(name: str) -> Callable[[], Adapter]:
    return lambda: import_module(f"{__name__}.{name}").ADAPTER


@cache
def adapters() -> dict[str, Callable[[], Adapter]]:
    """What loads each adapter, by format: the built-in ones first, then those of installed packages.

    Raises:
        ValueError: an installed package offers a format that is taken.
    """
    known = {name: _built_in(name) for name in BUILT_IN}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in known:
            raise ValueError(f"entry point {point.name} = {point.value}: format {point.name!r} is taken; rename it")
        known[point.name] = point.load
    return known
