"""What a store says about the objects that it keeps: their versions and what protects them from deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from model_governance.contract.protection import LockMode


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """One version of a key; `id` and `stored_at` are None where the store keeps a single one."""

    id: str | None = None
    stored_at: datetime | None = None
    is_delete_marker: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LockState:
    """What protects a key's content: the mode of its lock and the moment (UTC) when it ends, and a legal hold."""

    mode: LockMode | None = None
    until: datetime | None = None
    hold: bool = False
