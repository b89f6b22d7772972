"""The estimated performance of one task (classification or regression)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_governance.contract.result import Artifact, Estimate, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Everything that one task estimated."""

    estimates: tuple[Estimate, ...]
    tables: tuple[Table, ...]
    figures: tuple[Artifact, ...]
    notes: tuple[str, ...]
