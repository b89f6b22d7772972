"""What the tests of data drift share: a seed, a night that differs in some columns, and measuring without drawing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from model_governance.checks.data import data_drift
from model_governance.checks.data.data_drift import CHECK, DriftParams
from model_governance.contract.result import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.contract.result import CheckResult
    from model_governance.contract.subject import Subject

SEED = 4


def tonight(subject: Subject, **columns: object) -> Subject:
    """The subject with these columns changed in role current."""
    return subject.with_frame("current", subject.frame("current").assign(**columns))


def measure(subject: Subject, **params: object) -> CheckResult:
    """What the check finds under these params."""
    return CHECK.measure(subject, DriftParams(**params), SEED)


@contextmanager
def numbers_only() -> Iterator[None]:
    """Nothing is drawn or rendered meanwhile; pictures and pages have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        nothing = Artifact(name="nothing", media_type="text/plain", content=b"")
        patch.setattr(data_drift, "render", lambda *_, **__: (nothing,))
        for name in ("draw_forest", "draw_distributions"):
            patch.setattr(data_drift, name, lambda *_, **__: nothing)
        yield
