"""A real registry of MLflow: what was logged and registered with its client is found by name, alias and run."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import SubjectError
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model
from model_governance.subjects.loaders.mlflow_folder import model_file
from model_governance.subjects.mlflow_alias import point_champion_at
from synthetic import rows

NUMBERS = ["income", "debt", "age"]
COLUMNS = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
TRAIN, TODAY = rows(200, seed=1), rows(30, seed=2)
NATIVE = LogisticRegression(max_iter=2000).fit(TRAIN[NUMBERS], TRAIN["label"])

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The id of the run that logged the model as version 1 of `credit`, in a registry of its own."""
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("MLFLOW_TRACKING_URI", (folder / "store").as_uri())
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database would take longer to make than to ask
        patch.setenv("GIT_PYTHON_REFRESH", "quiet")
        patch.chdir(folder)
        import mlflow
        import mlflow.sklearn

        with mlflow.start_run() as started:
            mlflow.sklearn.log_model(
                NATIVE, name="model", serialization_format="skops", registered_model_name="credit", pip_requirements=[]
            )
        mlflow.MlflowClient().set_registered_model_alias("credit", "champion", "1")
        yield started.info.run_id


def digest(uri):
    with model_file(uri, folder=Path()) as (path, form):
        assert form == "skops"
        return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_registered_model_is_found_and_loaded_by_our_own_loader(run, tmp_path):
    uris = ["mlflow:models/credit/1", "mlflow:models/credit@champion", f"mlflow:runs/{run}/model"]
    (found,) = {digest(uri) for uri in uris}
    made = {"name": "credit", "uri": uris[0], "sha256": found, "format": "mlflow", "task": "binary_classification"}
    model = load_model(ModelSpec(**made), COLUMNS, folder=tmp_path, connections=PlainConnections())
    np.testing.assert_allclose(model.predict_proba(TODAY), NATIVE.predict_proba(TODAY[NUMBERS]), rtol=1e-11)
    assert (model.format, model.sha256) == ("skops", found)


@pytest.mark.parametrize("uri", ["mlflow:models/credit/9", "mlflow:models/nobody/1", "mlflow:runs/0abc/model"])
def test_what_the_registry_does_not_hold_is_told(run, uri):
    with pytest.raises(SubjectError, match="MLflow has no such model"), model_file(uri, folder=Path()):
        pass


def test_a_promotion_points_the_alias_of_mlflow_at_the_version(run):
    import mlflow

    client = mlflow.MlflowClient()
    client.delete_registered_model_alias("credit", "champion")
    assert point_champion_at("mlflow:models/credit/1")
    assert str(client.get_model_version_by_alias("credit", "champion").version) == "1"
    assert not any(map(point_champion_at, ["model.skops", "mlflow:models/credit@champion", f"mlflow:runs/{run}/model"]))
    with pytest.raises(SubjectError, match="the promotion stands"):
        point_champion_at("mlflow:models/nobody/1")
