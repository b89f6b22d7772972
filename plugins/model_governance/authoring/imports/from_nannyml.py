"""Reads the configuration of NannyML (`nannyml.yaml`): calculators and their thresholds.

Source: `nannyml/config.py`, `nannyml/runner.py` and `nannyml/thresholds.py` of NannyML 0.13.1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pydantic import Field

from model_governance.authoring.imports.documents import Schema
from model_governance.authoring.imports.imported import STRICTER, Collector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.authoring.imports.documents import Document
    from model_governance.authoring.imports.imported import Imported

EXPECTED = "a configuration of NannyML: {calculators: [{type, params: {thresholds}}]}"
BASE_2 = math.sqrt(math.log(2))
"""NannyML takes the logarithm to base 2 in its Jensen-Shannon distance, we the natural one."""
PREFIXES: Mapping[str, str] = {"performance": "", "cbpe": "estimated_", "dle": "estimated_"}
"""What stands before the name of a metric that a calculator computes or estimates."""
LEARNED = "NannyML computes the bound from chunks of the reference; `model-governance calibrate` proposes one"
AUC = "domain_classifier"


class Threshold(Schema):
    """A threshold: two constants, or standard deviations around the mean of the reference's chunks."""

    type: str
    lower: float | None = None
    upper: float | None = None


class Params(Schema):
    """What is read of a calculator's params."""

    column_names: list[str] | None = None
    normalize: bool = True
    thresholds: dict[str, Any] = Field(default_factory=dict)
    threshold: dict[str, Any] | None = None


class Calculator(Schema):
    """A calculator."""

    type: str
    enabled: bool = True
    params: Params = Params()


class Config(Schema):
    """The file."""

    calculators: list[Calculator]


def read_nannyml(documents: Sequence[Document]) -> Imported:
    """Demands of constant thresholds.

    Raises:
        PolicyError: a file is no configuration of NannyML, or a threshold is none.
    """
    collector = Collector()
    for document in documents:
        for place, calculator in enumerate(document.read(Config, expected=EXPECTED).calculators):
            _read_calculator(document, place, calculator, collector)
    return collector.done()


def _read_calculator(document: Document, place: int, calculator: Calculator, collector: Collector) -> None:
    at, params = f"calculators[{place}]", calculator.params
    if not calculator.enabled:
        collector.leave(f"{at} {calculator.type}", "it is not enabled")
        return
    thresholds = dict(params.thresholds)
    if params.threshold is not None:
        thresholds["alert"] = params.threshold
    if not thresholds:
        collector.leave(f"{at} {calculator.type}", f"it has no threshold of its own: {LEARNED}")
    for name, raw in thresholds.items():
        threshold = document.part(Threshold, raw, at=f"{at}.params.thresholds.{name}", expected=EXPECTED)
        part = f"{at} {calculator.type} {name}"
        if threshold.type != "constant":
            collector.leave(f"{part} {threshold.type}", LEARNED)
        elif threshold.lower is None and threshold.upper is None:
            collector.leave(part, "it has neither a lower nor an upper bound")
        else:
            _read_constant(f"{part} {_spelled(threshold)}", name, threshold, calculator, collector)


def _read_constant(part: str, name: str, threshold: Threshold, calculator: Calculator, collector: Collector) -> None:
    kind, columns = calculator.type, calculator.params.column_names or []
    if kind in PREFIXES:
        collector.demand(part, {"metric": PREFIXES[kind] + name, **_condition(threshold)})
    elif kind == AUC:
        demand = {"metric": "joint_drift_auc", **_condition(threshold)}
        collector.demand(part, demand, note="another classifier tells the rows apart")
    elif threshold.upper is None:
        collector.leave(part, "a distance has an upper bound")
    elif not columns and kind in ("univariate_drift", "missing_values", "unseen_values"):
        collector.leave(part, "it names no column_names, and each of our thresholds names its column")
    elif kind == "univariate_drift":
        _read_drift(part, name, threshold.upper, columns, collector)
    elif kind in ("missing_values", "unseen_values"):
        _read_values(part, threshold.upper, calculator, collector)
    else:
        collector.leave(part, "no metric here is this number")


def _read_drift(part: str, method: str, upper: float, columns: Sequence[str], collector: Collector) -> None:
    for column in columns:
        where = f"{part} {column}"
        if method == "jensen_shannon":
            note = f"NannyML's {upper:g} in natural logarithms"
            bound = float(f"{upper * BASE_2:.6g}")
            _distance(where, "jensenshannon", column, bound, collector, note=note)
        elif method == "kolmogorov_smirnov":
            _distance(where, "ks", column, upper, collector)
        elif method == "l_infinity":
            _distance(where, "total_variation", column, upper, collector, note=STRICTER)
        else:
            collector.leave(where, f"no metric here is NannyML's {method}; demand psi, ks or total_variation")


def _distance(where: str, metric: str, column: str, bound: float, collector: Collector, *, note: str = "") -> None:
    demand = {"metric": metric, "key": column, "leq_to": bound}
    collector.demand(where, demand, note=note)


def _read_values(part: str, upper: float, calculator: Calculator, collector: Collector) -> None:
    """Shares of missing or unseen values; counts depend on the rows of a run."""
    for column in calculator.params.column_names or ():
        where = f"{part} {column}"
        if not calculator.params.normalize:
            collector.leave(where, "normalize is false, so it bounds a count of rows; bound the share")
        elif calculator.type == "unseen_values":
            _distance(where, "new_category_share", column, upper, collector)
        elif upper >= 1:
            collector.leave(where, "every share of missing values meets it")
        else:
            kwargs: dict[str, Any] = {} if upper <= 0 else {"mostly": round(1 - upper, 12)}
            collector.expect(where, "expect_column_values_to_not_be_null", kwargs={"column": column, **kwargs})


def _condition(threshold: Threshold) -> dict[str, Any]:
    if threshold.lower is None:
        return {"leq_to": threshold.upper}
    if threshold.upper is None:
        return {"geq_to": threshold.lower}
    return {"between": [threshold.lower, threshold.upper]}


def _spelled(threshold: Threshold) -> str:
    ends = {"lower": threshold.lower, "upper": threshold.upper}
    return ", ".join(f"{name} {end:g}" for name, end in ends.items() if end is not None)
