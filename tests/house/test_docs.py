"""The generated reference has a place for everything that is declared, and the pages link only to what exists."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest

from docs_blocks import PAGES, ROOT
from model_governance.authoring.example_policy import example_policy
from model_governance.checks import catalogue
from model_governance.contract.result import describe_range

DOCS = ROOT / "include" / "docs"


@pytest.fixture(scope="module")
def generator():
    """The package that writes the reference pages."""
    sys.path.insert(0, str(DOCS))
    yield importlib.import_module("reference")
    sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def pages(generator) -> dict[str, str]:
    return generator.pages(catalogue())


@pytest.mark.parametrize("kind", catalogue())
def test_every_check_has_a_page_with_its_question_params_metrics_and_fault(pages, kind):
    check, page = catalogue()[kind], pages[f"reference/checks/{kind}.md"]
    assert page.startswith(f"# {check.title}\n\n**{check.question}**")
    for name in check.params.model_fields:
        assert f'<code id="param-{name}">{name}</code>' in page
    params = re.findall(r'^\| <code id="param-.*$', page, re.MULTILINE)
    assert [row for row in params if row.endswith("|  |")] == [], "a param says what it means"
    for spec in check.metrics:
        (row,) = re.findall(rf'^\| <code id="metric-{spec.name}">.*$', page, re.MULTILINE)
        cells = [part.strip() for part in row.strip("|").split("|")]
        assert len(cells) == 7
        assert len(cells[1]) > 10, "a metric says what it means"
        assert cells[2] == describe_range(spec.range)
        assert cells[4] == spec.better
        assert cells[6] == ", ".join(spec.tasks or ())
    assert "\n## Example policy\n" in page
    assert "\n## Self-test\n" in page
    assert f"`{kind}`](checks/{kind}.md)" in pages["reference/checks.md"]
    assert f"`{kind}`](checks/{kind}.md)" in pages["reference/operators.md"]


@pytest.mark.parametrize("kind", catalogue())
def test_a_check_says_what_to_do_and_what_it_costs(pages, kind):
    check, page = catalogue()[kind], pages[f"reference/checks/{kind}.md"]
    assert "\n## When a threshold is violated\n" in page
    assert check.advice.title.split("`")[0].rstrip(".") in page
    (cost,) = re.findall(r"^\| cost \| (.+) \|$", page, re.MULTILINE)
    assert len(cost) > 20


@pytest.mark.parametrize("kind", catalogue())
def test_the_example_policy_of_a_check_lints(generator, kind, tmp_path):
    from model_governance.policy import load_policy

    file = tmp_path / "policy.yaml"
    file.write_text(example_policy(catalogue()[kind]))
    policy = load_policy(file, catalogue())
    assert policy.checks[kind].thresholds


def test_nested_params_have_a_table_of_their_own(pages):
    page = pages["reference/checks/data_drift.md"]
    assert "### `window`" in page
    assert '<code id="param-window.kind">kind</code>' in page


def test_every_policy_key_has_its_place(pages):
    """Keys are counted by walking the models themselves, not the schema that the page is made from."""
    from pydantic import BaseModel

    from model_governance.policy.model import Policy

    met: set[type[BaseModel]] = set()

    def models_in(annotation: object) -> list[type[BaseModel]]:
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            return [annotation]
        return [model for part in getattr(annotation, "__args__", ()) for model in models_in(part)]

    def walk(model: type[BaseModel]) -> None:
        if model in met:
            return
        met.add(model)
        for field in model.model_fields.values():
            for inner in models_in(field.annotation):
                walk(inner)

    walk(Policy)
    keys = [name for model in met for name in model.model_fields]
    rows = re.findall(r'^\| <code id="[^"]+">([^<]+)</code>', pages["reference/policy.md"], re.MULTILINE)
    assert sorted(rows) == sorted(keys)
    assert len(keys) > 80
    assert [
        row
        for row in re.findall(r"^\| <code id=.*$", pages["reference/policy.md"], re.MULTILINE)
        if row.endswith("|  |")
    ] == []


def test_every_command_and_argument_has_its_place(generator, pages):
    page = pages["reference/commands.md"]
    commands = list(generator.commands.commands(generator.commands.command_parser()))
    assert {"run", "calibrate", "compare", "checks", "policy lint", "policy schema", "policy init"} <= {
        name for name, *_ in commands
    }
    for name, command, words in commands:
        assert f"\n## `{name}`\n" in page
        assert words, f"{name} has no help"
        for action in command._actions:
            if action.option_strings and action.dest != "help":
                assert action.option_strings[-1] in page


def test_every_error_class_has_its_place_with_cause_and_cure(generator, pages):
    """The classes that can be imported without Airflow, by inheritance, are all on the page that parses source."""
    import pkgutil

    import model_governance
    from model_governance.errors import GovernanceError

    for module in pkgutil.walk_packages(model_governance.__path__, "model_governance."):
        if not module.name.startswith(
            ("model_governance.orchestration", "model_governance.ui", "model_governance.__main__")
        ):
            importlib.import_module(module.name)
    classes = [GovernanceError]
    for parent in classes:
        classes.extend(child for child in parent.__subclasses__() if child.__module__.startswith("model_governance."))
    names = {parent.__name__ for parent in classes} | {"GovernanceViolation"}
    assert {error.name for error in generator.errors.error_classes()} == names
    for error in generator.errors.error_classes():
        assert f"\n## `{error.name}`\n" in pages["reference/errors.md"]
        _, cause, cure = generator.errors.cause_and_cure(error)
        assert cause, f"{error.module}.{error.name} does not say its cause"
        assert cure, f"{error.module}.{error.name} does not say its cure"


def test_every_public_name_of_the_operators_has_its_place(pages):
    import model_governance.orchestration as public

    assert [name for name in public.__all__ if f"`{name}`" not in pages["reference/operators.md"]] == []


def test_every_option_of_the_configuration_has_its_place(pages):
    from model_governance.orchestration.provider_info import get_provider_info

    options = get_provider_info()["config"]["model_governance"]["options"]
    assert [
        name for name in options if f'id="option-{name}">{name}</code>' not in pages["reference/operators.md"]
    ] == []
    assert len(options) >= 3


def test_every_public_python_name_has_its_place(pages):
    import model_governance

    named = [line.rsplit(".", 1)[-1] for line in pages["reference/python.md"].splitlines() if line.startswith("::: ")]
    assert named == model_governance.__all__


def test_decisions_and_measurements_are_pages(pages):
    adr = sorted(path.name for path in (ROOT / "include" / "adr").glob("*.md"))
    assert [path.removeprefix("decisions/") for path in pages if path.startswith("decisions/")] == adr
    assert any(path.startswith("measurements/") for path in pages)


def test_every_page_is_in_the_navigation_once(generator, pages):
    """mkdocs checks links and anchors (`make docs`); this one needs no mkdocs."""
    written = {str(path.relative_to(PAGES)) for path in PAGES.rglob("*.md")}
    named = re.findall(r"^ +- (?:.*: )?(\S+\.md)$", (DOCS / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(written)
    generated = re.findall(r"'([^']+\.md)'", str(generator.navigation(catalogue())))
    assert sorted(generated) == sorted(pages)


def test_links_between_pages_lead_somewhere(pages):
    known = {str(path.relative_to(PAGES)) for path in PAGES.rglob("*") if path.is_file()} | set(pages)
    for source in sorted(PAGES.rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", source.read_text()):
            path = (source.parent / target).resolve().relative_to(PAGES.resolve())
            assert str(path) in known, f"{source.name} links to {target}"


def test_a_page_shows_only_packages_that_exist():
    packages = [
        name for path in PAGES.rglob("*.md") for name in re.findall(r"<!-- package: (\S+) -->", path.read_text())
    ]
    assert packages
    assert all((ROOT / name / "__init__.py").is_file() for name in packages)


def test_a_page_loads_nothing_from_another_host():
    """What the theme loads is checked when the site is built (`hooks.py`); here the pages and pictures written by hand."""
    for path in [*PAGES.rglob("*.md"), *PAGES.rglob("*.svg"), *PAGES.rglob("*.css")]:
        text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?https?://", text), path.name
    assert "font: false" in (DOCS / "mkdocs.yml").read_text()


def test_the_reference_names_no_check_itself():
    """A list of kinds in the generator would be a second registry."""
    for path in Path(DOCS / "reference").glob("*.py"):
        text = path.read_text()
        assert [kind for kind in catalogue() if f'"{kind}"' in text] == [], path.name
