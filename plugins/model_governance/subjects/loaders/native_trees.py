"""Native model files of XGBoost and LightGBM, checked before their C++ readers see them, wherever they stand."""

from __future__ import annotations

from typing import Any

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

BOOSTERS = {"xgboost.core": "xgboost", "lightgbm.basic": "lightgbm"}
"""The library of a stored booster, by the module of its class."""


class CraftedBooster(ValueError):
    """A booster inside a pickle or skops file that its library would not write."""


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
    return _version(document)


def check_lightgbm(content: bytes, *, uri: str) -> None:
    """Nothing, when a LightGBM text cannot lead its reader outside.

    Raises:
        UntrustedModel: it is crafted or damaged.
    """
    try:
        check_text(content)
    except InconsistentText as error:
        raise _crafted(uri, error, library="LightGBM") from error


def check_stored_booster(state: object, *, library: str) -> str:
    """The version of XGBoost that wrote the booster in a pickle or skops file; empty if it names none, as those of LightGBM.

    Args:
        state: what is set on the booster.
        library: xgboost or lightgbm.

    Raises:
        CraftedBooster: the reader of the library must not be given it.
    """
    if not isinstance(state, dict):
        raise CraftedBooster("sets a state on a booster that its library would not write")
    # Each library reads its own key, and no other may stand for it here.
    handle = state.get("handle") if library == "xgboost" else state.get("_handle", state.get("handle"))
    if handle is None:
        return ""
    try:
        if library == "lightgbm":
            check_text(handle.encode())
            return ""
        document, _ = read_ubjson(bytes(handle))
        check_document(document["Model"], size=len(handle))
        return _version(document["Model"])
    except (
        InconsistentText, InconsistentModel, UnsupportedModel, UnreadableUbjson, AttributeError, KeyError, TypeError,
    ) as error:  # fmt: skip
        raise CraftedBooster(f"holds a booster that is crafted or damaged ({error})") from error


def _version(document: dict[str, Any]) -> str:
    version = document.get("version")
    return ".".join(str(part) for part in version) if version is not None else ""


def _crafted(uri: str, error: ValueError, *, library: str) -> UntrustedModel:
    return UntrustedModel(
        f"{uri}: is crafted or damaged: {error}. {library} did not see it; take the model again from where it was trained"
    )
