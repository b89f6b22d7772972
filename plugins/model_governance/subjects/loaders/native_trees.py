"""Native model files of XGBoost and LightGBM, checked before their C++ readers see them, wherever they stand."""

from __future__ import annotations

from model_governance.errors import SubjectError, UntrustedModel
from model_governance.formats.lightgbm_file import InconsistentText, check_text
from model_governance.formats.ubjson import UnreadableUbjson, read_ubjson
from model_governance.formats.xgboost_file import (
    InconsistentModel,
    UnreadableModel,
    UnsupportedModel,
    check_document,
    read_document,
)


def check_xgboost(content: bytes, *, uri: str) -> str:
    """The version of XGBoost that wrote a model file, once the file cannot lead its reader outside; empty if it names none.

    Raises:
        SubjectError: it is no XGBoost file, or of a kind that is not loaded here.
        UntrustedModel: it is crafted or damaged.
    """
    try:
        document, rest = read_document(content)
        if rest:
            raise InconsistentModel(f"{rest:,} bytes follow the model")
        check_document(document, size=len(content))
    except UnreadableModel as error:
        raise SubjectError(f"{uri}: cannot be read as an XGBoost model: {error}; save it with save_model") from error
    except UnsupportedModel as error:
        raise SubjectError(f"{uri}: holds {error}") from error
    except InconsistentModel as error:
        raise _crafted(uri, error, library="XGBoost") from error
    version = document.get("version")
    return ".".join(str(part) for part in version) if version is not None else ""


def check_lightgbm(content: bytes, *, uri: str) -> None:
    """Nothing, when a LightGBM text cannot lead its reader outside.

    Raises:
        UntrustedModel: it is crafted or damaged.
    """
    try:
        check_text(content)
    except InconsistentText as error:
        raise _crafted(uri, error, library="LightGBM") from error


def check_pickled_booster(state: object, *, library: str) -> str:
    """What is wrong with the state of a booster in a pickle; empty where its reader can be given it.

    Args:
        state: what pickle sets on the booster.
        library: xgboost or lightgbm.
    """
    if not isinstance(state, dict):
        return "sets a state on a booster that its library would not write"
    handle = state.get("_handle", state.get("handle"))
    if handle is None:
        return ""
    try:
        if library == "lightgbm":
            check_text(handle.encode())
            return ""
        document, _ = read_ubjson(bytes(handle))
        check_document(document["Model"], size=len(handle))
    except (
        InconsistentText, InconsistentModel, UnsupportedModel, UnreadableUbjson, AttributeError, KeyError, TypeError,
    ) as error:  # fmt: skip
        return f"holds a booster that is crafted or damaged ({error})"
    return ""


def _crafted(uri: str, error: ValueError, *, library: str) -> UntrustedModel:
    return UntrustedModel(
        f"{uri}: is crafted or damaged: {error}. {library} did not see it; take the model again from where it was trained"
    )
