"""Models of MLflow: the registry is asked where the files are; the one with the model is read, and nothing else runs.

MLflow's own loaders unpickle, and import code that lies beside the model. Here `MLmodel` is read as
text, says which file holds the model and of which kind it is, and the loader of that kind takes its
bytes once their digest has matched.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from model_governance.engine.stored import Spool
from model_governance.errors import SubjectError, SubjectUnreachable, UntrustedModel
from model_governance.subjects.loaders import import_library

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEME = "mlflow:"
PLACES = re.compile(r"(?P<kind>models|runs)/(?P<rest>[^/?#]+(?:/[^?#]+)?)")
# In the order in which they are looked for; where each flavour says which file it is.
FLAVOURS = {"onnx": "data", "xgboost": "data", "lightgbm": "data", "pytorch": "model_data", "sklearn": "pickled_model"}
FORMATS = {
    "onnx": {".onnx": "onnx"},
    "xgboost": {".ubj": "xgboost", ".json": "xgboost", ".xgb": "xgboost"},
    "lightgbm": {".lgb": "lightgbm", ".txt": "lightgbm", ".skops": "skops", ".pkl": "pickle"},
    "pytorch": {".pth": "torchscript", ".pt": "torchscript", ".ts": "torchscript"},
    "sklearn": {".skops": "skops", ".pkl": "pickle"},
}
BUSY = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED")
# What MLflow's client says of a stage without versions; it marks that as an internal error too.
NOT_FOUND = re.compile(r"No versions of model with name")
LARGEST_TEXT = 1 << 20  # bytes of an MLmodel


@contextmanager
def model_file(uri: str, *, folder: Path) -> Iterator[tuple[Path, str]]:
    """The path and format of the file that holds the model, while the block runs.

    `mlflow:models/NAME/VERSION`, `mlflow:models/NAME@ALIAS` and `mlflow:runs/RUN/PATH` are asked of the server that
    MLFLOW_TRACKING_URI names; `mlflow:///path` and `mlflow:path` (relative to the policy) are folders.

    Raises:
        SubjectError: mlflow is needed and missing, nothing is there, or of no kind that is read here.
        UntrustedModel: MLmodel names a file outside its folder.
        SubjectUnreachable: the server does not answer.
    """
    place = uri[len(SCHEME) :]
    match = PLACES.fullmatch(place)
    if match is None:
        path = Path(unquote(place[2:])) if place.startswith("///") else folder / unquote(place)
        yield _named_file(path, uri=uri)
        return
    with Spool() as spool:
        (copy := spool / "model").mkdir()
        yield _named_file(_downloaded(f"{match['kind']}:/{match['rest']}", copy, uri=uri), uri=uri)


def _downloaded(artifact: str, copy: Path, *, uri: str) -> Path:
    artifacts = import_library("mlflow.artifacts", extra="mlflow", uri=uri)
    exceptions = import_library("mlflow.exceptions", extra="mlflow", uri=uri)
    try:
        return Path(artifacts.download_artifacts(artifact_uri=artifact, dst_path=str(copy)))
    except exceptions.MlflowException as error:
        code = str(getattr(error, "error_code", ""))
        if code in BUSY and not NOT_FOUND.search(str(error)):
            raise SubjectUnreachable(f"{uri}: MLflow does not answer ({code}); try again") from error
        raise SubjectError(
            f"{uri}: MLflow has no such model ({code}); correct the uri or MLFLOW_TRACKING_URI"
        ) from error
    except OSError as error:
        # requests raises subclasses of it, urllib3 and sockets as well
        raise SubjectUnreachable(f"{uri}: MLflow does not answer: {type(error).__name__}; try again") from error


def _named_file(folder: Path, *, uri: str) -> tuple[Path, str]:
    flavours = _flavours(folder / "MLmodel", uri=uri)
    name = next((flavour for flavour in FLAVOURS if flavour in flavours), None)
    if name is None:
        shown = ", ".join(sorted(flavours)) or "none"
        raise SubjectError(
            f"{uri}: is saved as {shown}; of MLflow's flavours {', '.join(sorted(FLAVOURS))} are read here. "
            "Log the model with one of them beside the one that serves it"
        )
    relative = flavours[name].get(FLAVOURS[name]) if isinstance(flavours[name], dict) else None
    if not isinstance(relative, str) or not relative:
        raise SubjectError(f"{uri}: MLmodel does not say which file the flavour {name} is in; log the model again")
    path = _inside(folder, relative, uri=uri)
    if path.is_dir():
        inside = sorted(file.name for file in path.iterdir() if file.suffix in FORMATS[name])
        path = _inside(folder, f"{relative}/{inside[0]}", uri=uri) if len(inside) == 1 else path
    form = FORMATS[name].get(path.suffix)
    if form is None or not path.is_file():
        raise SubjectError(
            f"{uri}: the flavour {name} is in {relative}, which is no file ending in {', '.join(FORMATS[name])}; "
            "log the model again in one of these formats"
        )
    return path, form


def _flavours(path: Path, *, uri: str) -> dict[str, Any]:
    import yaml

    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise UntrustedModel(f"{uri}: its MLmodel is larger than {LARGEST_TEXT:,} bytes, which MLflow never writes")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        flavours = document["flavors"]
    except OSError as error:
        raise SubjectError(f"{uri}: is no model of MLflow: {path.name}: {error.strerror}; correct the uri") from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise SubjectError(f"{uri}: its MLmodel cannot be read: {type(error).__name__}; log the model again") from error
    return dict(flavours) if isinstance(flavours, dict) else {}


def _inside(folder: Path, relative: str, *, uri: str) -> Path:
    """The path of a file that MLmodel names, links followed."""
    path = (folder / relative).resolve()
    if PurePosixPath(relative).is_absolute() or not path.is_relative_to(folder.resolve()):
        raise UntrustedModel(
            f"{uri}: MLmodel names {relative}, which lies outside the model's folder. Nothing was loaded"
        )
    return path
