"""Tables of keys from the JSON schema of a pydantic model, nested models one after another."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reference.markdown import cell, code, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

HEADER = ("key", "type", "default", "meaning")
LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("exclusiveMinimum", "above {}"),
    ("exclusiveMaximum", "below {}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTable:
    """The keys of one model of a schema."""

    name: str
    path: str
    description: str
    keys: tuple[str, ...]
    text: str


def key_tables(model: type[BaseModel], *, prefix: str) -> tuple[KeyTable, ...]:
    """The keys of a model and of every model that it holds, in the order in which a reader meets them.

    Args:
        model: the outermost model.
        prefix: start of the anchors, so that two tables of one page never share one.
    """
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    tables: dict[str, KeyTable] = {}

    def visit(name: str, path: str, part: Mapping[str, Any]) -> None:
        if name in tables or "properties" not in part:
            return
        tables[name] = _key_table(name, path, part, prefix, definitions)
        for key, value in part["properties"].items():
            for reference in _references(value):
                visit(reference, f"{path}.{key}" if path else key, definitions[reference])

    visit(model.__name__, "", schema)
    return tuple(tables.values())


def _key_table(name: str, path: str, part: Mapping[str, Any], prefix: str, definitions: Mapping[str, Any]) -> KeyTable:
    required = part.get("required", ())
    rows = [
        (
            code(key, anchor=f"{prefix}{f'{path}.' if path else ''}{key}"),
            _type(value),
            "required" if key in required else _default(value),
            cell(_meaning(value, definitions)),
        )
        for key, value in part["properties"].items()
    ]
    return KeyTable(
        name=name, path=path, description=part.get("description", ""), keys=tuple(part["properties"]),
        text=table(HEADER, rows),
    )  # fmt: skip


def _meaning(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What the key is for: its own description, else the first sentence of the model that it holds."""
    if description := value.get("description", ""):
        return description
    held = [definitions[name].get("description", "") for name in _references(value)]
    return re.split(r"(?<=[.])\s", held[0])[0] if len(held) == 1 else ""


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default is None or (isinstance(default, dict) and default):
        return ""
    return code(json.dumps(default)) if default not in ("", [], {}) else "empty"


def _type(value: Mapping[str, Any]) -> str:
    return cell(" or ".join(dict.fromkeys(_types(value))))


def _types(value: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in value:
        yield "mapping"
    elif "const" in value:
        yield f"`{value['const']}`"
    elif "enum" in value:
        yield ", ".join(f"`{option}`" for option in value["enum"])
    elif "anyOf" in value:
        for option in value["anyOf"]:
            if option.get("type") != "null":
                yield from _types(option)
    elif value.get("type") == "array":
        inner = " or ".join(dict.fromkeys(_types(value.get("items", {})))) or "values"
        yield f"list of {inner}"
    elif value.get("type") == "object":
        yield "mapping"
    else:
        limits = [text.format(f"{value[name]:g}") for name, text in LIMITS if name in value]
        yield " ".join([value.get("type", "any"), *([f"({', '.join(limits)})"] if limits else [])])


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rsplit("/", 1)[-1]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
