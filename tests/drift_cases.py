"""Shared by the tests of data drift: a seed, current rows that differ in some columns, and measuring without drawing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from model_governance.checks.data.data_drift import CHECK, report
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.contract.result import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.contract.result import CheckResult
    from model_governance.contract.subject import Subject

SEED = 4


def with_current(subject: Subject, **columns: object) -> Subject:
    """The subject with these columns changed in role current."""
    return subject.with_frame("current", subject.frame("current").assign(**columns))


def measure(subject: Subject, **params: object) -> CheckResult:
    """The result of the check under these params."""
    return CHECK.measure(subject, DriftParams(**params), SEED)


@contextmanager
def numbers_only() -> Iterator[None]:
    """Replaces drawing and rendering; figures and pages have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        nothing = Artifact(name="nothing", media_type="text/plain", content=b"")
        patch.setattr(report, "render", lambda *_, **__: (nothing,))
        for name in ("draw_forest", "draw_distributions"):
            patch.setattr(report, name, lambda *_, **__: nothing)
        yield
