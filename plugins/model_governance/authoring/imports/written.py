"""Writes what was imported: a suite, and the checks of a policy or a whole policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from model_governance.authoring.imports.imported import VALIDATION
from model_governance.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from model_governance.authoring.imports.imported import Imported

SUITE = "suite.json"


def suite_text(imported: Imported, *, name: str) -> str:
    """The expectations as a suite of Great Expectations, in JSON."""
    entries: list[dict[str, Any]] = []
    for expectation in imported.expectations:
        entry: dict[str, Any] = {"type": expectation.type, "kwargs": expectation.kwargs}
        if expectation.severity != "critical":
            entry["severity"] = expectation.severity
        if expectation.name is not None:
            entry["meta"] = {"name": expectation.name}
        entries.append(entry)
    return json.dumps({"name": name, "expectations": entries}, indent=2, ensure_ascii=False) + "\n"


def checks_lines(imported: Imported) -> Iterator[str]:
    """The block `checks:` of a policy."""
    yield "checks:"
    for check, thresholds in imported.thresholds.items():
        params: dict[str, Any] = dict(imported.params.get(check, {}))
        if check == VALIDATION and imported.expectations:
            params["suite"] = SUITE
        yield f"  {check}:"
        if params:
            yield f"    params: {_flow(params)}"
        yield "    thresholds:"
        for threshold in thresholds:
            yield f"      - {_flow(threshold)}"


def write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write new files into a folder; a file that is there is never replaced.

    Raises:
        PolicyError: a file is there, or the folder cannot be written.
    """
    paths = [folder / name for name in files]
    if found := [str(path) for path in paths if path.exists()]:
        raise PolicyError([f"{', '.join(found)}: is there already; name another folder, or move it away"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, files.values(), strict=True):
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PolicyError([f"{folder}: cannot be written: {error.strerror}"]) from error
    return paths


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True).strip()
