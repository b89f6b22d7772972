"""Plain names: what a metric and its key are called for readers; the names of policies stand small beside them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from model_governance.contract.result import spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model_governance.contract.result import CheckResult, Metric, MetricSpec

_ASSIGNED = re.compile(r"(?P<column>[^=]+)=(?P<value>.+)")


class Label(BaseModel):
    """What readers call a column and its values, by the value as a key of a metric has it (`1` of `SEX=1`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="", max_length=100, description="of the column")
    values: dict[str, str] = Field(default_factory=dict, description="words for its values, `{1: men, 2: women}`")

    @field_validator("values", mode="before")
    @classmethod
    def _values_of_any_type(cls, raw: Any) -> Any:
        return {str(value): word for value, word in raw.items()} if isinstance(raw, dict) else raw


def key_words(key: str, per: str | None, labels: Mapping[str, Label]) -> str:
    """The key of a repeated metric in words.

    Args:
        key: as a threshold names it.
        per: what the metric is repeated over, as its declaration says.
        labels: of the policy, by column.

    >>> labels = {"SEX": Label(name="sex", values={"2": "women"}), "AGEP": Label(name="age")}
    >>> [key_words(*each, labels) for each in (("SEX=2", "column=group"), ("SEX=1", "column=group"), ("AGEP", "column"))]
    ['women', 'sex 1', 'age']
    >>> [key_words(key, "slice", labels) for key in ("SEX 2", "SEX missing", "CIT 1", "pilot")]
    ['women', 'sex missing', 'CIT 1', 'pilot']
    >>> key_words("rmia@0.01", "attack@false-positive rate", {}), key_words("search@SEX", "attack@attribute", labels)
    ('rmia at false-positive rate 0.01', 'search of attribute sex')
    """
    if per is not None and "@" in per and "@" in key:
        what, of = key.split("@", 1)[0], per.split("@", 1)[1]
        value = key.split("@", 1)[1]
        joint = "at" if _is_number(value) else "of"
        return f"{what} {joint} {of} {_words(value, labels)}"
    return _slice_words(key, labels) if per == "slice" else _words(key, labels)


def named(result: CheckResult, specs: Iterable[MetricSpec], labels: Mapping[str, Label]) -> CheckResult:
    """The result, each metric with its plain name and the words of its key; without those that only repeat the name."""
    known = tuple(specs)
    return replace(result, metrics=tuple(_named(metric, known, labels) for metric in result.metrics))


def _named(metric: Metric, specs: tuple[MetricSpec, ...], labels: Mapping[str, Label]) -> Metric:
    try:
        spec = spec_of(specs, metric.name)
    except KeyError:  # a check of a DAG file may return what it has not declared
        return metric
    words = "" if metric.key is None else key_words(metric.key, spec.per, labels)
    return replace(metric, title=spec.plain_name, key_title="" if words == metric.key else words)


def _words(key: str, labels: Mapping[str, Label]) -> str:
    if key in labels:
        return labels[key].name or key
    found = _ASSIGNED.fullmatch(key)
    if found is None or found["column"] not in labels:
        return key
    label = labels[found["column"]]
    return label.values.get(found["value"]) or f"{label.name or found['column']} {found['value']}"


def _slice_words(key: str, labels: Mapping[str, Label]) -> str:
    """`SEX 2` and `AGEP missing`, as slices of a column's values are called; a slice with a name of its own keeps it."""
    column = next((column for column in labels if key.startswith(f"{column} ")), None)
    return key if column is None else _words(f"{column}={key.removeprefix(column).strip()}", labels)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
