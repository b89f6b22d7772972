"""PyRIT (Microsoft): attack results (`AttackResult.model_dump(mode="json")`), as a JSON list or JSON lines.

The schema is that of pyrit.models.AttackResult: `outcome` is success where the attack reached its objective, failure where
it did not, and error or undetermined where nobody knows.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, RootModel

from model_governance.checks.supply_chain.external_report.content import Adapter, Item, Report, readable
from model_governance.checks.supply_chain.external_report.reading import (
    Part,
    json_document,
    json_lines,
    moment,
    unusable,
    validated,
)

EXPECTS = "the attack results of PyRIT (a JSON list or JSON lines of AttackResult)"
TARGET_NAMES = ("model_name", "deployment_name", "underlying_model_name", "endpoint", "class_name", "__type__")


class AttackResult(Part):
    """One attack: what it tried to reach and whether it did."""

    conversation_id: str
    objective: str
    outcome: Literal["success", "failure", "error", "undetermined"]
    targeted_harm_categories: tuple[str, ...] | None = Field(default=None, strict=False)
    timestamp: str | None = None
    atomic_attack_identifier: dict[str, Any] | None = None
    objective_target_identifier: dict[str, Any] | None = None


class Results(RootModel[tuple[AttackResult, ...]]):
    """A list of them."""


def read(content: bytes, where: str) -> Report:
    """One item for each attack, which failed where the attack succeeded."""
    if content.lstrip()[:1] == b"[":
        raw = json_document(content, where, expected=EXPECTS)
    else:
        raw = [entry for _, entry in json_lines(content, where, expected=EXPECTS)]
    if raw and all(isinstance(entry, dict) and "converted_value" in entry for entry in raw):
        raise unusable(
            where, expected=EXPECTS, found="an export of conversations, which holds no outcome of an attack",
            then='write the results that the attacks returned: [result.model_dump(mode="json") for result in results]',
        )  # fmt: skip
    results = validated(Results, tuple(raw), where, expected=EXPECTS).root
    moments = [moment(result.timestamp, where, expected=EXPECTS) for result in results if result.timestamp]
    targets = [target for result in results if (target := _target(result))]
    return Report(
        tool="PyRIT",
        items=tuple(_item(number, result) for number, result in enumerate(results, start=1)),
        # The oldest attack, so that results which were carried over from an earlier run count as old.
        made_at=min(moments) if len(moments) == len(results) and moments else None,
        targets=tuple(dict.fromkeys(targets)) if len(targets) == len(results) else (),
    )


def _item(number: int, result: AttackResult) -> Item:
    category = readable(", ".join(sorted(result.targeted_harm_categories or ()))) or "attacks"
    return Item(
        category=category,
        name=f"attack {number}",
        passed=int(result.outcome == "failure"),
        failed=int(result.outcome == "success"),
        skipped=int(result.outcome in ("error", "undetermined")),
    )


def _target(result: AttackResult) -> tuple[str, ...]:
    """The names of the target that was attacked; empty where the result holds none."""
    found = result.objective_target_identifier or _objective_target(result.atomic_attack_identifier)
    return tuple(readable(found[name]) for name in TARGET_NAMES if isinstance(found.get(name), str))


def _objective_target(identifier: dict[str, Any] | None) -> dict[str, Any]:
    """The identifier of the objective target among the children of a composed identifier, however deep."""
    waiting = [identifier or {}]
    while waiting:
        part = waiting.pop()
        target = part.get("objective_target")
        if isinstance(target, dict):
            return target
        waiting += [child for child in part.values() if isinstance(child, dict)]
    return {}


ADAPTER = Adapter(title="PyRIT", expects=EXPECTS, read=read)
