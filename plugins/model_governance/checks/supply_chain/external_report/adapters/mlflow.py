"""MLflow evaluate: `metrics.json`, which `EvaluationResult.save(path)` writes: one number for each metric.

The file names neither the model nor the moment of the evaluation. `example_count` is the number of evaluated rows; metrics
that are a share of these rows get an exact interval, others none.
"""

from __future__ import annotations

import math

from pydantic import RootModel, StrictFloat, StrictInt

from model_governance.checks.supply_chain.external_report.content import Adapter, Report, Value, readable
from model_governance.checks.supply_chain.external_report.reading import json_document, validated

EXPECTS = "the metrics of MLflow evaluate (metrics.json of EvaluationResult.save)"
COUNT = "example_count"
SHARES = frozenset({"accuracy_score", "exact_match/v1", "toxicity/v1/ratio"})


class Metrics(RootModel[dict[str, StrictFloat | StrictInt | None]]):
    """Numbers by name."""


def read(content: bytes, where: str) -> Report:
    """One value for each metric."""
    raw = json_document(content, where, expected=EXPECTS)
    metrics = validated(Metrics, raw, where, expected=EXPECTS).root
    count = metrics.get(COUNT)
    rows = int(count) if count is not None and math.isfinite(count) and count > 0 else 0
    return Report(
        tool="MLflow",
        values=tuple(
            Value(
                name=readable(name),
                value=value if value is not None and math.isfinite(value) else None,
                rows=rows,
                is_share=name in SHARES,
            )
            for name, value in metrics.items()
        ),
        notes=("the metrics name neither their model nor their moment: put the date into params.report",),
    )


ADAPTER = Adapter(title="MLflow", expects=EXPECTS, read=read)
