"""The `hopskipjump` attack (Chen, Jordan and Wainwright, 2020) on valid raw rows, all rows under attack in every call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.boundary_walk import HopSkipJumpSettings, boundary_walk

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.queries import Queries

FIRST_DIRECTIONS = 50


def attack(queries: Queries, starts: np.ndarray, params: EvasionParams, *, seed: int, share: int | None = None) -> None:
    """Attack every row that has a start (n, width); `queries` records the flips.

    Rows without a start (NaN) and rows that flip without a change are skipped. `share` bounds the queries per row.
    """
    import numpy as np

    starts = np.where((queries.nearest == 0)[:, None], np.float32(np.nan), starts)
    settings = HopSkipJumpSettings(
        # With norm cost the search uses l2; sizes are measured by cost when flips are recorded.
        norm="linf" if params.norm == "linf" else "l2",
        iterations=params.max_iterations,
        directions=min(FIRST_DIRECTIONS, params.max_evaluations),
        most_directions=params.max_evaluations,
        queries=share,
    )
    gaps = queries.origins.gaps
    boundary_walk(
        queries.flips, queries.origins.encoded, starts=starts, settings=settings, seed=seed,
        movable=~gaps if gaps.any() else None,
    )  # fmt: skip
    queries.shrink()
    queries.vary_categories()
