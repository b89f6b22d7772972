"""Reads a long chain in parts side by side, each part in a process of its own."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from model_governance.store.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_governance.evidence.verification.walk import Walk

    Links = Sequence[tuple[int, str]]

MIN_LINKS = 500
"""Links of a part: fewer take less time than a process more."""
DEPEND_ON_EARLIER_PARTS = frozenset({"verdict.baseless"})
"""Codes of problems that are others where an earlier link states the object."""


def walked(new: Callable[[], Walk], links: Links, *, processes: int) -> Walk:
    """The walk through all links, the same as in one process.

    Each process verifies its part as if the links before it were sound, which their own process verifies. Where a part finds
    what the links before it may explain, or a process dies, one process reads the chain from its beginning.

    Args:
        new: a walk that has read nothing.
        links: number and key of every link, in order.
        processes: how many to use; a store that is no folder, and a short chain, are read in this one.

    Raises: as `verify_archive`.
    """
    parts = min(processes, len(links) // MIN_LINKS)
    if parts > 1 and sys.platform == "linux" and isinstance(new().store, LocalStore):
        walk = _in_processes(new, links, parts)
        if walk is not None:
            return walk
    walk = new()
    for sequence, key in links:
        walk.visit(sequence, key)
    return walk


def _in_processes(new: Callable[[], Walk], links: Links, parts: int) -> Walk | None:
    """The walk, None where its parts do not add up to it."""
    ends = [len(links) * part // parts for part in range(parts + 1)]
    # Forked processes have the store, the keys and the links without a copy; none of these is written to.
    forked = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(parts, mp_context=forked, initializer=_begin, initargs=(new, links)) as pool:
            walks = list(pool.map(_part, ends[:-1], ends[1:]))
    except BrokenProcessPool:
        return None
    whole = new()
    for part in walks:
        found = {problem.code for problem in part.findings.problems} if whole.rows else set()
        if found & DEPEND_ON_EARLIER_PARTS or not whole.about.keys().isdisjoint(part.about):
            return None
        whole.take(part)
    return whole


_WORK: list[tuple[Callable[[], Walk], Links]] = []


def _begin(new: Callable[[], Walk], links: Links) -> None:
    _WORK.append((new, links))


def _part(first: int, end: int) -> Walk:
    """The walk through the links from `first` up to `end`."""
    new, links = _WORK[-1]
    walk = new()
    walk.stand_behind(links[:first])
    for sequence, key in links[first:end]:
        walk.visit(sequence, key)
    walk.forget_what_was_read()
    return walk
