"""What can happen to a night's data: each case through validation, drift and quality, to the right word."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import project
import synthetic

ROWS = 4000
CHECKS = {
    "validation": {
        "kind": "data_validation",
        "params": {
            "expectations": [
                {"type": "expect_column_values_to_be_between", "kwargs": {"column": "income", "min_value": 0, "max_value": 200}},
                {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "region", "value_set": ["north", "south", "east"]}},
                {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "row"}},
                {"type": "expect_column_max_to_be_between", "kwargs": {"column": "opened", "max_value": "2026-03-02T00:00:00"}},
            ]
        },
        "thresholds": [{"metric": "critical_failures", "equal_to": 0}],
    },
    "drift": {
        "kind": "data_drift",
        "thresholds": [
            {"metric": "psi", "less_than": 0.05},
            {"metric": "nonfinite_share", "equal_to": 0},
            {"metric": "new_category_share", "less_than": 0.001},
            {"metric": "prediction_drift", "less_than": 0.1},
        ],
    },
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.7}]},
}  # fmt: skip


def rows(seed: int) -> pd.DataFrame:
    frame = synthetic.rows(ROWS, seed=seed)
    frame["opened"] = pd.date_range("2026-03-01", periods=ROWS, freq="10s")
    return frame


@pytest.fixture(scope="module")
def governed(tmp_path_factory):
    small = project.small_project(tmp_path_factory.mktemp("nights"), checks=CHECKS)
    rows(2).to_parquet(small.folder / "reference.parquet", index=False)
    return small


def corrupt(frame):
    """One row in a hundred arrives with an income that cannot be."""
    frame.loc[frame.index % 100 == 0, "income"] = -999.0
    return frame


def infinite(frame):
    frame.loc[frame.index % 50 == 0, "debt"] = np.inf
    return frame


def new_category(frame):
    frame.loc[frame.index % 50 == 0, "region"] = "west"
    return frame


def many_categories(frame):
    frame["region"] = [
        f"r{number % 10_000}" for number in np.random.default_rng(1).permutation(len(frame) * 5)[: len(frame)]
    ]
    return frame


def three_hundred_columns(frame):
    extra = {f"unused_{number}": np.random.default_rng(number).normal(size=len(frame)) for number in range(292)}
    return pd.concat([frame, pd.DataFrame(extra, index=frame.index)], axis=1)


def twice(frame):
    return pd.concat([frame, frame.iloc[:40]]).sample(frac=1, random_state=1)


def moved_clock(frame):
    """Naive timestamps become aware ones, eleven hours ahead."""
    frame["opened"] = (frame["opened"] + pd.Timedelta(hours=24)).dt.tz_localize("Pacific/Auckland")
    return frame


NIGHTS = {
    "as it should be": (lambda frame: frame, ("pass", "pass", "pass"), ""),
    "in another order": (lambda frame: frame.sample(frac=1, random_state=1), ("pass", "pass", "pass"), ""),
    "1% corrupt rows": (corrupt, ("fail", "pass", "pass"), "values_between(income): 40 of 4,000 rows"),
    "no rows": (lambda frame: frame.head(0), ("error", "error", "error"), "no rows"),
    "half the columns": (lambda frame: frame[["row", "income", "debt", "label"]], ("error", "error", "error"), "age, region, channel"),
    "a new category": (new_category, ("fail", "fail", "pass"), "new_category_share[region] is 2"),
    "a column without values": (lambda frame: frame.assign(income=np.nan), ("error", "error", "error"), "income"),
    "infinite values": (infinite, ("pass", "error", "error"), "nonfinite_share[debt] is 2"),
    "10,000 categories": (many_categories, ("fail", "fail", "pass"), "psi"),
    "a constant column": (lambda frame: frame.assign(income=60.0), ("pass", "fail", "pass"), "income"),
    "keys that occur twice": (twice, ("fail", "pass", "pass"), "values_unique(row): 80 of 4,040 rows"),
    "another time zone": (moved_clock, ("error", "pass", "pass"), "have a time zone and a bound has none"),
    "300 columns": (three_hundred_columns, ("pass", "pass", "pass"), ""),
}  # fmt: skip


@pytest.mark.parametrize("night", NIGHTS)
def test_a_night_ends_with_the_right_word_and_says_why(governed, night):
    change, expected, told = NIGHTS[night]
    governed.write_current(change(rows(3)))
    done = [governed.check(name) for name in CHECKS]
    sentences = "\n".join(one.verdict.sentence for one in done)
    assert tuple(one.verdict.outcome for one in done) == expected, sentences
    assert told in sentences
    assert "Traceback" not in sentences
    assert "unexpected " not in sentences.replace("unexpected rows", ""), "an error of ours, not of the data"
