"""Audits two forests on the same rows, attack by attack: one grown without limit, one regularised.

python include/demo/audit.py     prints the findings of both and the addresses of their pages
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from train import BUILD, CATEGORIES, NUMBERS, SOURCE, TARGET, write

HERE = Path(__file__).resolve().parent
FOLDER = BUILD / "audit"
MOMENT = datetime(2016, 12, 31, tzinfo=UTC)
FORESTS = {
    "forest-overgrown": {},
    "forest-regularised": {"max_depth": 8, "min_samples_leaf": 20},
}
ROWS = {"train": 4_000, "previous_train": 4_000, "reference": 12_000}


def main() -> int:
    from model_governance.report.terminal import console, reasons, run_table

    prepare()
    outcomes = {}
    for name in FORESTS:
        manifest, page, outcomes[name] = audit(name)
        print(f"\n{name}: {outcomes[name].upper()}\n")
        console().print(run_table(manifest))
        for sentence in reasons(manifest):
            print(f" • {sentence}")
        print(f"the page of the audit: {page}")
    return 3 if "error" in outcomes.values() else 0


def audit(name: str):
    """Manifest, page and outcome of one forest."""
    from model_governance.checks import catalogue
    from model_governance.contract.connections import PlainConnections
    from model_governance.contract.run import Run
    from model_governance.evidence.manifest import read_manifest
    from model_governance.policy import load_policy
    from model_governance.run import run_policy
    from model_governance.store import open_store

    policy = load_policy(FOLDER / f"{name}.yaml", catalogue())
    connections = PlainConnections()
    store = open_store(str(policy.artifacts.uri), folder=policy.folder, connections=connections)
    archived = run_policy(policy, run=Run(run_id="audit", logical_date=MOMENT), store=store, connections=connections)
    return read_manifest(store, archived.manifest.key), archived.report.uri, archived.verdict.outcome


def prepare() -> None:
    """Cut the 2015 and 2016 surveys, train both forests, write a policy for each."""
    import numpy as np
    import pandas as pd

    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = pd.read_parquet(SOURCE)
    survey = rows[rows["year"] == 2015].drop(columns="year")
    order, start = np.random.default_rng(2015).permutation(len(survey)), 0
    for role, count in ROWS.items():
        survey.iloc[order[start : start + count]].to_parquet(FOLDER / f"{role}.parquet", index=False)
        start += count
    rows[rows["year"] == 2016].drop(columns="year").to_parquet(FOLDER / "current.parquet", index=False)
    template = (HERE / "audit.yaml").read_text()
    for name, settings in FORESTS.items():
        digest = write(fit(pd.read_parquet(FOLDER / "train.parquet"), settings), FOLDER / f"{name}.skops")
        text = template.replace("{name}", name).replace("{sha256}", digest)
        (FOLDER / f"{name}.yaml").write_text(text)


def fit(rows, settings: dict):
    """A random forest on numbers and numbered categories."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    unknown = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepare = ColumnTransformer([("numbers", "passthrough", NUMBERS), ("categories", unknown, CATEGORIES)])
    forest = RandomForestClassifier(100, random_state=0, n_jobs=1, **settings)
    return Pipeline([("prepare", prepare), ("classify", forest)]).fit(rows[NUMBERS + CATEGORIES], rows[TARGET])


if __name__ == "__main__":
    sys.exit(main())
