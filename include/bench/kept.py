"""Results of single measurements on disk, so that a bench that broke off goes on where it stopped."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder of JSON files, one per measurement."""

    folder: Path

    def once(self, name: str, measure: Callable[[], Any]) -> Any:
        """What was measured under this name; measured now where nothing is kept."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            began = time.monotonic()
            found = measure()
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(found))
            print(f"{name:60} {time.monotonic() - began:7.1f} s", flush=True)
        return json.loads(path.read_text())


def slug(text: str) -> str:
    """Words in lower case with hyphens, as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())


def cpu_of(run: Callable[[], Any]) -> tuple[Any, float]:
    """What it returns, and the CPU seconds that the process spent on it."""
    began = time.process_time()
    found = run()
    return found, time.process_time() - began
