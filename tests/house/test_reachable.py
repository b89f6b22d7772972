"""Every public function, class and method of the package is used by the package, is public API, or has a reason."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "plugins" / "model_governance"

# Path of the module below the package and qualified name -> who calls it, if not the package.
ALLOWED = {
    "attacks/autoattack.py:batched_autoattack": "ART's interface of an attack, for ART's estimators (include/bench)",
    "attacks/hopskipjump.py:batched_hopskipjump": "ART's interface of an attack, for ART's estimators (include/bench)",
    "attacks/networks.py:CallableNetwork": "how a model that is no PyTorch module is given to batched_autoattack",
    "orchestration/dags.py:governance_task_group": "for DAG files: the checks of a policy inside a DAG of one's own",
    "orchestration/decorators.py:governance_check_task": "for DAG files: a check of one's own as a decorated task",
}
# Methods that a library calls, by name.
CALLBACKS = {
    "ascend_resolver": "PyYAML calls it after it composed a node",
    "connect_tcp": "httpcore calls it to open a connection",
    "connect_unix_socket": "part of httpcore's interface of a network",
    "construct_mapping": "PyYAML calls it for every mapping",
    "descend_resolver": "PyYAML calls it before it composes a node",
    "execute_complete": "Airflow calls it when a trigger has fired, or a human has answered",
    "fastapi_apps": "Airflow reads it of the plugin",
    "find_class": "the unpickler calls it for every global",
    "get_activations": "ART calls it on an estimator",
    "get_extra_info": "httpcore asks a connection for its socket",
    "get_route_handler": "FastAPI calls it on a route",
    "get_link": "Airflow calls it on an operator's extra link",
    "poke": "Airflow calls it on a sensor",
    "readline": "pickletools reads the lines of a stream with it",
    "render_template": "Airflow calls it for each template field of an operator",
    "serialize": "Airflow calls it on a trigger, to hand it to a triggerer",
    "sleep": "part of httpcore's interface of a network",
    "start_tls": "httpcore calls it on a connection that becomes encrypted",
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def modules(package: Path) -> dict[str, ast.Module]:
    return {
        str(path.relative_to(package)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }


def definitions(tree: ast.Module) -> dict[str, Definition]:
    """Public functions and classes of a module, and public methods of its classes, by qualified name."""
    found: dict[str, Definition] = {}
    for node in tree.body:
        if isinstance(node, Definition):
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}": part for part in node.body if isinstance(part, ast.FunctionDef)}
    return {name: node for name, node in found.items() if not node.name.startswith("_")}


def references(tree: ast.AST) -> Counter[str]:
    """Names that code uses: loaded names and attributes. An import or `__all__` alone is no use."""
    return Counter(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    )


def public_api(trees: dict[str, ast.Module]) -> set[str]:
    """The strings of `__all__` in the package's own __init__."""
    top = trees.get("__init__.py", ast.Module(body=[], type_ignores=[]))
    return {
        part.value
        for node in top.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == "__all__"
        for part in ast.walk(node.value)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def entry_points(root: Path) -> set[str]:
    """Names that the distribution's entry points and scripts load."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    groups = [project.get("scripts", {}), *project.get("entry-points", {}).values()]
    return {target.rpartition(":")[2] for group in groups for target in group.values()}


def unreachable(package: Path, *, api: set[str], beside: Path | None = None) -> list[str]:
    """`module:qualified name` of every public definition that no code of the package, or of a folder beside it, uses."""
    trees = modules(package)
    callers = [*trees.values(), *(modules(beside).values() if beside is not None else ())]
    used = sum((references(tree) for tree in callers), Counter[str]())
    templates = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.html"))
    used.update(re.findall(r"\w+", templates))
    known = api | public_api(trees)
    return [
        f"{module}:{name}"
        for module, tree in trees.items()
        for name, node in definitions(tree).items()
        # Recursion is no use.
        if used[node.name] == references(node)[node.name] and node.name not in known and node.name not in CALLBACKS
    ]


def test_everything_public_is_reached():
    found = set(unreachable(PACKAGE, api=entry_points(ROOT), beside=ROOT / "dags"))
    lost = sorted(found - set(ALLOWED))
    assert not lost, "nothing in the package uses:\n" + "\n".join(lost)


def test_the_allow_list_is_no_longer_than_it_must_be():
    found = set(unreachable(PACKAGE, api=entry_points(ROOT), beside=ROOT / "dags"))
    assert not sorted(set(ALLOWED) - found), "used by the package now, or gone"
    assert all(reason.strip() for reason in (*ALLOWED.values(), *CALLBACKS.values()))


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        ("def used(): ...\nused()", []),
        ("def unused(): ...", ["case.py:unused"]),
        ("def _private(): ...", []),
        ("def again(): return again()", ["case.py:again"]),
        ("class Thing:\n    def method(self): ...\n\nThing()", ["case.py:Thing.method"]),
        ("class Thing:\n    def method(self): ...\n\nThing().method()", []),
        ("def exported(): ...\n__all__ = ['exported']", ["case.py:exported"]),
        ("def api(): ...", []),
    ],
)
def test_what_counts_as_a_use(tmp_path, body, lost):
    (tmp_path / "case.py").write_text(body)
    (tmp_path / "__init__.py").write_text("from case import exported\n__all__ = ['api']\n")
    assert unreachable(tmp_path, api=set()) == lost
