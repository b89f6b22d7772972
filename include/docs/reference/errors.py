"""Every error class of the package with its cause and its cure, from the docstrings of the classes."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import model_governance
from reference.markdown import cell, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(model_governance.__file__).parent
ROOTS = ("GovernanceError", "AirflowFailException")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorClass:
    """One class that the package raises on purpose."""

    name: str
    bases: tuple[str, ...]
    module: str
    docstring: str
    infrastructure: bool


def page() -> str:
    """The page of the errors, the tree first."""
    sections = "\n".join(_section(error) for error in error_classes())
    return f"""# Errors

Everything that the package raises on purpose is a `GovernanceError`. An error says that a run could not measure or
record; it is never a pass. In Airflow, errors are retried as the policy's `schedule.retries` says, because a repeated task cannot change
a verdict. A violated threshold is not an error of the program: it raises `ThresholdViolation` (in Airflow
`GovernanceViolation`, which is never retried). On the command line, a policy error exits with 2, any other error with 3, a violated
threshold with 1.

{sections}"""


def error_classes() -> tuple[ErrorClass, ...]:
    """All error classes, parents before children; read from the source, so that none can be forgotten."""
    declared = {error.name: error for file in sorted(PACKAGE.rglob("*.py")) for error in _classes(file)}
    roots = [error for error in declared.values() if error.name == ROOTS[0] or ROOTS[1] in error.bases]
    ordered: list[ErrorClass] = []
    waiting = roots[::-1]
    while waiting:
        error = waiting.pop()
        ordered.append(error)
        waiting.extend(child for child in reversed(declared.values()) if error.name in child.bases)
    return tuple(ordered)


def _classes(file: Path) -> Iterator[ErrorClass]:
    module = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.ClassDef):
            continue
        flags = [part.targets[0] for part in node.body if isinstance(part, ast.Assign)]
        yield ErrorClass(
            name=node.name,
            bases=tuple(ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases),
            module=module,
            docstring=ast.get_docstring(node) or "",
            infrastructure=any(isinstance(flag, ast.Name) and flag.id == "infrastructure" for flag in flags),
        )


def cause_and_cure(error: ErrorClass) -> tuple[str, str, str]:
    """What the class means, when it is raised, and what to do: the docstring's sentence and its two sections."""
    meaning, *parts = re.split(r"^(Cause|Cure):\s*", error.docstring, flags=re.MULTILINE)
    named = dict(zip(parts[::2], parts[1::2], strict=True))
    return meaning.strip(), named.get("Cause", "").strip(), named.get("Cure", "").strip()


def _section(error: ErrorClass) -> str:
    meaning, cause, cure = cause_and_cure(error)
    parents = ", ".join(f"`{base}`" for base in error.bases)
    retry = " A retry may help." if error.infrastructure else ""
    lines = [f"## `{error.name}`\n\n{sentence(cell(meaning))}{retry} Kind of {parents}; module `{error.module}`.\n"]
    if cause:
        lines.append(f"**Cause.** {sentence(cell(cause))}\n")
    if cure:
        lines.append(f"**Cure.** {sentence(cell(cure))}\n")
    return "\n".join(lines)
