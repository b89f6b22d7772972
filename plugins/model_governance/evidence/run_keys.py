"""The keys of a model's manifests by moment, the newest first, listed as far as they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from model_governance.evidence.chain import HINTS
from model_governance.evidence.manifest import model_folder, moment_folders
from model_governance.evidence.reading import moment_of_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.store import ArtifactStore

MONTHS = 3
"""Months that are listed one by one: forty daily runs lie in them."""
YEARS = 5
"""Years that are listed one by one behind them, before all that is left is listed at once."""


class RunKeys(Mapping[datetime, list[str]]):
    """Keys of manifests by the moments of their runs. Keys of other objects are no evidence.

    A manifest that a hint names was there when its link was appended: one that is gone is among the keys all the same.

    Args:
        store: the archive.
        model: name of the model.
        before: only runs of earlier moments; None: all, which are then listed at once.
    """

    def __init__(self, store: ArtifactStore, model: str, *, before: datetime | None) -> None:
        self._store = store
        self._model = model
        self._folder = model_folder(model)
        self._before = before
        self._moments: list[datetime] = []
        self._keys: dict[datetime, list[str]] = {}
        self._parts = self._prefixes()

    def __iter__(self) -> Iterator[datetime]:
        """The moments, the newest first."""
        place = 0
        while place < len(self._moments) or self._list_more():
            if place < len(self._moments):
                yield self._moments[place]
                place += 1

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, moment: datetime) -> list[str]:
        """The keys of the manifests of a moment, sorted. Raises KeyError where there is none."""
        if moment not in self._keys:
            for folder in moment_folders(self._model, moment):
                for known, keys in self._listed(folder.removeprefix(self._folder)).items():
                    self._keys[known] = sorted({*self._keys.get(known, ()), *keys})
        return self._keys[moment]

    def _list_more(self) -> bool:
        """List one part more; False where everything is listed."""
        part = next(self._parts, None)
        if part is None:
            return False
        found = self._listed(part)
        known = set(self._moments)
        self._moments += sorted(found.keys() - known, reverse=True)
        self._keys |= found
        return True

    def _prefixes(self) -> Iterator[str]:
        """Beginnings of the keys in the model's folder, each of which lists only older moments than those before, or the same."""
        if self._before is not None:
            month = self._before
            for _ in range(MONTHS):
                yield f"run={month:%Y-%m}"
                month = month.replace(day=1) - timedelta(days=1)
            for year in range(YEARS):
                yield f"run={self._before.year - year:04d}-"
        yield ""

    def _listed(self, beginning: str) -> dict[datetime, list[str]]:
        prefix = f"{self._folder}{beginning}"
        hinted = (key.removeprefix(HINTS) for key in self._store.keys(f"{HINTS}{prefix}"))
        by_moment: dict[datetime, list[str]] = {}
        for key in sorted({*self._store.keys(prefix), *hinted}):
            moment = moment_of_manifest(key)
            if moment is not None and (self._before is None or moment < self._before):
                by_moment.setdefault(moment, []).append(key)
        return by_moment
