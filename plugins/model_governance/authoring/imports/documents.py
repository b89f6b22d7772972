"""Reads a JSON or YAML file of another tool, and parts of it under a schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from model_governance.contract.text import library_words
from model_governance.errors import PolicyError
from model_governance.formats.json_objects import keys_once

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 50_000_000
MOST_YAML_BYTES = 1_000_000
"""PyYAML reads a megabyte in seconds, and nobody writes a longer configuration by hand."""
YAML = (".yaml", ".yml")

M = TypeVar("M", bound=BaseModel)


class Schema(BaseModel):
    """Part of a file of another tool: the fields that are read, strictly; others are left to the tool."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file of another tool and the object that it holds."""

    path: Path
    content: dict[str, Any]

    def read(self, schema: type[M], *, expected: str) -> M:
        """The file under a schema.

        Raises:
            PolicyError: it does not fit; the error names the part.
        """
        return self.part(schema, self.content, at="", expected=expected)

    def part(self, schema: type[M], raw: Any, *, at: str, expected: str) -> M:
        """A part of the file under a schema.

        Args:
            schema: the fields that are read.
            raw: the part.
            at: where it stands.
            expected: what the part should be.

        Raises:
            PolicyError: it does not fit.
        """
        try:
            return schema.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(filter(None, [at, *map(str, first["loc"])]))
            where = f"{self.path}: {place}" if place else str(self.path)
            raise PolicyError([f"{where}: {first['msg']}; expected {expected}"]) from error


def read_document(path: Path) -> Document:
    """Read a file: YAML where its name ends so, else JSON.

    Raises:
        PolicyError: it cannot be read, is too large, no JSON or YAML, or holds something else than one object.
    """
    is_yaml = path.suffix.lower() in YAML
    most = MOST_YAML_BYTES if is_yaml else MOST_BYTES
    try:
        with path.open("rb") as file:
            source = file.read(most + 1)
    except OSError as error:
        raise PolicyError([f"{path}: cannot be read: {library_words(error)}"]) from error
    if len(source) > most:
        raise PolicyError(
            [f"{path}: expected at most {most:,} bytes, found more; name the file that holds the demands"]
        )
    try:
        content = yaml.safe_load(source) if is_yaml else json.loads(source, object_pairs_hook=keys_once)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise PolicyError([f"{path}: is no {'YAML' if is_yaml else 'JSON'}: {library_words(error)}"]) from error
    if not isinstance(content, dict):
        raise PolicyError([f"{path}: expected one object, found {type(content).__name__}"])
    return Document(path=path, content=content)
