"""Approved answers: what changes a model's answers without changing its file or digest is caught, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
import skops.io
import xgboost
import yaml
from lightgbm import Dataset
from lightgbm import train as train_lightgbm
from onnx import TensorProto, helper
from sklearn.linear_model import LogisticRegression

import inference_server
import model_files
import tree_mutants
from model_governance.cli import main
from model_governance.contract.connections import PlainConnections
from model_governance.errors import DigestMismatch, SubjectError
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model

WORDS = tree_mutants.rows(words=True)
FRAME = tree_mutants.rows()
FRAME.loc[::9, "b"] = -999.0
LABELS = (FRAME["a"] > 0).astype(int).to_numpy()


def xgboost_file() -> bytes:
    rows = xgboost.DMatrix(FRAME, LABELS ^ (FRAME["b"] == -999).to_numpy(), missing=-999)
    settings = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.5}
    return bytes(xgboost.train(settings, rows, 8).save_raw("ubj"))


def onnx_file() -> bytes:
    """A linear score of one input of three columns, without names of columns."""
    weights = np.array([[1.0], [-2.0], [0.5]], dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["rows", "weights"], ["score"])], "linear",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("weights", TensorProto.FLOAT, [3, 1], weights.ravel())],
    )  # fmt: skip
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


class Approved:
    """A model file with a policy, approved by the command; `load` loads it as a run does, with some keys changed."""

    def __init__(self, folder, content: bytes, frame=FRAME, *, kinds=None, columns=(), **model):
        self.folder = folder
        frame.to_parquet(folder / "reference.parquet", index=False)
        names = list(frame.columns)
        spec = model_files.spec(folder, content, **model)
        keys = spec.model_dump(mode="json", exclude_defaults=True)
        kinds = kinds or {}
        self.raw = {
            "version": 1, "owner": "a@example.com", "model": keys,
            "datasets": {"reference": {"uri": "reference.parquet"}},
            "columns": {"features": {name: {"kind": kinds.get(name, "numeric")} for name in names}, **dict(columns)},
            "checks": {"artifact_scan": {"thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]}},
        }  # fmt: skip
        self.policy = folder / "policy.yaml"
        self.policy.write_text(yaml.safe_dump(self.raw, sort_keys=False))

    def approve(self, capsys, *more: str) -> None:
        code = main(["model", "approve", str(self.policy), "--rows", str(self.folder / "reference.parquet"), *more])
        shown = capsys.readouterr()
        assert code == 0, shown.err
        found = re.search(r"approval: (\{.*\})", shown.out)
        assert found is not None
        self.raw["model"]["approval"] = yaml.safe_load(found[1])

    @property
    def approval(self) -> dict:
        return json.loads((self.folder / self.raw["model"]["approval"]["uri"]).read_bytes())

    def load(self, *, features=None, **changed):
        from model_governance.contract.subject import Columns

        columns = {**self.raw["columns"], **({"features": features} if features else {})}
        spec = ModelSpec.model_validate({**self.raw["model"], **changed})
        return load_model(spec, Columns.model_validate(columns), folder=self.folder, connections=PlainConnections())


def test_the_missing_number_is_caught(tmp_path, capsys):
    """Must-show 4 and M8: a policy that loses missing: -999."""
    approved = Approved(tmp_path, xgboost_file(), format="xgboost", missing=-999)
    approved.approve(capsys)
    approved.load()
    with pytest.raises(SubjectError, match="approved rows another answer"):
        approved.load(missing=None)


def test_the_order_of_classes_is_caught(tmp_path, capsys):
    """Must-show 4: labels given to other class numbers."""
    approved = Approved(tmp_path, xgboost_file(), format="xgboost", missing=-999, classes=["no", "yes"])
    approved.approve(capsys)
    assert approved.load().classes == ("no", "yes")
    with pytest.raises(SubjectError, match="classes 'no', 'yes', and has 'yes', 'no' today"):
        approved.load(classes=["yes", "no"])


def test_features_in_another_order_are_caught(tmp_path, capsys):
    """Must-show 4: a file without names of columns takes them by place."""
    approved = Approved(tmp_path, onnx_file(), format="onnx", task="regression")
    approved.approve(capsys)
    approved.load()
    with pytest.raises(SubjectError, match="gives 160 of 160 approved rows another answer"):
        approved.load(features={name: {"kind": "numeric"} for name in "bac"})


def test_another_version_of_the_library_is_caught(tmp_path, capsys, monkeypatch):
    """Must-show 4 and M1: the same bytes under a library that computes something else."""
    model = LogisticRegression().fit(FRAME, LABELS)
    approved = Approved(tmp_path, skops.io.dumps(model), format="skops")
    approved.approve(capsys)
    approved.load()
    original = LogisticRegression.predict_proba
    monkeypatch.setattr(LogisticRegression, "predict_proba", lambda self, rows: original(self, rows * 1.001))
    with pytest.raises(SubjectError, match="approved rows another answer"):
        approved.load()


def test_what_the_scores_are_is_caught(tmp_path, capsys):
    """Must-show 4: logits read as probabilities would be refused, probabilities read as logits would not."""
    model = LogisticRegression().fit(FRAME, LABELS)
    with inference_server.serving(inference_server.Served(model, FRAME, outputs=("predict_proba",))) as address:
        approved = endpoint(tmp_path, address, model)
        approved.approve(capsys)
        approved.load()
        with pytest.raises(SubjectError, match="approved rows another answer"):
            approved.load(output="logits")


def endpoint(folder, address: str, model) -> Approved:
    served = inference_server.Served(model, FRAME, outputs=("predict_proba",))
    approved = Approved(folder, b"unused", format="skops")
    approved.raw["model"] = {
        "name": "case", "uri": address, "task": "binary_classification", "format": "http", "classes": [0, 1],
        "sha256": inference_server.metadata_digest(served.metadata), "endpoint": {"retries": 0},
    }  # fmt: skip
    approved.policy.write_text(yaml.safe_dump(approved.raw, sort_keys=False))
    return approved


def test_an_endpoint_that_was_replaced_is_caught(tmp_path, capsys):
    """Must-show 4: another model under the same name, version and metadata."""
    model = LogisticRegression().fit(FRAME, LABELS)
    served = inference_server.Served(model, FRAME, outputs=("predict_proba",))
    with inference_server.serving(served) as address:
        approved = endpoint(tmp_path, address, model)
        approved.approve(capsys)
        approved.load()
        served.model = LogisticRegression(C=0.1).fit(FRAME, LABELS)
        with pytest.raises(SubjectError, match="approved rows another answer"):
            approved.load()


def test_other_codes_of_categories_are_caught(tmp_path, capsys, monkeypatch):
    """Must-show 4: words that reach the model under other codes."""
    few = {"min_data_per_group": 2, "cat_smooth": 0.1, "cat_l2": 0.1, "max_cat_to_onehot": 1}
    settings = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 5, **few}
    labels = np.isin(WORDS["c"].astype(str), ["u"]).astype(int)
    content = train_lightgbm(settings, Dataset(WORDS, labels), 8).model_to_string().encode()
    rows = WORDS.astype({"c": str})
    approved = Approved(tmp_path, content, rows, kinds={"c": "category"}, format="lightgbm")
    approved.approve(capsys)
    approved.load()
    from model_governance.subjects.loaders import lightgbm_booster

    original = lightgbm_booster._categories

    def other_codes(booster, *given, **keys):
        booster.pandas_categorical = [words[::-1] for words in booster.pandas_categorical]
        return original(booster, *given, **keys)

    monkeypatch.setattr(lightgbm_booster, "_categories", other_codes)
    with pytest.raises(SubjectError, match="approved rows another answer"):
        approved.load()


LOADS = 100
LOAD_OFTEN = """
import sys, json, pathlib
from threadpoolctl import threadpool_info
from model_governance.policy import ModelSpec
from model_governance.contract.subject import Columns
from model_governance.contract.connections import PlainConnections
from model_governance.subjects import load_model
raw = json.loads(sys.argv[1])
spec, columns = ModelSpec.model_validate(raw["model"]), Columns.model_validate(raw["columns"])
for _ in range(int(sys.argv[3])):
    load_model(spec, columns, folder=pathlib.Path(sys.argv[2]), connections=PlainConnections())
