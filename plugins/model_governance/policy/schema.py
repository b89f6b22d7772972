"""The JSON schema of a policy, with the params and metrics of every check, so that editors complete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.policy.model import CheckSpec, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.check import Check

TITLE = "Model governance policy"


def policy_schema(catalogue: Mapping[str, Check]) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a policy over these checks."""
    schema = Policy.model_json_schema(ref_template="#/$defs/{model}")
    definitions = schema["$defs"]
    shared = definitions.pop(CheckSpec.__name__)["properties"]
    threshold = definitions["Threshold"]
    for kind, check in catalogue.items():
        params = check.params.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(params.pop("$defs", {}))
        definitions[f"{kind}_params"] = params
        definitions[f"{kind}_threshold"] = threshold | {
            "properties": threshold["properties"] | {"metric": {"enum": [metric.name for metric in check.metrics]}},
        }
        definitions[f"{kind}_check"] = _check(check, shared)
    checks = schema["properties"]["checks"]
    by_kind = [{"$ref": f"#/$defs/{kind}_check"} for kind in catalogue]
    checks["patternProperties"] = {pattern: {"anyOf": by_kind} for pattern in checks["patternProperties"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": TITLE}


def _check(check: Check, shared: Mapping[str, Any]) -> dict[str, Any]:
    """One kind of check; `shared` are the keys of every check."""
    return {
        "title": check.title,
        "description": check.question,
        "type": "object",
        "additionalProperties": False,
        "required": ["thresholds"],
        "properties": {
            **shared,
            "kind": {"const": check.kind},
            "params": {"$ref": f"#/$defs/{check.kind}_params"},
            "thresholds": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": f"#/$defs/{check.kind}_threshold"},
            },
        },
    }
