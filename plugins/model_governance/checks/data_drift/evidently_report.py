"""Asks Evidently for the distances and for its page, and makes both the same bytes every time, without rows of data."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.check import Artifact, canonical_json
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from model_governance.checks.data_drift.sides import Column

TOTAL_VARIATION = "total_variation_distance"
MOST_SHOWN = 100  # categories of one column
HISTOGRAM = "DATA DISTRIBUTION"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One column, the distance that compares it and the score from which it counts as drifted."""

    column: Column
    method: str
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Scores in the order that was asked for, Evidently's page and its numbers."""

    scores: tuple[float, ...]
    artifacts: tuple[Artifact, Artifact]


def compare(comparisons: Sequence[Comparison], *, seed: int) -> Compared:
    """Score every column through Evidently: method, threshold and column type always named, never inferred.

    Raises:
        CheckError: Evidently raised, or gave another number of scores, or one that is not finite.
    """
    snapshot = _run(comparisons)
    told = json.loads(snapshot.json())
    scores = tuple(float(one["value"]) + 0.0 for one in told["metrics"])  # + 0.0: no minus zero in a record
    if [one["config"]["column"] for one in told["metrics"]] != [one.column.name for one in comparisons]:
        raise CheckError(f"Evidently scored {len(scores)} of {len(comparisons)} columns, or in another order")
    broken = [one.column.name for one, score in zip(comparisons, scores, strict=True) if not math.isfinite(score)]
    if broken:
        raise CheckError(
            f"Evidently gave no finite score for column(s) {', '.join(broken)}; name another method for them"
        )
    for one in told["metrics"]:
        one["value"] += 0.0
    page = Artifact(
        name="evidently.html",
        media_type="text/html",
        title="Evidently's report",
        content=_page(snapshot, comparisons, seed),
    )
    numbers = Artifact(
        name="evidently.json", media_type="application/json", title="Evidently's numbers", content=canonical_json(told)
    )
    return Compared(scores=scores, artifacts=(page, numbers))


def _run(comparisons: Sequence[Comparison]) -> Any:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    _teach_total_variation()
    columns = [one.column for one in comparisons]
    definition = DataDefinition(
        numerical_columns=[one.name for one in columns if one.family == "numbers"],
        categorical_columns=[one.name for one in columns if one.family == "categories"],
    )
    reference, current = (
        Dataset.from_pandas(
            pd.DataFrame({one.name: getattr(one, side).reset_index(drop=True) for one in columns}),
            data_definition=definition,
        )
        for side in ("reference", "current")
    )
    metrics = [
        ValueDrift(
            column=one.column.name, method=TOTAL_VARIATION if one.method == "TVD" else one.method, threshold=one.limit
        )
        for one in comparisons
    ]
    try:
        return Report(metrics).run(current, reference)
    except Exception as error:
        names = ", ".join(one.name for one in columns)
        raise CheckError(f"Evidently could not compare {names}: {type(error).__name__}: {error}") from error


def _teach_total_variation() -> None:
    """Registers the distance itself: Evidently's own TVD returns the p-value of a permutation test."""
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    def distance(reference: pd.Series, current: pd.Series, kind: Any, threshold: float) -> tuple[float, bool]:  # noqa: ARG001
        # Both hold the same categories, so that sorting by them puts equal ones side by side.
        shares = [one.value_counts(normalize=True).sort_index().to_numpy() for one in (reference, current)]
        score = float(abs(shares[0] - shares[1]).sum() / 2)
        return score, score >= threshold

    register_stattest(
        StatTest(
            name=TOTAL_VARIATION, display_name="Total variation distance", allowed_feature_types=[ColumnType.Categorical],
            default_threshold=0.1,
        ),
        distance,
    )  # fmt: skip


def _page(snapshot: Any, comparisons: Sequence[Comparison], seed: int) -> bytes:
    """Evidently's page with histograms only, ids that follow the seed, and data that cannot end its script."""
    wide = {one.column.name: one.column.categories for one in comparisons if one.column.categories > MOST_SHOWN}
    for result in snapshot.metric_results.values():
        name = result.metric_value_location.metric.params["column"]
        for widget in result.widget:
            if widget.type == "tabs":
                _keep_histograms(widget, categories=wide.get(name))
    page = snapshot.get_html_str(as_iframe=False)
    return _with_inert_data(_with_stable_ids(page, seed)).encode()


def _keep_histograms(widget: Any, *, categories: int | None) -> None:
    """Drop the tab that draws a column along the row numbers: on a small frame its points are the rows."""
    from evidently.legacy.renderers.html_widgets import CounterData, counter

    widget.tabs = [tab for tab in widget.tabs if tab.title == HISTOGRAM]
    if not widget.tabs:
        raise CheckError(f"Evidently's page has no {HISTOGRAM!r} tab any more; run with the version the package pins")
    if categories is not None:
        text = f"{categories:,} categories are too many to show: each may stand for one person"
        instead = counter(title="", counters=[CounterData(text, "")])
        widget.type, widget.params, widget.tabs = instead.type, instead.params, []


def _with_stable_ids(page: str, seed: int) -> str:
    """Ids that Evidently draws at random, replaced in order of appearance by ids made from the seed."""
    found = [*re.findall(rf'"id": "({UUID})"', page), *re.findall(r"var (metric_[0-9a-f]{32}) =", page)]
    stable = {}
    for number, old in enumerate(dict.fromkeys(found)):
        new = hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:32]
        stable[old] = f"metric_{new}" if old.startswith("metric_") else str(uuid.UUID(new))
    if not stable:
        return page
    return re.sub("|".join(map(re.escape, stable)), lambda one: stable[one[0]], page)


def _with_inert_data(page: str) -> str:
    """Escape every < in the data of the page: a category named </script> would otherwise run in the reader's browser."""
    start = page.index("var metric_")
    end = page.index(";\n</script>", start)  # JSON holds no line break, so data cannot look like this
    return page[:start] + page[start:end].replace("<", "\\u003c") + page[end:]
