"""The alias `champion` of a model in MLflow's registry, so that whoever serves `models:/NAME@champion` serves what is promoted."""

from __future__ import annotations

import re

from model_governance.errors import SubjectError, SubjectUnreachable
from model_governance.subjects.loaders import import_library
from model_governance.subjects.loaders.mlflow_folder import BUSY

REGISTERED = re.compile(r"mlflow:models/(?P<name>[^/@?#]+)/(?P<version>[0-9]+)")
ALIAS = "champion"


def point_champion_at(uri: str) -> bool:
    """Set the alias to the version that a uri `mlflow:models/NAME/VERSION` names; returns whether there was one to set.

    Raises:
        SubjectError: mlflow is not installed, or refuses the alias.
        SubjectUnreachable: the server does not answer; try again.
    """
    match = REGISTERED.fullmatch(uri)
    if match is None:
        return False
    tracking = import_library("mlflow.tracking", extra="mlflow", uri=uri)
    exceptions = import_library("mlflow.exceptions", extra="mlflow", uri=uri)
    try:
        tracking.MlflowClient().set_registered_model_alias(match["name"], ALIAS, match["version"])
    except exceptions.MlflowException as error:
        code = str(getattr(error, "error_code", ""))
        if code in BUSY:
            raise SubjectUnreachable(f"{uri}: MLflow does not answer ({code}); try again") from error
        raise SubjectError(
            f"{uri}: MLflow did not take the alias {ALIAS} ({code}); the promotion stands. Set the alias by hand, or correct "
            "MLFLOW_TRACKING_URI and the permissions there"
        ) from error
    except OSError as error:
        raise SubjectUnreachable(f"{uri}: MLflow does not answer: {type(error).__name__}; try again") from error
    return True
