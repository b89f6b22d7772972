"""Applicants whose columns depend on one another: a ratio, an inequality, a one-of group, and cities that give their state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

RELATIONS = (
    {"derived": "dti = debt / income", "decimals": 4},
    {"inequality": "open <= accounts"},
    {"one_of": ["own", "rent", "other"]},
    {"determines": {"city": "state"}},
)


def linked_rows(draw: np.random.Generator, count: int, states: Mapping) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows, and the kind of home of each; `states` gives the state of each city."""
    frame = pd.DataFrame({"debt": draw.gamma(2, 20, count).clip(0, 200), "income": draw.uniform(20, 150, count)})
    frame["dti"] = (frame["debt"] / frame["income"]).round(4)
    frame["accounts"] = draw.integers(1, 12, count)
    frame["open"] = draw.binomial(frame["accounts"], 0.5)
    home = draw.choice(["own", "rent", "other"], count)
    frame = frame.assign(**{name: (home == name).astype(int) for name in ("own", "rent", "other")})
    frame["city"] = draw.choice(list(states), count)
    frame["state"] = frame["city"].map(states)
    return frame, home
