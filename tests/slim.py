"""An environment that holds a few distributions and what they need, made of links to the files of this environment."""

from __future__ import annotations

from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def closure(roots: Iterable[str]) -> dict[str, Distribution]:
    """The distributions that these requirements bring, by name. Raises PackageNotFoundError where one is not installed."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = distribution(name)
        for line in found[name].requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                waiting.append(needed)
    return found


def link_files(distributions: Iterable[Distribution], folder: Path) -> None:
    """Make a folder of packages with links to the files of these distributions, for `PYTHONPATH` and `python -S`."""
    for each in distributions:
        for file in each.files or ():
            inside = not (file.is_absolute() or ".." in file.parts or file.suffix == ".pth")
            link, target = folder / file, Path(str(each.locate_file(file)))
            if inside and target.is_file() and not link.exists():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)
