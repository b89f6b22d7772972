"""What a manifest may say of the runs before it; manifests of release 0.1.0 say nothing of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from model_governance.contract.documents import Moment, OpenForm
from model_governance.verdict import Outcome  # noqa: TC001 - pydantic reads the annotation


class NewnessPart(OpenForm):
    """For how many runs, and since when, a finding is so."""

    check: str
    metric: str | None
    key: str | None
    runs: Annotated[int, Field(ge=1)]
    since: Moment
    unchanged_since: Moment | None


class HistoryPart(OpenForm):
    """The outcomes of the runs before, the oldest first, and since when each finding goes on."""

    outcomes: list[Outcome]
    findings: list[NewnessPart]
