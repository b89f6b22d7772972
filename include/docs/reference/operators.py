"""The Airflow operators: one for every check, and those that end a run."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import model_governance.orchestration as public
from model_governance.orchestration.provider_info import get_provider_info
from reference.markdown import cell, code, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.check import Check

FOLDER = Path(public.__file__).parent


def page(catalogue: Mapping[str, Check]) -> str:
    """The page of the operators; read from the source, because the documentation is built without Airflow."""
    rows = [
        (f"`{check.operator_name}`", f"[`{kind}`](checks/{kind}.md)", cell(check.question))
        for kind, check in catalogue.items()
    ]
    named = {check.operator_name for check in catalogue.values()}
    others = [name for name in public.__all__ if name not in named]
    return f"""# Airflow operators

Import these names from `model_governance.orchestration`. `operator_for(kind)` returns the operator class of any kind of check,
also of a check from another package. All operators take `policy=` (the path of a policy file or a `Policy`), `artifacts_uri=` and
`artifacts_connection=` beside the arguments of Airflow's `BaseOperator`. A check operator takes `check=`, the name of the check
in the policy; you may leave it out where the policy has only one check of that kind.

## Operators of the checks

{table(("operator", "check", "question"), rows)}
## Configuration

Options of the section `[model_governance]` of Airflow's configuration; each may be an environment variable
`AIRFLOW__MODEL_GOVERNANCE__<OPTION>`.

{table(("option", "default", "meaning"), _options())}
## Other names

{"".join(_section(name) for name in others)}"""


def _options() -> Iterator[tuple[str, str, str]]:
    for section in get_provider_info()["config"].values():
        for name, option in section["options"].items():
            default = f"`{option['default']}`" if option["default"] else "empty"
            yield code(name, anchor=f"option-{name}"), default, cell(option["description"])


def _section(name: str) -> str:
    docstring, signature = declaration_of(name)
    return f"### `{name}`\n\n```python\n{signature}\n```\n\n{rest(docstring)}\n"


def declaration_of(name: str) -> tuple[str, str]:
    """Docstring and signature of a public name of the orchestration room.

    Raises:
        LookupError: no module of the room defines it.
    """
    for node in _definitions():
        if node.name == name:
            return ast.get_docstring(node) or "", _signature(node)
    raise LookupError(f"model_governance.orchestration exports {name}, and none of its modules defines it")


def _definitions() -> Iterator[ast.ClassDef | ast.FunctionDef]:
    for file in sorted(FOLDER.rglob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                yield node


def _signature(node: ast.ClassDef | ast.FunctionDef) -> str:
    if isinstance(node, ast.FunctionDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"{node.name}({ast.unparse(node.args)}){returns}"
    inits = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    if not inits:
        return f"{node.name}({', '.join(ast.unparse(base) for base in node.bases)})"
    arguments = ast.unparse(inits[0].args).removeprefix("self, *, ").removeprefix("self, ")
    return f"{node.name}({arguments})"


def rest(docstring: str) -> str:
    """An Airflow docstring as Markdown: `:param x:` lines become a list."""
    text, *params = re.split(r"^:param (\w+): ", docstring, flags=re.MULTILINE)
    lines = [f"- `{name}`: {cell(meaning)}" for name, meaning in zip(params[::2], params[1::2], strict=True)]
    paragraphs = "\n\n".join(cell(part) for part in re.split(r"\n\s*\n", text.strip()))
    return "\n".join([paragraphs, "", *lines, ""])
