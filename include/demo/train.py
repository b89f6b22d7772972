"""Trains the demo's model on the 2015 survey and writes it as a skops file with its digest.

    python include/demo/train.py [FOLDER]

Seconds on one core. The split and the fit are seeded and the coefficients rounded, so that the same
library versions give the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import sys
import zipfile
from io import BytesIO
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "acs_employment_ma.parquet"
BUILD = HERE / "build"
NUMBERS = ["AGEP", "SCHL"]
CATEGORIES = [
    "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX", "RAC1P",
]  # fmt: skip
TARGET = "employed"
TRAINING_ROWS = 40_000


def split(source: Path = SOURCE):
    """The 2015 rows as (train, reference): 40,000 to learn from, the rest held out."""
    import numpy as np
    import pandas as pd

    rows = pd.read_parquet(source)
    rows = rows[rows["year"] == 2015].drop(columns="year")
    order = np.random.default_rng(2015).permutation(len(rows))
    return rows.iloc[order[:TRAINING_ROWS]], rows.iloc[order[TRAINING_ROWS:]]


def fit(rows):
    """A logistic regression over cubic polynomials of the numbers and one-hot categories."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

    curves = Pipeline([("scale", StandardScaler()), ("curve", PolynomialFeatures(degree=3, include_bias=False))])
    prepare = ColumnTransformer(
        [("numbers", curves, NUMBERS), ("categories", OneHotEncoder(handle_unknown="ignore"), CATEGORIES)],
        sparse_threshold=0,
    )
    model = Pipeline([("prepare", prepare), ("classify", LogisticRegression(solver="newton-cholesky"))])
    model.fit(rows[NUMBERS + CATEGORIES], rows[TARGET])
    # The last digits of an optimum depend on the processor; four decimals do not change an answer.
    classify = model.named_steps["classify"]
    classify.coef_ = classify.coef_.round(4)
    classify.intercept_ = classify.intercept_.round(4)
    return model


def write(model, path: Path) -> str:
    """Write the skops file and return its sha256.

    skops names objects by their memory address and stamps files with the time; both are numbered in
    order of appearance here, and nothing is compressed, so that the same model is the same bytes.
    """
    import skops.io

    content = BytesIO()
    with zipfile.ZipFile(BytesIO(skops.io.dumps(model))) as packed, zipfile.ZipFile(content, "w") as stable:
        schema = packed.read("schema.json").decode()
        names = {name: f"{number}.npy" for number, name in enumerate(re.findall(r'"file": "([^"]+)"', schema))}
        addresses = dict.fromkeys(re.findall(r'"__id__": (\d+)', schema))
        numbers = {address: str(number) for number, address in enumerate(addresses)}
        schema = re.sub(r'(?<="__id__": )\d+', lambda found: numbers[found[0]], schema)
        schema = re.sub(r'(?<="file": ")[^"]+', lambda found: names[found[0]], schema)
        parts = {"schema.json": schema.encode()} | {new: packed.read(old) for old, new in names.items()}
        for name, part in parts.items():
            stable.writestr(zipfile.ZipInfo(name), part)
    path.write_bytes(content.getvalue())
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    path.with_suffix(".skops.sha256").write_text(f"{digest}  {path.name}\n")
    return digest


def train(folder: Path = BUILD) -> dict[str, str]:
    """Train, write model, train.parquet and reference.parquet into the folder; return path and digest."""
    folder.mkdir(parents=True, exist_ok=True)
    members, held_out = split()
    members.to_parquet(folder / "train.parquet", index=False)
    held_out.to_parquet(folder / "reference.parquet", index=False)
    path = folder / "acs_employment.skops"
    return {"path": str(path), "sha256": write(fit(members), path)}


if __name__ == "__main__":
    made = train(Path(sys.argv[1]) if len(sys.argv) > 1 else BUILD)
    print(f"{made['path']}  sha256 {made['sha256']}")
