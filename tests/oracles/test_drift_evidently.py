"""Evidently's definitions, computed from counts over all rows, against the installed Evidently on the rows themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model_governance.checks.data.data_drift.column_drift import row_statistics
from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.cells import Table
from model_governance.engine.equal_width import equal_width_jensen_shannon, equal_width_psi, sturges_edges


def both(seed, rows=(3000, 2000)):
    frames = []
    for k, count in enumerate(rows):
        draw = np.random.default_rng([seed, k])
        frames.append(
            pd.DataFrame(
                {
                    "normal": draw.normal(0.1 * k, 1, count),
                    "skewed": draw.lognormal(0, 1.2 + 0.1 * k, count),
                    "wild": np.where(np.arange(count) == 7, 1e6 * (k + 1), draw.standard_t(3, count)),
                    "whole": draw.integers(18, 40 + k, count),
                    "few": draw.integers(0, 7 + k, count).astype(float),
                    "holes": np.where(np.arange(count) % 9 == 0, np.nan, draw.exponential(1 + 0.2 * k, count)),
                    "constant": 3.0,
                    "zipf": (draw.zipf(1.6, count) % 200).astype(str),
                    "two": draw.choice(["a", "b"], count, p=[0.5 + 0.05 * k, 0.5 - 0.05 * k]),
                }
            )
        )
    return frames


@pytest.mark.parametrize("seed", range(3))
def test_equal_width_psi_is_evidentlys(seed):
    from evidently.legacy.calculations.stattests.psi import _psi
    from evidently.legacy.core import ColumnType

    frames = both(seed)
    relations = [
        open_relation(Dataset(role=role, uri=role, sha256="0", frame=one))
        for role, one in zip(("reference", "current"), frames, strict=True)
    ]
    families = {name: "categories" if name in ("zipf", "two") else "numbers" for name in frames[0]}
    statistics = row_statistics(*relations, families)
    for name, family in families.items():
        kind = ColumnType.Numerical if family == "numbers" else ColumnType.Categorical
        expected, _ = _psi(frames[0][name].dropna(), frames[1][name].dropna(), kind, 0.1)
        assert equal_width_psi(statistics[name].equal_width) == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize("column", ["normal", "skewed", "wild", "whole"])
def test_equal_width_jensen_shannon_is_evidentlys(column):
    from evidently.legacy.calculations.stattests.jensenshannon import _jensenshannon
    from evidently.legacy.core import ColumnType

    frames = both(5)
    relations = [open_relation(Dataset(role="reference", uri="r", sha256="0", frame=one)) for one in frames]
    first, second = (one.summaries([column])[column] for one in relations)
    edges = sturges_edges(first, second, whole=column == "whole")
    counts = [one.counts({column: edges})[column] for one in relations]
    table = Table(reference=counts[0], current=counts[1])
    expected, _ = _jensenshannon(frames[0][column], frames[1][column], ColumnType.Numerical, 0.1)
    assert equal_width_jensen_shannon(table) == pytest.approx(expected, abs=1e-9)
    assert equal_width_psi(table) > 0
