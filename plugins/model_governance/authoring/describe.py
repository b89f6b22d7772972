"""Everything that a check declares, as text for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from model_governance.authoring.example_policy import example_policy
from model_governance.checks import wing_of
from model_governance.contract.result import describe_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from model_governance.contract.check import Check
    from model_governance.contract.result import MetricSpec

WIDTH = 100


def describe(check: Check) -> str:
    """What a check asks, needs and costs, what to do when it is violated, its params and metrics, and a policy with it.

    Lines of text hold at most 100 characters.
    """
    text = "\n".join(line for paragraph in _paragraphs(check) for line in _wrapped(paragraph))
    return f"{text}\n\nexample policy\n{textwrap.indent(example_policy(check), '  ').rstrip()}"


def described(check: Check) -> dict[str, Any]:
    """The same as JSON types; `params` is a JSON schema, `example` the YAML of a policy."""
    return {
        "kind": check.kind, "title": check.title, "question": check.question, **_facts(check),
        "params": check.params.model_json_schema(),
        "metrics": [
            {
                "name": spec.name, "meaning": spec.meaning, "better": spec.better, "unit": spec.unit,
                "range": describe_range(spec.range), "per": spec.per, "tasks": list(spec.tasks or check.tasks),
            }
            for spec in check.metrics
        ],
        "example": example_policy(check),
    }  # fmt: skip


def _paragraphs(check: Check) -> Iterator[str]:
    yield f"{check.kind}: {check.title}"
    yield check.question
    yield ""
    yield from (f"{name}: {text}" for name, text in _facts(check).items() if text)
    yield ""
    yield "params"
    yield from (f"  {name} {_param(field)}" for name, field in check.params.model_fields.items())
    yield ""
    yield "metrics (what thresholds may name)"
    yield from (f"  {_metric(spec)}" for spec in check.metrics)


def _facts(check: Check) -> dict[str, str]:
    needs = {"a model": check.needs_model, "the model's file": check.reads_model_file, "labels": check.needs_labels}
    required = ", ".join([*check.roles, *(name for name, needed in needs.items() if needed)])
    optional = ", ".join([*check.optional_roles, *(["the champion"] if check.compares_champion else [])])
    return {
        "wing": wing_of(check),
        "needs": required,
        "uses when given": optional,
        "tasks": ", ".join(check.tasks),
        "operator": check.operator_name,
        "cost": check.cost,
        "calibration": f"no: {check.not_calibrated}" if check.not_calibrated else "model-governance calibrate POLICY",
        "text features": check.texts,
        "when violated": f"{check.advice.title} {check.advice.text}",
    }


def _param(field: FieldInfo) -> str:
    default = "required" if field.is_required() else f"default {field.get_default(call_default_factory=True)!r}"
    return f"({default})" + (f": {field.description}" if field.description else "")


def _metric(spec: MetricSpec) -> str:
    direction = "" if spec.better == "neither" else f"{spec.better} is better"
    facts = [
        direction, describe_range(spec.range), f"unit {spec.unit}" if spec.unit else "",
        f"one per {spec.per}" if spec.per else "", f"for {', '.join(spec.tasks)}" if spec.tasks else "",
    ]  # fmt: skip
    known = ", ".join(filter(None, facts))
    return f"{spec.name}{f' ({known})' if known else ''}: {spec.meaning}"


def _wrapped(paragraph: str) -> list[str]:
    indent = "      " if paragraph.startswith("  ") else "  "
    return textwrap.wrap(
        paragraph, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
