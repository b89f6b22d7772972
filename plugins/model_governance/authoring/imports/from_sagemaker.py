"""Reads `constraints.json` and `statistics.json` of SageMaker Model Monitor.

Source of the schemas: Amazon SageMaker AI Developer Guide, "Schema for Constraints", "Schema for Statistics" and "Model
quality metrics".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from model_governance.authoring.imports.documents import Schema
from model_governance.authoring.imports.imported import STRICTER, Collector
from model_governance.errors import PolicyError
from model_governance.formats.sagemaker_names import METRICS, SYNONYMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.authoring.imports.documents import Document
    from model_governance.authoring.imports.imported import Imported

Switch = Literal["Enabled", "Disabled"]
EXPECTED = "constraints.json or statistics.json as SageMaker Model Monitor writes them"
TYPES = {"Integral": "integer", "Fractional": "number", "String": "text"}

REGRESSION = ("mae", "rmse", "r2")
QUALITY: Mapping[str, Mapping[str, str]] = {
    "binary_classification_constraints": {name: metric for name, metric in METRICS.items() if name not in REGRESSION}
    | SYNONYMS,
    "multiclass_classification_constraints": {"accuracy": METRICS["accuracy"]},
    "regression_constraints": {name: METRICS[name] for name in REGRESSION},
}
"""What a file on model quality holds one of, and the metrics that are taken from it."""
OPERATORS = {"LessThanThreshold": "geq_to", "GreaterThanThreshold": "leq_to"}
"""What SageMaker reports as a violation, and the demand that it violates."""


class Distribution(Schema):
    """How distributions are compared."""

    perform_comparison: Switch = "Enabled"
    comparison_threshold: float = 0.1
    comparison_method: str = "Robust"
    categorical_comparison_threshold: float = 0.1
    categorical_drift_method: str = "LInfinity"


class Monitoring(Schema):
    """`monitoring_config`, of all columns or of one.

    The two content thresholds are the smallest share of values that agree.
    """

    evaluate_constraints: Switch = "Enabled"
    datatype_check_threshold: float = 1.0
    domain_content_threshold: float = 1.0
    distribution_constraints: Distribution = Distribution()


class Numbers(Schema):
    """`num_constraints`."""

    is_non_negative: bool = False


class Texts(Schema):
    """`string_constraints`."""

    domains: list[str] | None = None


class Feature(Schema):
    """One column."""

    name: str
    inferred_type: str = "Unknown"
    completeness: float | None = Field(default=None, ge=0, le=1)
    num_constraints: Numbers | None = None
    string_constraints: Texts | None = None
    overrides: dict[str, Any] | None = Field(default=None, alias="monitoringConfigOverrides")


class Constraints(Schema):
    """`constraints.json` of data quality."""

    features: list[Feature]
    monitoring_config: dict[str, Any] = Field(default_factory=dict)


class QualityConstraint(Schema):
    """A constraint on a metric of model quality."""

    threshold: float
    comparison_operator: str


def read_sagemaker(documents: Sequence[Document]) -> Imported:
    """Demands of `constraints.json`, for data or for model quality; of `statistics.json` nothing can be demanded.

    Raises:
        PolicyError: a file is none of the two, or a part of it is not as SageMaker writes it.
    """
    collector = Collector()
    for document in documents:
        kinds = [kind for kind in QUALITY if kind in document.content]
        if "dataset" in document.content:
            _read_statistics(document, collector)
        elif kinds:
            for kind in kinds:
                _read_quality(document, kind, collector)
        elif "features" in document.content:
            _read_constraints(document, collector)
        else:
            found = ", ".join(map(str, list(document.content)[:5])) or "an empty object"
            raise PolicyError([f"{document.path}: expected {EXPECTED}, found {found}"])
    return collector.done()


def _read_constraints(document: Document, collector: Collector) -> None:
    constraints = document.read(Constraints, expected=EXPECTED)
    common = document.part(Monitoring, constraints.monitoring_config, at="monitoring_config", expected=EXPECTED)
    if common.evaluate_constraints == "Disabled":
        collector.leave(
            "monitoring_config.evaluate_constraints", "Disabled: SageMaker evaluates none of the constraints"
        )
        return
    names = [feature.name for feature in constraints.features]
    for place, feature in enumerate(constraints.features):
        overridden = _merged(constraints.monitoring_config, feature.overrides or {})
        at = f"features[{place}].monitoringConfigOverrides"
        own = document.part(Monitoring, overridden, at=at, expected=EXPECTED) if feature.overrides else common
        _read_feature(f"features[{place}] {feature.name}", feature, own, collector)
    kwargs = {"column_set": names, "exact_match": True}
    collector.expect("features", "expect_table_columns_to_match_set", kwargs=kwargs)


def _read_feature(part: str, feature: Feature, config: Monitoring, collector: Collector) -> None:
    column: dict[str, Any] = {"column": feature.name}
    collector.expect(part, "expect_column_to_exist", kwargs=column)
    kind = TYPES.get(feature.inferred_type)
    part_of_type = f"{part} inferred_type {feature.inferred_type}"
    if kind is None:
        collector.leave(part_of_type, "SageMaker checks no type of this column either")
    else:
        kwargs = column | {"type_": kind} | _mostly(config.datatype_check_threshold)
        collector.expect(part_of_type, "expect_column_values_to_be_of_type", kwargs=kwargs)
    if feature.completeness:
        kwargs = column | _mostly(feature.completeness)
        collector.expect(
            f"{part} completeness {feature.completeness}", "expect_column_values_to_not_be_null", kwargs=kwargs
        )
    elif feature.completeness is not None:
        collector.leave(f"{part} completeness 0", "every column is at least so complete")
    if feature.num_constraints is not None and feature.num_constraints.is_non_negative:
        kwargs = column | {"min_value": 0}
        collector.expect(f"{part} is_non_negative", "expect_column_values_to_be_between", kwargs=kwargs)
    domains = feature.string_constraints.domains if feature.string_constraints is not None else None
    if domains:
        kwargs = column | {"value_set": domains} | _mostly(config.domain_content_threshold)
        collector.expect(f"{part} domains ({len(domains)})", "expect_column_values_to_be_in_set", kwargs=kwargs)
    _read_distribution(part, feature, config.distribution_constraints, collector)


def _read_distribution(part: str, feature: Feature, config: Distribution, collector: Collector) -> None:
    part = f"{part} distribution_constraints"
    if config.perform_comparison == "Disabled":
        collector.leave(part, "perform_comparison is Disabled")
    elif feature.inferred_type in ("Integral", "Fractional"):
        demand = {"metric": "ks", "key": feature.name, "leq_to": config.comparison_threshold}
        collector.demand(part, demand)
    elif feature.inferred_type != "String":
        collector.leave(part, f"a column of type {feature.inferred_type} has no distribution to compare")
    elif config.categorical_drift_method == "LInfinity":
        bound = config.categorical_comparison_threshold
        demand = {"metric": "total_variation", "key": feature.name, "leq_to": bound}
        collector.demand(part, demand, note=STRICTER)
    else:
        method = config.categorical_drift_method
        collector.leave(
            part, f"{method} is no effect: with enough rows every change exceeds it; demand total_variation"
        )


def _read_quality(document: Document, kind: str, collector: Collector) -> None:
    raw = document.content[kind]
    if not isinstance(raw, dict):
        raise PolicyError([f"{document.path}: {kind}: expected an object of metrics, found {type(raw).__name__}"])
    for name, content in raw.items():
        constraint = document.part(QualityConstraint, content, at=f"{kind}.{name}", expected=EXPECTED)
        part = f"{kind} {name} {constraint.comparison_operator} {constraint.threshold}"
        condition = OPERATORS.get(constraint.comparison_operator)
        metric = QUALITY[kind].get(name)
        if condition is None:
            collector.leave(part, f"the operator is unknown; known are {', '.join(OPERATORS)}")
        elif name == "mse" and constraint.threshold >= 0:
            demand = {"metric": "rmse", condition: math.sqrt(constraint.threshold)}
            collector.demand(part, demand, note="the root of mse")
        elif metric is None:
            collector.leave(part, "no metric here is this number")
        else:
            collector.demand(part, {"metric": metric, condition: constraint.threshold})


def _read_statistics(document: Document, collector: Collector) -> None:
    features = document.content.get("features")
    count = len(features) if isinstance(features, list) else 0
    collector.leave(
        f"{document.path.name}: statistics of {count} columns",
        "drift is measured against rows, and a sketch of them proves less; name the rows of the baseline as "
        "datasets.reference",
    )


def _mostly(share: float) -> dict[str, float]:
    """The argument `mostly`, left out where every row must agree."""
    return {} if share == 1 else {"mostly": share}


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of one column: its own values over the common ones, object by object."""
    merged = dict(common)
    for key, value in own.items():
        inherited = merged.get(key)
        if isinstance(value, dict) and isinstance(inherited, dict):
            merged[key] = _merged(inherited, value)
        else:
            merged[key] = value
    return merged
