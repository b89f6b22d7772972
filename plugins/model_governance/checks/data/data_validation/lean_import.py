"""Importing Great Expectations without what it only tries to import: a fifth of the CPU that its import takes."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONAL = ("pyspark", "rfc3987_syntax")
"""An engine that no check asks for, and a grammar of addresses that jsonschema compiles when it finds it."""


def import_great_expectations() -> None:
    """Import Great Expectations with its expectations registered, unless that has happened already."""
    if "great_expectations.expectations" in sys.modules:
        return
    with _absent(*OPTIONAL):
        import great_expectations.expectations  # noqa: F401  (fills the registry)


@contextmanager
def _absent(*names: str) -> Iterator[None]:
    """While the block runs, modules that were not imported before cannot be imported."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is what makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
