"""The child process that searches texts for a regular expression within limits of processor time and memory.

Python's matcher may take exponential time on one text, and the process that waits for it cannot be asked to stop: this one
holds nothing of value, and tells its parent one line of JSON where a limit was reached.
"""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
import time
from typing import IO, NoReturn

MEMORY = 4 << 30
SIZE = 4  # bytes of the length before each text


class OutOfTimeError(Exception):
    """A text took longer than one may."""


def main() -> None:
    """Read limits and a pattern (a line of JSON) and texts (their length before each) from stdin; print what was too slow."""
    signal.signal(signal.SIGVTALRM, _stop)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    stream = sys.stdin.buffer
    asked = json.loads(stream.readline())
    try:
        pattern = re.compile(asked["pattern"])
    except re.error:
        return  # Great Expectations says so
    found = _search(pattern, stream, per_text=asked["per_text"], whole=asked["whole"])
    if found is not None:
        print(json.dumps({"characters": found}))


def _search(pattern: re.Pattern[str], stream: IO[bytes], *, per_text: float, whole: float) -> int | None:
    """The length of the text at which a limit was reached; None where all were searched."""
    spent = 0.0
    while length := stream.read(SIZE):
        text = stream.read(int.from_bytes(length, "little")).decode("utf-8", "surrogatepass")
        start = time.process_time()
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, per_text)
            pattern.search(text)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        except (OutOfTimeError, MemoryError):
            return len(text)
        spent += time.process_time() - start
        if spent > whole:
            return len(text)
    return None


def _stop(*_: object) -> NoReturn:
    raise OutOfTimeError


if __name__ == "__main__":
    main()
