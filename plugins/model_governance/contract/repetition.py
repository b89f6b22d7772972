"""Measuring one check on many runs beside the same reference, as a calibration does.

Inside `repeated()` what depends on the reference alone is computed once, and no figure is drawn. The numbers are those
of a single measurement.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

Result = TypeVar("Result")

_LATEST: ContextVar[dict[str, tuple[Hashable, object]] | None] = ContextVar("latest", default=None)


@contextmanager
def repeated() -> Iterator[None]:
    """Measurements inside share what `once` computed, and draw nothing."""
    token = _LATEST.set({})
    try:
        yield
    finally:
        _LATEST.reset(token)


def is_repeated() -> bool:
    """Whether this code runs inside `repeated()`."""
    return _LATEST.get() is not None


def once(what: str, key: Hashable, compute: Callable[[], Result]) -> Result:
    """The result of `compute`; inside `repeated()` the latest one again where the key is the same.

    Args:
        what: Name of the result. Only the latest result of a name is held, so that memory does not grow.
        key: Everything that the result depends on: digests of datasets and model, params, seed.
        compute: Gives the result; a pure function of the key.
    """
    latest = _LATEST.get()
    if latest is None:
        return compute()
    known, result = latest.get(what, (None, None))
    if known != key:
        result = compute()
        latest[what] = (key, result)
    return result  # type: ignore[return-value]
