"""Ten faults of a run, planted into its rows or its model; a drafted policy must fail each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from policy_init_sets import DataSet

    Fault = Callable[[pd.DataFrame, DataSet, np.random.Generator], pd.DataFrame]


def faults() -> dict[str, Fault]:
    """Each fault by the words of the table."""
    return {
        "a column is missing": column_missing,
        "30% of a column is empty": values_missing,
        "another unit (x 1,000)": other_unit,
        "a column is stuck at its median": stuck,
        "two columns exchanged": exchanged,
        "a new value in 20% of the rows": new_value,
        "an upload counted twice": duplicated,
        "half of the rows filtered out": filtered,
        "labels joined to the wrong rows": other_labels,
        "another model file": lambda rows, _data, _generator: rows,
    }


def _numbers(rows: pd.DataFrame, data: DataSet) -> list[str]:
    """Features that are numbers, those of most different values first."""
    known = [name for name in data.features if rows[name].dtype.kind in "iuf"]
    return sorted(known, key=lambda name: -rows[name].nunique())


def _words(rows: pd.DataFrame, data: DataSet) -> list[str]:
    return [name for name in data.features if rows[name].dtype.kind not in "iuf"]


def column_missing(rows: pd.DataFrame, data: DataSet, generator: np.random.Generator) -> pd.DataFrame:
    return rows.drop(columns=str(generator.choice(data.features)))


def values_missing(rows: pd.DataFrame, data: DataSet, generator: np.random.Generator) -> pd.DataFrame:
    name = str(generator.choice(data.features))
    empty = generator.uniform(size=len(rows)) < 0.3
    return rows.assign(**{name: rows[name].mask(empty)})


def other_unit(rows: pd.DataFrame, data: DataSet, _generator: np.random.Generator) -> pd.DataFrame:
    name = _numbers(rows, data)[0]
    return rows.assign(**{name: rows[name] * 1000})


def stuck(rows: pd.DataFrame, data: DataSet, _generator: np.random.Generator) -> pd.DataFrame:
    name = _numbers(rows, data)[0]
    return rows.assign(**{name: rows[name].dropna().sort_values().iloc[len(rows[name].dropna()) // 2]})


def exchanged(rows: pd.DataFrame, data: DataSet, _generator: np.random.Generator) -> pd.DataFrame:
    """The two of the five finest columns whose medians lie farthest apart, as for columns written in another order."""
    names = sorted(_numbers(rows, data)[:5], key=lambda name: rows[name].median())
    return rows.assign(**{names[0]: rows[names[-1]], names[-1]: rows[names[0]]})


def new_value(rows: pd.DataFrame, data: DataSet, generator: np.random.Generator) -> pd.DataFrame:
    """A word nobody has seen, or -999 in a number."""
    chosen = generator.uniform(size=len(rows)) < 0.2
    words = _words(rows, data)
    name = words[0] if words else _numbers(rows, data)[0]
    return rows.assign(**{name: rows[name].mask(chosen, "unseen" if words else -999)})


def duplicated(rows: pd.DataFrame, data: DataSet, generator: np.random.Generator) -> pd.DataFrame:
    """40% of the rows, or of the groups, arrive a second time."""
    if data.group:
        again = rows[
            rows[data.group].isin(
                generator.permutation(rows[data.group].unique())[: rows[data.group].nunique() * 2 // 5]
            )
        ]
    else:
        again = rows.iloc[generator.permutation(len(rows))[: len(rows) * 2 // 5]]
    return pd.concat([rows, again], ignore_index=True)


def filtered(rows: pd.DataFrame, data: DataSet, _generator: np.random.Generator) -> pd.DataFrame:
    """Only the rows above the median of the finest column are left."""
    name = _numbers(rows, data)[0]
    return rows[rows[name] > rows[name].median()].reset_index(drop=True)


def other_labels(rows: pd.DataFrame, data: DataSet, generator: np.random.Generator) -> pd.DataFrame:
    """Labels joined to the wrong rows; those of a ranking within their group."""
    if data.group:
        mixed = rows.groupby(data.group)[data.target].transform(lambda labels: generator.permutation(labels.to_numpy()))
        return rows.assign(**{data.target: mixed})
    return rows.assign(**{data.target: generator.permutation(rows[data.target].to_numpy())})
