"""Whether `promotion` and `retraining.window` of a policy agree with its checks, and can be rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.policy.position import closest
from model_governance.policy.subject_spec import TEMPLATED
from model_governance.policy.templates import is_template, template_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.check import Check
    from model_governance.policy.position import Path

    Problem = tuple[Path, str]


def promotion_problems(raw: Mapping[str, Any], catalogue: Mapping[str, Check]) -> Iterator[Problem]:
    """Margins and requirements that no check or metric of the policy answers to, and templates that cannot be rendered."""
    checks, promotion = _mapping(raw.get("checks")), _mapping(raw.get("promotion"))
    for name, margins in _mapping(promotion.get("margins")).items():
        path: Path = ("promotion", "margins", str(name))
        if name not in checks:
            yield path, _no_check(name, checks)
            continue
        check = catalogue.get(str(_mapping(checks[name]).get("kind", name)))
        yield from _metrics(path, _mapping(margins), check)
    required = promotion.get("require")
    for position, name in enumerate(required if isinstance(required, list) else ()):
        if name not in checks:
            yield ("promotion", "require", position), _no_check(name, checks)
    for key, text in _mapping(_mapping(raw.get("retraining")).get("window")).items():
        problem = template_problem(text) if key in TEMPLATED and is_template(text) else None
        if problem:
            yield ("retraining", "window", key), problem


def metric_and_key(label: str) -> tuple[str, str | None]:
    """The metric and the key that a label of a margin names.

    >>> metric_and_key("psi[AGEP]"), metric_and_key("accuracy")
    (('psi', 'AGEP'), ('accuracy', None))
    """
    name, bracket, key = label.partition("[")
    return (name, key.removesuffix("]")) if bracket else (label, None)


def _metrics(path: Path, margins: Mapping[str, Any], check: Check | None) -> Iterator[Problem]:
    if check is None:
        return  # said where the check stands
    specs = {metric.name: metric for metric in check.metrics}
    for label in margins:
        metric, key = metric_and_key(str(label))
        if metric not in specs:
            yield (*path, str(label)), f"{metric!r} is not a metric of {check.kind}{closest(metric, specs)}"
        elif specs[metric].better == "neither":
            yield (*path, str(label)), f"{metric} has no better direction, so a challenger cannot be worse in it"
        elif key is not None and specs[metric].per is None:
            yield (
                (*path, str(label)),
                f"{metric} of {check.kind} is one number, not one per column or class; remove [{key}]",
            )


def _no_check(name: Any, checks: Mapping[str, Any]) -> str:
    return f"{name!r} is not a check of this policy{closest(str(name), map(str, checks))}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
