"""Regular expressions are tried in a process of their own before pandas evaluates them: none of them may hang a task."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.checks.data.data_validation.expectations import labels
from model_governance.checks.data.data_validation.pattern_child import SIZE
from model_governance.checks.data.data_validation.translation import PATTERNS, patterns_of
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from model_governance.checks.data.data_validation.expectations import Expectation

CHILD = Path(__file__).with_name("pattern_child.py")
PER_TEXT = 2.0  # seconds of processor time for one cell
PER_CELL, PER_CHARACTER = 20e-6, 1e-6  # seconds that a column may take beyond that
REPEATING = frozenset("*+?{")
CLOCK, PATIENCE = 10, 60.0  # on the clock: so many times the processor time, and these seconds


def require_quick(frame: pd.DataFrame, expectations: Mapping[int, Expectation]) -> None:
    """Refuse regular expressions that need too long on these rows, as `pattern.search` of Python does on some texts.

    One cell may take 2 s of processor time, a column 20 microseconds a cell and one a character more. Patterns that repeat
    nothing are not tried.

    Args:
        frame: the rows, as Great Expectations gets them.
        expectations: by position.

    Raises:
        CheckError: names the first expectation that is too slow, its column and the length of the cell, and no value.
    """
    names = dict(zip(expectations, labels(tuple(expectations.values())), strict=True))
    for position, expectation in expectations.items():
        column = str(expectation.kwargs.get("column"))
        if expectation.type not in PATTERNS or column not in frame.columns:
            continue
        risky = [pattern for pattern in patterns_of(expectation) if not REPEATING.isdisjoint(pattern)]
        texts = frame[column].dropna().astype(str).unique() if risky else []
        for pattern in risky:
            length = _slow_at(pattern, texts)
            if length is not None:
                raise CheckError(
                    f"{names[position]}: the regex {pattern!r} takes too long on column {column!r}: stopped at a cell of {length:,} "
                    f"characters, after {PER_TEXT:g} s of processor time for a cell or {_whole(texts):.1f} s in all; write it without a "
                    "repetition inside a repetition (`(a+)+`), anchor it, or bound the cells with expect_column_value_lengths_to_be_between "
                    "and shorten them upstream"
                )


def _slow_at(pattern: str, texts: Iterable[str]) -> int | None:
    """The length of the text at which the search was stopped; None where all texts were searched in time."""
    whole = _whole(texts)
    head = json.dumps({"pattern": pattern, "per_text": PER_TEXT, "whole": whole}).encode() + b"\n"
    # -P: the folder of the script is no place to import from; -S: it needs the standard library only.
    command = [sys.executable, "-PES", str(CHILD)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: S603 - our own script
        assert child.stdin is not None  # noqa: S101 - a pipe was asked for
        with suppress(BrokenPipeError):
            child.stdin.write(head)
            for text in texts:
                content = text.encode("utf-8", "surrogatepass")
                child.stdin.write(len(content).to_bytes(SIZE, "little") + content)
        try:
            answer, _ = child.communicate(timeout=CLOCK * whole + PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            raise CheckError(
                f"the regex {pattern!r} was not tried within {CLOCK * whole + PATIENCE:.0f} s: this machine is too busy; try again"
            ) from None
    if child.returncode:
        return max(map(len, texts), default=0)
    return int(json.loads(answer)["characters"]) if answer.strip() else None


def _whole(texts: Iterable[str]) -> float:
    """Seconds of processor time that a pattern may take on all texts."""
    return PER_TEXT + sum(PER_CELL + PER_CHARACTER * len(text) for text in texts)
