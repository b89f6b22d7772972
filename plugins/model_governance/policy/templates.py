"""Templates in dataset uris and queries: the filters of Airflow, and whether a template can be rendered."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment

MARKS = ("{{", "{%", "{#")
FILTERS = ("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz")
TEXTS = ("ds", "ds_nodash", "ts", "ts_nodash")
MOMENTS = ("data_interval_end", "data_interval_start", "logical_date")
OBJECTS = (
    "conn", "conf", "dag", "dag_run", "execution_date", "expanded_ti_count", "inlet_events", "inlets", "macros",
    "map_index_template", "outlet_events", "outlets", "params", "partition_key", "prev_data_interval_end_success",
    "prev_data_interval_start_success", "prev_end_date_success", "prev_start_date_success", "run_id", "start_date",
    "task", "task_instance", "task_instance_key_str", "task_reschedule_count", "templates_dict", "test_mode", "ti",
    "triggering_asset_events", "ts_nodash_with_tz", "var",
)  # fmt: skip
"""What only Airflow gives a template."""


def environment() -> SandboxedEnvironment:
    """A sandbox with the filters of Airflow, in which a missing variable is an error."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    made = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    made.filters.update(
        ds=spell_ds,
        ds_nodash=spell_ds_nodash,
        ts=spell_ts,
        ts_nodash=spell_ts_nodash,
        ts_nodash_with_tz=spell_ts_with_tz,
    )
    return made


def spell_ds(moment: datetime) -> str:
    """`2026-03-01`."""
    return moment.strftime("%Y-%m-%d")


def spell_ds_nodash(moment: datetime) -> str:
    """`20260301`."""
    return moment.strftime("%Y%m%d")


def spell_ts(moment: datetime) -> str:
    """`2026-03-01T02:00:00+00:00`."""
    return moment.isoformat()


def spell_ts_nodash(moment: datetime) -> str:
    """`20260301T020000`."""
    return moment.strftime("%Y%m%dT%H%M%S")


def spell_ts_with_tz(moment: datetime) -> str:
    """`20260301T020000+0000`."""
    return moment.strftime("%Y%m%dT%H%M%S%z")


def is_template(text: Any) -> bool:
    """Whether a value of a policy is a template."""
    return isinstance(text, str) and any(mark in text for mark in MARKS)


@cache
def template_problem(text: str) -> str:
    """Why a template cannot be rendered: its syntax, a filter or a variable; empty where it can.

    What calls and loops give is left to the run: it is known there only, and a loop may take any time.
    """
    from jinja2 import TemplateError, meta

    try:
        tree = _environment().parse(text)
        missing = sorted(meta.find_undeclared_variables(tree) - {*TEXTS, *MOMENTS, *OBJECTS})
    except (TemplateError, RecursionError, ValueError) as error:
        return f"not a valid template: {str(error)[:200]}; the template is {text[:80]!r}"
    if missing:
        near = difflib.get_close_matches(missing[0][:100], [*TEXTS, *MOMENTS, *OBJECTS], n=1)
        instead = (
            f"did you mean {near[0]!r}?"
            if near
            else f"there are {', '.join((*TEXTS, *MOMENTS))} and what Airflow gives"
        )
        return f"the template uses {missing[0][:100]!r}, which no run gives; {instead}"
    return _filter_problem(tree)


def _filter_problem(tree: nodes.Template) -> str:
    from jinja2 import nodes

    known = _environment().filters
    for use in tree.find_all(nodes.Filter):
        if use.name not in known:
            return f"the template uses the filter {use.name[:100]!r}, which does not exist; write for example `| ds_nodash`"
        given = use.node
        if use.name in FILTERS and isinstance(given, nodes.Name) and given.name in TEXTS:
            return f"{given.name} is a text already and takes no filter {use.name}; write {{{{ {given.name} }}}}, or a moment such as logical_date"
    return ""


@cache
def _environment() -> SandboxedEnvironment:
    return environment()