print({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"})
"""


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_an_unchanged_model_is_never_refused(tmp_path, capsys, threads):
    """Must-show 4: a hundred loads under each number of threads give the approved answers."""
    approved = Approved(tmp_path, xgboost_file(), format="xgboost", missing=-999)
    approved.approve(capsys)
    done = subprocess.run(
        [sys.executable, "-c", LOAD_OFTEN, json.dumps(approved.raw), str(tmp_path), str(LOADS)], capture_output=True,
        text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.strip() == f"{{{threads}}}"


def test_the_approval_holds_answers_and_no_rows(tmp_path, capsys):
    """Positions, answers, classes, features and versions; no value of a row, and the seed decides the sample."""
    approved = Approved(tmp_path, xgboost_file(), format="xgboost", missing=-999, classes=["no", "yes"])
    approved.approve(capsys)
    first = approved.approval
    assert first["classes"] == ["no", "yes"]
    assert first["features"] == {"a": "numeric", "b": "numeric", "c": "numeric"}
    assert first["model"]["written_by"] == f"XGBoost {xgboost.__version__}"
    assert first["libraries"]["numpy"] == np.__version__
    assert len(first["answers"]["values"]) == len(first["rows"]["positions"])
    text = json.dumps(first)
    assert not [value for value in FRAME["a"].astype(str) if value in text]
    approved.raw["model"].pop("approval")
    approved.approve(capsys)
    assert approved.approval == first


def test_an_altered_approval_or_other_rows_are_refused(tmp_path, capsys):
    """The digest in the policy covers the approval, the digest in the approval covers the rows."""
    approved = Approved(tmp_path, xgboost_file(), format="xgboost", missing=-999)
    approved.approve(capsys)
    path = tmp_path / "model.bin.approval.json"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"0.", b"1.", 1))
    with pytest.raises(DigestMismatch, match="approval"):
        approved.load()
    path.write_bytes(content)
    FRAME.assign(a=1.0).to_parquet(tmp_path / "reference.parquet", index=False)
    with pytest.raises(DigestMismatch, match="reference"):
        approved.load()


def test_an_approval_of_another_model_is_refused(tmp_path, capsys):
    """A new model needs a new approval."""
    approved = Approved(tmp_path, xgboost_file(), format="xgboost", missing=-999)
    approved.approve(capsys)
    other = bytes(xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(FRAME, LABELS), 2).save_raw("ubj"))
    spec = model_files.spec(tmp_path, other, format="xgboost")
    with pytest.raises(SubjectError, match="approves the model with sha256"):
        approved.load(sha256=spec.sha256)


def test_a_model_file_is_approved_without_a_policy(tmp_path, capsys):
    """The features are those of the rows that the model knows, in its order."""
    (tmp_path / "model.ubj").write_bytes(xgboost_file())
    FRAME[["c", "b", "a"]].assign(label=LABELS).to_parquet(tmp_path / "rows.parquet", index=False)
    assert main(["model", "approve", str(tmp_path / "model.ubj"), "--rows", str(tmp_path / "rows.parquet")]) == 0
    written = json.loads((tmp_path / "model.ubj.approval.json").read_bytes())
    assert list(written["features"]) == ["a", "b", "c"]
    assert "model.ubj.approval.json" in capsys.readouterr().out


def test_rows_without_a_feature_are_a_usage_error(tmp_path, capsys):
    """The command names the feature that the rows lack."""
    approved = Approved(tmp_path, xgboost_file(), format="xgboost", missing=-999)
    FRAME[["a", "b"]].to_parquet(tmp_path / "few.parquet", index=False)
    code = main(["model", "approve", str(approved.policy), "--rows", str(tmp_path / "few.parquet")])
    assert code == 2
    assert "lacks the feature(s) c" in capsys.readouterr().err


def test_onnx_oracle_is_what_it_says():
    """The linear model of these tests is the one that onnx checks."""
    onnx.checker.check_model(onnx.load_from_string(onnx_file()))
