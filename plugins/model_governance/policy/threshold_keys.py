"""Whether a threshold or waiver names a column, class, attack or slice that there can be, as far as the policy alone says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from model_governance.contract.slices import slice_names
from model_governance.policy.position import closest, similar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.check import Check, Params
    from model_governance.contract.result import MetricSpec

ALL_ATTACKS = "all"
MOST_SHOWN = 20


def key_problem(key: Any, spec: MetricSpec, check: Check, *, params: Any, raw: Mapping[str, Any]) -> str:
    """Why a key names nothing that the metric can have; empty where it does, where there is none, or where only a run can say.

    Args:
        key: of a threshold or waiver.
        spec: the metric.
        check: the kind of the check.
        params: of the check, as the YAML spells them.
        raw: the policy.
    """
    if not isinstance(key, str):
        return ""
    if spec.per == "column":
        return _of_columns(key, raw)
    if spec.per == "class":
        model = raw.get("model")
        classes = model.get("classes") if isinstance(model, dict) else None
        known = [str(label) for label in classes] if isinstance(classes, list) else []
        return _problem(key, known, "class of model.classes") if known else ""
    try:
        typed = check.params.model_validate(params or {})
    except ValidationError:
        return ""  # its own mistakes are named where they stand
    if spec.per == "attack":
        return _of_attacks(key, typed)
    return _of_slices(key, typed) if spec.per == "slice" else ""


def _of_columns(key: str, raw: Mapping[str, Any]) -> str:
    columns = raw.get("columns")
    columns = columns if isinstance(columns, dict) else {}
    features = columns.get("features")
    if not isinstance(features, dict) or not features:
        return ""
    known = [*map(str, features), *(name for name in columns.values() if isinstance(name, str))]
    return "" if key in known else f"{key!r} is no column of this policy{closest(key, known)}"


def _of_attacks(key: str, params: Params) -> str:
    field = type(params).model_fields.get("attacks")
    if field is None:
        return ""
    listed = getattr(params, "attacks", None)
    known = list(listed) if listed else _literals(field.annotation)
    return _problem(key, [*known, ALL_ATTACKS], "attack that this check runs") if known else ""


def _literals(annotation: Any) -> list[str]:
    """The texts of a Literal, however deep it stands in an annotation."""
    if isinstance(annotation, str):
        return [annotation]
    return [text for inner in get_args(annotation) for text in _literals(inner)]


def _of_slices(key: str, params: Params) -> str:
    slices = getattr(params, "slices", None)
    if slices is None:
        return ""
    named, columns = slice_names(slices)
    if any(key.startswith(f"{column} ") for column in columns):
        return ""  # one slice per value of the column, which only a run knows
    if not slices:
        return f"{key!r} is no slice of this check: its params list no `slices`"
    return _problem(key, [*named, *(f"{column} VALUE" for column in columns)], "slice of this check")


def _problem(key: str, known: list[str], what: str) -> str:
    if key in known:
        return ""
    shown = ", ".join(known[:MOST_SHOWN]) + (f" and {len(known) - MOST_SHOWN} more" if len(known) > MOST_SHOWN else "")
    return f"{key!r} is no {what}; there are {shown}{similar(key, known)}"
