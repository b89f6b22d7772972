"""One page for every check, and the page that lists them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from model_governance.authoring.example_policy import example_policy
from model_governance.checks import wing_of
from model_governance.contract.result import describe_range
from reference.markdown import cell, code, prose, sentence, table
from reference.schemas import key_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.check import Check
CALIBRATED = "estimates the false-alarm rates of its thresholds"
REPEATED = (
    "Thresholds name these metrics. A metric that is repeated has one value for each key; a threshold without `key` "
    "applies to all of them."
)


def overview(catalogue: Mapping[str, Check]) -> str:
    """All checks by wing, each with its question and its cost."""
    rows = [
        (
            f"[`{kind}`](checks/{kind}.md)",
            cell(wing_of(check).replace("_", " ")),
            cell(check.question),
            cell(check.cost),
        )
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
        ("operator", f"[`{check.operator_name}`](../operators.md)"),
        ("datasets", needed),
        ("optional datasets", ", ".join(f"`{role}`" for role in check.optional_roles) or "none"),
        ("tasks", ", ".join(f"`{task}`" for task in check.tasks)),
        ("needs", ", ".join(_needs(check)) or "rows only"),
        ("cost", sentence(cell(check.cost))),
        ("`calibrate`", cell(f"not calibrated: {check.not_calibrated}" if check.not_calibrated else CALIBRATED)),
        *([("features of kind `text`", sentence(cell(check.texts)))] if check.texts else []),
    ]
    return table(("property", "value"), rows)


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
            cell(describe_range(spec.range)),
            cell(spec.unit),
            spec.better,
            cell(spec.per or ""),
            cell(", ".join(spec.tasks or ())),
        )
        for spec in check.metrics
    ]
    return table(("metric", "meaning", "range", "unit", "better", "one per", "tasks"), rows)


def _advice(check: Check) -> str:
    title, text = sentence(cell(check.advice.title)), sentence(cell(check.advice.text))
    return f"## When a threshold is violated\n\n**{title}** {text}\n"


def _self_test(check: Check) -> str:
    return (
        "The contract suite runs this check on a healthy subject and on a faulty one, and the check must tell them "
        f"apart. The fault: {sentence(cell(check.self_test.description))}"
    )


def _package(check: Check) -> str:
    """The package that holds the check: that of its params, up to its kind."""
    parts = check.params.__module__.split(".")
    return ".".join(parts[: parts.index(check.kind) + 1]) if check.kind in parts else check.params.__module__
