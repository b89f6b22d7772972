"""One module per model format, imported when a policy asks for it.

A loader is a function `load(content, spec, columns) -> Model`. It is given bytes whose digest has
matched; it may assume nothing else about them. A new format is one module and one line here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from model_governance.errors import SubjectError
from model_governance.formats.optional_names import OPTIONAL_PACKAGES

LOADERS = {
    "skops": f"{__name__}.sklearn_skops",
    "joblib": f"{__name__}.sklearn_joblib",
    "pickle": f"{__name__}.sklearn_joblib",
    "onnx": f"{__name__}.onnx_session",
    "xgboost": f"{__name__}.xgboost_booster",
    "lightgbm": f"{__name__}.lightgbm_booster",
    "torchscript": f"{__name__}.torchscript",
}


def missing_library(error: ImportError, *, uri: str) -> SubjectError:
    """The error for a file whose objects come from a library that cannot be imported; it names the package to install.

    Args:
        error: what the import raised.
        uri: the file.
    """
    root = str(error.name or "").partition(".")[0]
    package = OPTIONAL_PACKAGES.get(root, root)
    cure = f"pip install {package}, in the version that the model was made with" if package else "install it here"
    return SubjectError(f"{uri}: needs a library that is not installed: {error}; {cure}")


def import_library(name: str, *, extra: str, uri: str) -> Any:
    """A library that only one format needs.

    Raises:
        SubjectError: it is not installed; the message says how to get it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise SubjectError(
            f"{uri}: this format needs {name}, which cannot be imported ({error}); "
            f"pip install 'airflow-model-governance[{extra}]'"
        ) from error
