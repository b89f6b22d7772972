"""Tree ensembles as arrays, and exact answers about them: smallest changes, sound lower bounds, leaf enumeration."""

from __future__ import annotations

from model_governance.trees.moves import FeatureMoves

__all__ = ["FeatureMoves"]
