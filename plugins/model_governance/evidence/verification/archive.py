"""Verifies the chain of a model from its first link to its head, and everything that it names."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

from model_governance.evidence.chain import link_keys, models_with_chain
from model_governance.evidence.manifest import RUNS
from model_governance.evidence.pruning import pruned_objects
from model_governance.evidence.verification.parts import walked
from model_governance.evidence.verification.reader import Reader
from model_governance.evidence.verification.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from cryptography.x509 import Certificate

    from model_governance.evidence.chain import Link
    from model_governance.evidence.period import Period
    from model_governance.evidence.trust import Trust
    from model_governance.evidence.verification.problems import Problem, Verification
    from model_governance.store import ArtifactStore

COLLECT_AFTER = 50_000
"""Objects that are made before cycles among them are looked for."""


def verify_archive(
    store: ArtifactStore,
    *,
    models: Collection[str] = (),
    trust: Trust | None = None,
    expected: Mapping[str, str] | None = None,
    period: Period | None = None,
    authority: Sequence[Certificate] = (),
    processes: int = 1,
) -> list[Verification]:
    """Verify the models of an archive; sends no request but to the store.

    Args:
        store: the archive.
        models: those to verify; all that have runs or a chain when empty.
        trust: keys whose signatures count; None: signatures are not checked.
        expected: digest of the newest link by model, kept elsewhere; it alone shows that the end was cut off.
        period: the archive is an export of these days: objects of other runs may be missing, which is noted.
        authority: certificates of the time stamp authority, its root first; empty: time stamps are not checked.
        processes: most processes that share a long chain in a folder; they are forked, so that a caller with threads has one.

    Raises:
        StoreUnreachable, StoreError: the store cannot be read.
    """
    named = list(models) or sorted({*models_of(store), *(expected or {})})
    return [
        verify_model(
            store,
            model,
            trust=trust,
            expected_head=(expected or {}).get(model),
            period=period,
            authority=authority,
            processes=processes,
        )
        for model in named
    ]


def verify_model(
    store: ArtifactStore,
    model: str,
    *,
    trust: Trust | None = None,
    expected_head: str | None = None,
    known_head: tuple[int, str] | None = None,
    period: Period | None = None,
    authority: Sequence[Certificate] = (),
    processes: int = 1,
    each: Callable[[Link, Sequence[Problem]], None] | None = None,
) -> Verification:
    """Verify the chain of one model, as `verify_archive` does.

    Args:
        store: the archive.
        model: name of the model.
        trust: keys whose signatures count; None: signatures are not checked.
        expected_head: digest of the newest link, kept elsewhere.
        known_head: number and digest of the newest link of an earlier moment, kept elsewhere; links may have been
            appended since.
        period: days of an export, which leaves objects of other runs out; None for a whole archive.
        authority: certificates of the time stamp authority, its root first; empty: time stamps are not checked.
        processes: as for `verify_archive`.
        each: gets every link that can be read, and the problems that were found at it and at what it names; all in this process.

    Raises: as `verify_archive`.
    """
    pruned = pruned_objects(store, model, trust=trust)

    def new() -> Walk:
        reader = Reader(store=store, period=period, pruned=pruned)
        return Walk(store=store, model=model, trust=trust, reader=reader, each=each)

    with _collecting_seldom():
        walk = walked(new, list(link_keys(store, model)), processes=1 if each else processes)
        walk.end(expected_head, known_head)
    walk.time_stamps(authority)
    return walk.verification()


@contextlib.contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Documents hold no cycles: to look for some after every 700 objects takes a twentieth of a verification."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def models_of(store: ArtifactStore) -> list[str]:
    """The models that have runs or a chain, sorted."""
    parts = (key.removeprefix(RUNS).split("/") for key in store.keys(RUNS))
    with_runs = {part[0].removeprefix("model=") for part in parts if part[0].startswith("model=")}
    return sorted({*models_with_chain(store), *with_runs})
