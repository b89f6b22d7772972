"""What the declaration of a check says of a metric that the index knows by name alone: its unit and its plain name."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from model_governance.checks import catalogue
from model_governance.contract.plain_names import key_words
from model_governance.contract.result import label_of

if TYPE_CHECKING:
    from model_governance.contract.result import MetricSpec


def unit_of(kind: str | None, metric: str | None) -> str:
    """The unit of a metric; empty where nobody declares it."""
    spec = _spec_of(kind, metric)
    return "" if spec is None else spec.unit


def plain_name_of(kind: str | None, metric: str, key: str | None) -> str:
    """What readers call a metric, with its key; the label of policies where nobody declares it."""
    spec = _spec_of(kind, metric)
    if spec is None:
        return label_of(metric, key)
    return spec.plain_name if key is None else f"{spec.plain_name}, {key_words(key, spec.per, {})}"


@lru_cache(maxsize=4096)
def _spec_of(kind: str | None, metric: str | None) -> MetricSpec | None:
    check = catalogue().get(kind or "")
    return next((spec for spec in check.metrics if spec.name == metric), None) if check else None
