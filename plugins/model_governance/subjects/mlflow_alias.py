"""The alias `champion` of a model in MLflow's registry, so that whoever serves `models:/NAME@champion` serves what is promoted."""

from __future__ import annotations

import re

from model_governance.errors import SubjectUnreachable
from model_governance.subjects.loaders import import_library

REGISTERED = re.compile(r"mlflow:models/(?P<name>[^/@?#]+)/(?P<version>[0-9]+)")
ALIAS = "champion"


def point_champion_at(uri: str) -> bool:
    """Set the alias to the version that a uri `mlflow:models/NAME/VERSION` names; returns whether there was one to set.

    Raises:
        SubjectError: mlflow is not installed.
        SubjectUnreachable: the server did not take it; try again.
    """
    match = REGISTERED.fullmatch(uri)
    if match is None:
        return False
    tracking = import_library("mlflow.tracking", extra="mlflow", uri=uri)
    exceptions = import_library("mlflow.exceptions", extra="mlflow", uri=uri)
    try:
        tracking.MlflowClient().set_registered_model_alias(match["name"], ALIAS, match["version"])
    except (exceptions.MlflowException, OSError) as error:
        raise SubjectUnreachable(
            f"{uri}: MLflow did not take the alias {ALIAS} ({type(error).__name__}); try again"
        ) from error
    return True
