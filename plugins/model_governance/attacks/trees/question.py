"""What a search over cells is asked: what a change costs, and which relations the changed row keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Objective = Literal["linf", "l1", "l2", "cost", "count"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearRelation:
    """What holds in every allowed row: `low` <= the sum of the features' values, each times its weight, <= `high`."""

    weights: Mapping[str, float]
    low: float
    high: float
