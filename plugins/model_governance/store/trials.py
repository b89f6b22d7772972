"""One try of a store: what was tried, what an archive needs, what the store did, and what that means."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model_governance.errors import ObjectConflict, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

Outcome = Literal["pass", "warn", "fail", "error", "skipped"]
WRITERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A try and its outcome.

    `pass`: the store does what an archive needs. `warn`: it does not, and the archive makes up for it. `fail`: it does
    not, and evidence can be lost. `error`: the try was refused or not answered, so nothing is known. `skipped`: the try
    does not apply to this store or role.
    """

    name: str
    tried: str
    expected: str
    found: str
    outcome: Outcome
    meaning: str


def exit_code(trials: list[Trial]) -> int:
    """0 the store does what is needed, 1 it does not, 3 something could not be tried."""
    outcomes = {trial.outcome for trial in trials}
    return 1 if "fail" in outcomes else 3 if "error" in outcomes else 0


def race(write: Callable[[bytes], object]) -> str:
    """Let writers create one key at the same moment; returns how many succeeded, in words.

    `write` raises ObjectConflict for a writer that lost.
    """
    start = threading.Barrier(WRITERS)

    def one(number: int) -> str:
        start.wait(timeout=60)
        try:
            write(b"writer %d\n" % number)
        except ObjectConflict:
            return "refused"
        except StoreError as error:
            return type(error).__name__
        return "stored"

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = Counter(pool.map(one, range(WRITERS)))
    return ", ".join(f"{count} {answer}" for answer, count in sorted(answers.items(), reverse=True))


ONE_WINNER = f"1 stored, {WRITERS - 1} refused"
