"""Bad input: each gives a sentence a person can act on, the right exit code, and nothing half written."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import project
import synthetic
from model_governance.cli import main

POLICY, NO_MEASURE = 2, 3


@pytest.fixture
def small(tmp_path):
    return project.small_project(tmp_path)


def missing_column(small):
    small.write_current(synthetic.rows(seed=3).drop(columns="income"))


def empty_file(small):
    (small.folder / "current.parquet").write_bytes(b"")


def no_rows(small):
    small.write_current(synthetic.rows(seed=3).head(0))


def all_null_column(small):
    small.write_current(synthetic.rows(seed=3).assign(income=np.nan))


def wrong_digest(small):
    small.change(model=small.raw["model"] | {"sha256": "f" * 64})


def pickle_without_opt_in(small):
    small.change(model=small.raw["model"] | {"format": "pickle"})


class Payload:
    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self):
        return open, (self.canary, "w")


def malicious_pickle(small):
    small.write_model(
        pickle.dumps(Payload(str(small.folder / "canary"))), "model.pkl", format="pickle", allow_pickle=True
    )


def unknown_metric(small):
    checks = small.raw["checks"]
    small.change(
        checks=checks | {"quality": {"kind": "model_quality", "thresholds": [{"metric": "acuracy", "geq_to": 0}]}}
    )


def unreadable_uri(small):
    small.change(datasets=small.raw["datasets"] | {"current": {"uri": "gopher://somewhere/current.parquet"}})


def no_such_file(small):
    small.change(datasets=small.raw["datasets"] | {"current": {"uri": "elsewhere.parquet"}})


def words_for_numbers(small):
    """The policy declares a column of numbers; the night brings words."""
    small.write_current(synthetic.rows(seed=3).assign(income="a lot"))


def model_that_raises(small):
    """The model takes no infinite number, and the night brings them."""
    small.write_current(synthetic.rows(seed=3).assign(income=float("inf")))


def nan_predictions(small):
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    train = synthetic.rows(seed=1)
    columns = list(synthetic.COLUMNS.of_kind("numeric", "integer"))
    model = make_pipeline(FunctionTransformer(), LogisticRegression()).fit(train[columns], train["label"])
    model[-1].coef_[:] = np.nan
    features = {name: one for name, one in small.raw["columns"]["features"].items() if name in columns}
    small.change(columns=small.raw["columns"] | {"features": features})
    small.write_model(skops.io.dumps(model))


CASES = {
    missing_column: (NO_MEASURE, ["income", "lacks column"]),
    empty_file: (NO_MEASURE, ["current.parquet", "empty"]),
    no_rows: (NO_MEASURE, ["current.parquet", "no rows"]),
    all_null_column: (NO_MEASURE, ["income", "no value"]),
    wrong_digest: (NO_MEASURE, ["f" * 64, "expected sha256"]),
    pickle_without_opt_in: (POLICY, ["policy.yaml:", "allow_pickle"]),
    malicious_pickle: (NO_MEASURE, ["open"]),
    unknown_metric: (POLICY, ["policy.yaml:", "did you mean 'accuracy'?"]),
    unreadable_uri: (NO_MEASURE, ["gopher"]),
    no_such_file: (NO_MEASURE, ["elsewhere.parquet"]),
    words_for_numbers: (NO_MEASURE, ["column 'income' is declared numeric and holds text"]),
    model_that_raises: (NO_MEASURE, ["raised in predict", "column 'income' in"]),
    nan_predictions: (NO_MEASURE, ["NaN"]),
}


@pytest.mark.parametrize(("spoil", "expected"), CASES.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_bad_input_is_explained_and_never_a_pass(spoil, expected, small, capsys):
    spoil(small)
    code = main(["run", str(small.policy_file), "--date", "2026-03-01"])
    out, err = capsys.readouterr()
    exit_code, parts = expected
    assert code == exit_code, out + err
    for part in parts:
        assert part in out + err
    assert "Traceback" not in out + err
    assert not (small.folder / "canary").exists(), "the payload ran"
    nothing_is_half_written(small)


def nothing_is_half_written(small):
    """Every stored record is complete and says error; a policy that was refused stored nothing."""
    archive = small.folder / "archive"
    files = [path for path in archive.rglob("*") if path.is_file()]
    assert not [path for path in files if path.name.startswith(".") or path.suffix == ".tmp"]
    for path in files:
        if path.suffix == ".json":
            json.loads(path.read_bytes())
    manifests = [
        json.loads(path.read_bytes())
        for path in files
        if path.name == "run_manifest.json" and "runs" in path.parts and "hints" not in path.parts
    ]
    assert all(one["verdict"]["outcome"] == "error" for one in manifests)
    assert len(manifests) == (1 if files else 0)
