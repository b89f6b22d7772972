"""One page for every check, and the page that lists them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reference.example_policy import example_policy
from reference.markdown import cell, code, prose, sentence, table
from reference.operators import operator_name
from reference.schemas import key_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.check import Check
REPEATED = (
    "Thresholds name these metrics. A metric that is repeated has one value for each key; a threshold without `key` "
    "applies to all of them."
)


def overview(catalogue: Mapping[str, Check]) -> str:
    """All checks by wing, each with its question and its cost."""
    rows = [
        (f"[`{kind}`](checks/{kind}.md)", cell(_wing(check)), cell(check.question), cell(_cost(check)))
        for kind, check in catalogue.items()
    ]
    return f"""# Checks

A check measures; the thresholds of the policy judge what it measured. The command
`model-governance checks KIND` prints the same facts in a terminal. Checks of other packages join
through the entry-point group `model_governance.checks` and get the same page here when they are installed.

{table(("check", "wing", "question", "cost"), rows)}"""


def page(check: Check) -> str:
    """The page of one check."""
    return "\n".join(part for part in _parts(check) if part)


def _parts(check: Check) -> Iterator[str]:
    yield f"# {check.title}\n\n**{check.question}**\n"
    yield _facts(check)
    yield f"## Example policy\n\n```yaml\n{example_policy(check)}```\n"
    yield "## Params\n"
    for params in key_tables(check.params, prefix="param-"):
        title = f"### `{params.path}`\n\n{sentence(cell(params.description))}\n" if params.path else ""
        yield f"{title}\n{params.text or 'This check has no params.'}"
    yield f"## Metrics\n\n{REPEATED}\n\n{_metrics(check)}"
    yield _advice(check)
    yield f"## Self-test\n\n{_self_test(check)}\n"
    yield f"## Method\n\n{prose(sys.modules[_package(check)].__doc__)}"


def _facts(check: Check) -> str:
    needed = ", ".join(f"`{role}`" for role in check.roles) or "none"
    rows = [
        ("kind", f"`{check.kind}`"),
        ("operator", f"[`{operator_name(check)}`](../operators.md)"),
        ("datasets", needed),
        ("optional datasets", ", ".join(f"`{role}`" for role in check.optional_roles) or "none"),
        ("tasks", ", ".join(f"`{task}`" for task in check.tasks)),
        ("needs", ", ".join(_needs(check)) or "rows only"),
    ]
    if cost := _cost(check):
        rows.append(("cost", cell(cost)))
    reason = getattr(check, "not_calibrated", "")
    rows.append(("`calibrate`", cell(f"not calibrated: {reason}" if reason else "estimates its false-alarm rates")))
    return table(("", ""), rows)


def _needs(check: Check) -> Iterator[str]:
    if check.needs_model:
        yield "the model"
    if check.reads_model_file:
        yield "the bytes of the model file"
    if check.needs_labels:
        yield "labels (`columns.target`)"
    if check.compares_champion:
        yield "the champion, where the policy names one"


def _metrics(check: Check) -> str:
    rows = [
        (
            code(spec.name, anchor=f"metric-{spec.name}"),
            cell(sentence(spec.meaning)),
            cell(spec.unit),
            spec.better,
            cell(spec.per or ""),
        )
        for spec in check.metrics
    ]
    return table(("metric", "meaning", "unit", "better", "one per"), rows)


def _advice(check: Check) -> str:
    advice = getattr(check, "advice", None)
    if advice is None:
        return ""
    return f"## When a threshold is violated\n\n**{sentence(cell(advice.title))}** {sentence(cell(advice.text))}\n"


def _cost(check: Check) -> str:
    return str(getattr(check, "cost", "") or "")


def _self_test(check: Check) -> str:
    return (
        "The contract suite runs this check on a healthy subject and on a faulty one, and the check must tell them "
        f"apart. The fault: {sentence(cell(check.self_test.description))}"
    )


def _package(check: Check) -> str:
    """The package that holds the check: the longest one that ends with its kind, else the params' module."""
    module = type(check).__module__ if not check.params else check.params.__module__
    parts = module.split(".")
    return ".".join(parts[: parts.index(check.kind) + 1]) if check.kind in parts else module


def _wing(check: Check) -> str:
    declared = getattr(check, "wing", "")
    parts = _package(check).split(".")
    return (declared or (parts[2] if parts[:2] == ["model_governance", "checks"] else "")).replace("_", " ")
