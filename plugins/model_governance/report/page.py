"""Filling the templates: escaping on, one inlined stylesheet, nothing loaded from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.contract.text import number, quantity
from model_governance.errors import EvidenceError
from model_governance.report import formatting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent


def expect_schema(record: Mapping[str, Any], schema: str) -> None:
    """Refuse a record that this page does not know how to read.

    Raises:
        EvidenceError: the record names another schema, or none.
    """
    found = record.get("schema")
    if found != schema:
        raise EvidenceError(
            f"expected a record of schema {schema!r}, found {found!r}; render it with the release that wrote it"
        )


def as_markup(text: str) -> Markup:
    """Text that enters a page as it is: our stylesheet, our scales, and pictures redrawn from an allow-list."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - the only door past autoescaping, and nothing a user wrote goes through it


def fill(template: str, *, folder: Path = HERE, **values: Any) -> bytes:
    """The page as UTF-8 bytes; the same values give the same bytes.

    Args:
        template: name of the file.
        folder: where it is; what it imports may be there or here.
        values: what it shows.
    """
    return (_environment(folder).get_template(template).render(**values).strip() + "\n").encode()


@cache
def _environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, HERE]), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    css = as_markup((HERE / "page.css").read_text("utf-8"))
    environment.globals.update(
        css=css, outcomes=formatting.OUTCOMES, better=formatting.BETTER, interval=formatting.interval
    )
    environment.filters.update(
        cell=formatting.cell,
        counted=formatting.counted,
        counts=formatting.format_counts,
        moment=lambda text: spell_moment(parse_moment(text)),
        number=number,
        pairs=formatting.pairs,
        quantity=quantity,
        seconds=formatting.seconds,
        size=formatting.size,
    )
    return environment
