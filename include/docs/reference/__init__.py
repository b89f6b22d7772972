"""The reference pages, written from the declarations of the package: path below the site -> Markdown.

Nothing here names a check, a metric, a key, a command or an error: all of them are read from the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference import checks, commands, decisions, errors, operators, policy_keys, python_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.check import Check


def pages(catalogue: Mapping[str, Check]) -> dict[str, str]:
    """Every generated page by its path, in the order of the navigation."""
    return {
        "reference/checks.md": checks.overview(catalogue),
        **{f"reference/checks/{kind}.md": checks.page(check) for kind, check in catalogue.items()},
        "reference/policy.md": policy_keys.page(),
        "reference/operators.md": operators.page(catalogue),
        "reference/commands.md": commands.page(),
        "reference/python.md": python_names.page(),
        "reference/errors.md": errors.page(),
        **decisions.pages(),
    }


def navigation(catalogue: Mapping[str, Check]) -> dict[str, list[dict[str, object]]]:
    """The navigation entries of the generated pages, by the section of mkdocs.yml that holds them."""
    kinds = [{check.title: f"reference/checks/{kind}.md"} for kind, check in catalogue.items()]
    return {
        "Reference": [
            {"Checks": [{"All checks": "reference/checks.md"}, *kinds]},
            {"Policy keys": "reference/policy.md"},
            {"Airflow operators": "reference/operators.md"},
            {"Command line": "reference/commands.md"},
            {"Python": "reference/python.md"},
            {"Errors": "reference/errors.md"},
        ],
        "Decisions": decisions.navigation("decisions"),
        "Measurements": decisions.navigation("measurements"),
    }
