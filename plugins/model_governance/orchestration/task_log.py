"""What a task writes into its log: what was measured, judged and stored, and nothing of the libraries below."""

from __future__ import annotations

import logging
import sysconfig
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.run import CheckRun

OURS = ("model_governance", "airflow")
LIBRARIES = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
FINDINGS = 5
"""The most findings in the log of a task; its page has all of them."""


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """While the block runs, warnings and records below ERROR of installed libraries reach no log.

    One import of skops gives more than a thousand warnings beside Airflow: it asks each loaded module for names, and modules
    of Airflow warn about old ones. Great Expectations reports each of its steps. Records of this package, of Airflow and of
    functions in DAG files pass.
    """
    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(_is_for_the_task_log)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for handler in handlers:
            handler.removeFilter(_is_for_the_task_log)


def check_lines(done: CheckRun, *, is_stored: bool = True) -> str:
    """What a check measured, judged and stored, in at most ten lines."""
    artifacts = f" and {len(done.artifacts)} artifacts" if done.artifacts else ""
    stored = [f"stored: record {done.record.uri}{artifacts}", f"report: {done.report.uri}"]
    return "\n".join(
        [
            f"measured: {done.kind}, {done.metrics} metrics in {done.seconds:.1f} s",
            f"judged: {shortened(done.verdict.sentence)}",
            *(stored if is_stored else ["stored: nothing (dry run)"]),
        ]
    )


def shortened(sentence: str) -> str:
    """The sentence of a verdict, with at most FINDINGS of its findings, each on a line of its own."""
    head, *findings = sentence.splitlines()
    more = [f"  - and {len(findings) - FINDINGS} more on the page"] if len(findings) > FINDINGS else []
    return "\n".join([head, *findings[:FINDINGS], *more])


def _is_for_the_task_log(record: logging.LogRecord) -> bool:
    is_ours = record.name.split(".", 1)[0] in OURS
    return is_ours or record.levelno >= logging.ERROR or not record.pathname.startswith(LIBRARIES)
