"""Boosters of XGBoost and LightGBM inside a skops file, checked before their C++ readers see them."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

from model_governance.formats.json_objects import objects_of
from model_governance.subjects.loaders.native_trees import CraftedBooster, check_stored_booster

SCHEMA = "schema.json"
LIBRARIES = ("xgboost", "lightgbm")
HANDLES = ("handle", "_handle")


def check_boosters(content: bytes) -> set[str]:
    """The versions of XGBoost that wrote the boosters of a skops file, none where it holds no booster that names one.

    Args:
        content: a zip archive that skops can read.

    Raises:
        CraftedBooster: a booster is crafted, damaged, or stored as skops would not store it.
    """
    with zipfile.ZipFile(BytesIO(content)) as archive:
        nodes = list(objects_of(json.loads(archive.read(SCHEMA))))
        boosters = [node for node in nodes if node.get("__class__") == "Booster" and _library(node) in LIBRARIES]
        return {check_stored_booster(_state(node, nodes, archive), library=_library(node)) for node in boosters} - {""}


def _library(node: dict[str, Any]) -> str:
    return str(node.get("__module__")).partition(".")[0]


def _state(booster: dict[str, Any], nodes: list[dict[str, Any]], archive: zipfile.ZipFile) -> dict[str, Any]:
    """The state that skops sets on a booster, as far as its library reads it."""
    if booster.get("__loader__") != "ObjectNode":
        raise CraftedBooster("stores a booster as skops would not")
    attributes = booster.get("content")
    if attributes is None:
        return {}
    kind = (attributes.get("__loader__"), attributes.get("__class__")) if isinstance(attributes, dict) else ()
    items, keys = (
        (attributes.get("content"), attributes.get("key_types")) if kind == ("DictNode", "dict") else (None, None)
    )
    types = keys.get("content") if isinstance(keys, dict) else None
    if not isinstance(items, dict) or not isinstance(types, list) or not all(map(_is_text, types)):
        raise CraftedBooster("stores the state of a booster as skops would not")
    handles = {key: items[key] for key in HANDLES if key in items}
    _require_own(nodes, attributes, keys, *types, *handles.values())
    return {key: _value(node, archive) for key, node in handles.items()}


def _is_text(kind: Any) -> bool:
    """Whether the type of a key is str: another one could make a second name of it."""
    return isinstance(kind, dict) and [kind.get(key) for key in ("__loader__", "__module__", "__class__")] == [
        "TypeNode", "builtins", "str",
    ]  # fmt: skip


def _require_own(nodes: list[dict[str, Any]], *used: Any) -> None:
    """Refuse an id that stands for two parts: skops takes a node for the one that it read before under the same id.

    A booster that is stored twice has one id and two states: each of them is checked.
    """
    for node in used:
        if not isinstance(node, dict):
            raise CraftedBooster("stores a booster as skops would not")
        number = node.get("__id__")
        if any(other.get("__id__") == number and other != node for other in nodes):
            raise CraftedBooster("gives the id of a booster's part to another part")


def _value(node: dict[str, Any], archive: zipfile.ZipFile) -> Any:
    loader = node.get("__loader__")
    try:
        if loader in ("BytesNode", "BytearrayNode"):
            return archive.read(node["file"])
        if loader == "JsonNode":
            return json.loads(node["content"])
    except (KeyError, TypeError, ValueError, RuntimeError, OSError, zipfile.BadZipFile) as error:
        raise CraftedBooster(f"holds a booster that cannot be read ({type(error).__name__})") from error
    raise CraftedBooster("stores the trees of a booster as skops would not")
