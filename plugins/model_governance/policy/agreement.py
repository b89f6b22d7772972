"""Whether a policy agrees with the checks there are: kinds, params, metrics, roles, names.

It reads the raw YAML rather than the models, so that one wrong key elsewhere hides nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from model_governance.contract.images import DISCLOSED, with_pixels
from model_governance.contract.threat_model import ThreatModel
from model_governance.policy.mistakes import root_mistakes
from model_governance.policy.notifications import notification_problems
from model_governance.policy.position import closest
from model_governance.policy.promotion_agreement import promotion_problems
from model_governance.policy.sense import threshold_problems
from model_governance.policy.subject_spec import TEMPLATED
from model_governance.policy.templates import is_template, template_problem
from model_governance.policy.threshold_keys import key_problem
from model_governance.policy.yaml_words import misread_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.check import Check
    from model_governance.policy.position import Path

    Problem = tuple[Path, str]


RESERVED_NAMES = ("wait_for_data", "checks", "archive", "request_retraining", "notify", "gate")
"""Tasks of the DAG of a policy that are no checks."""


COLUMN_ROLES = ("target", "identifier", "group", "item", "time", "entity", "batch")


def disagreements(raw: Mapping[str, Any], catalogue: Mapping[str, Check]) -> Iterator[Problem]:
    """Every place where the policy asks for what no check, metric, role or name answers to."""
    checks = _mapping(raw.get("checks"))
    for name, spec in checks.items():
        if not isinstance(spec, dict):
            continue
        kind = str(spec.get("kind", name))
        path: Path = ("checks", name)
        if name in RESERVED_NAMES:
            yield path, f"{name} is the name of a task of the DAG that is no check; give the check another name"
        if kind not in catalogue:
            where = (*path, "kind") if "kind" in spec else path
            yield where, f"{kind[:80]!r} is not a check{closest(kind, catalogue)}"
            continue
        check = catalogue[kind]
        yield from _params(path, spec.get("params"), check, task=_mapping(raw.get("model")).get("task"))
        yield from _mapped_tasks((*path, "mapped_tasks"), spec, check)
        yield from _thresholds(path, spec, check, raw)
        yield from _subject(path, raw, check, params=_mapping(spec.get("params")))
    yield from _threat_model(raw)
    yield from _report(raw)
    yield from _waivers(raw, checks, catalogue)
    yield from notification_problems(raw)
    yield from promotion_problems(raw, catalogue)
    yield from _templates(raw)
    yield from _blanks(raw, ())
    for position, named in enumerate(_list(_mapping(raw.get("retraining")).get("checks"))):
        if not isinstance(named, str) or named not in checks:
            yield (
                ("retraining", "checks", position),
                f"{named!r} is not a check of this policy{closest(str(named), map(str, checks))}",
            )


def _params(path: Path, params: Any, check: Check, *, task: Any) -> Iterator[Problem]:
    if params is not None and not isinstance(params, dict):
        return
    yield from ((where, text) for where, text in misread_numbers(params or {}, check.params, (*path, "params")))
    try:
        read = check.params.model_validate(params or {})
    except ValidationError as error:
        for mistake in root_mistakes(error):
            where = (*path, "params", *mistake["loc"])
            if mistake["type"] == "extra_forbidden":
                yield (
                    where,
                    f"{check.kind} has no such parameter{closest(str(mistake['loc'][-1]), check.params.model_fields)}",
                )
            elif mistake["type"] == "missing":
                yield where, f"{check.kind} needs this parameter"
            else:
                yield where, f"{mistake['msg'].removeprefix('Value error, ')}; found {mistake['input']!r}"
    else:
        if task in check.tasks:
            yield from (((*path, "params", name), problem) for name, problem in read.misfits(task))


def _mapped_tasks(path: Path, spec: Mapping[str, Any], check: Check) -> Iterator[Problem]:
    """Where more tasks than there are parts would share the work of a check, or where it has none to share."""
    tasks = spec.get("mapped_tasks")
    if not isinstance(tasks, int):
        return
    if check.preparation is None:
        yield path, f"{check.kind} has no work that mapped tasks can share; remove mapped_tasks"
        return
    try:
        parts = check.preparation.parts(check.params.model_validate(spec.get("params") or {}))
    except ValidationError:
        return  # reported at the params
    if tasks > parts:
        yield path, f"{tasks} tasks cannot share {parts} {check.preparation.name}; write {parts} at most"


def _thresholds(path: Path, spec: Mapping[str, Any], check: Check, raw: Mapping[str, Any]) -> Iterator[Problem]:
    thresholds, params = spec.get("thresholds"), spec.get("params")
    task = _mapping(raw.get("model")).get("task")
    specs = {metric.name: metric for metric in check.metrics}
    for position, threshold in enumerate(_list(thresholds)):
        if not isinstance(threshold, dict) or not isinstance(threshold.get("metric"), str):
            continue
        where: Path = (*path, "thresholds", position)
        metric = threshold["metric"]
        if metric not in specs:
            yield (*where, "metric"), f"{metric!r} is not a metric of {check.kind}{closest(metric, specs)}"
            continue
        tasks = specs[metric].tasks
        if tasks is not None and check.needs_model and task in check.tasks and task not in tasks:
            yield (*where, "metric"), f"{task} has no {metric}; it is for {', '.join(tasks)}"
        for key, sentence in threshold_problems(threshold, specs[metric]):
            yield (*where, key), sentence
        problem = key_problem(threshold.get("key"), specs[metric], check, params=params, raw=raw)
        if problem:
            yield (*where, "key"), problem
        if threshold.get("key") is not None and specs[metric].per is None:
            yield (*where, "key"), f"{metric} of {check.kind} is one number, not one per column or class; remove `key`"
        is_change = "min_absolute_change" in threshold or "min_relative_change" in threshold
        if is_change and specs[metric].better == "neither":
            yield (*where, "metric"), f"{metric} has no better direction, so a change of it cannot be judged"
        if threshold.get("against") == "champion" and raw.get("champion") is None:
            yield (*where, "against"), "the policy names no champion; add `champion:` with uri, sha256, format and task"


def _subject(path: Path, raw: Mapping[str, Any], check: Check, *, params: Mapping[str, Any]) -> Iterator[Problem]:
    given = _mapping(raw.get("datasets"))
    for role in check.roles_for(params):
        if role not in given:
            instead = f" (or params.{check.stand_ins[role]})" if role in check.stand_ins else ""
            yield path, f"{check.kind} needs datasets.{role}{instead}, which the policy lacks"
    if check.needs_labels and raw.get("columns") and _mapping(raw.get("columns")).get("target") is None:
        yield path, f"{check.kind} compares with labels, and the policy names no columns.target"
    task = _mapping(raw.get("model")).get("task")
    if check.needs_model and isinstance(task, str) and task not in check.tasks:
        yield path, f"{check.kind} does not apply to {task}; it applies to {', '.join(check.tasks)}"


def _threat_model(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Where the threat model names other columns, or other kinds of them, than there are."""
    features = _features(raw)
    try:
        model = ThreatModel.model_validate(raw.get("threat_model") or {})
    except ValidationError:
        return  # its own mistakes are reported where the policy is read
    kinds = {name: str(_mapping(feature).get("kind")) for name, feature in features.items()}
    immutable = [name for name, feature in features.items() if _mapping(feature).get("mutable") is False]
    ranges = {
        name: (_number(_mapping(feature).get("minimum")), _number(_mapping(feature).get("maximum")))
        for name, feature in features.items()
    }
    for path, text in model.problems(kinds, immutable=immutable, ranges=ranges):
        yield ("threat_model", *path), text
    priced = [name for name, entry in model.features.items() if entry.cost is not None]
    if priced and not any(_reads_costs(spec) for spec in _mapping(raw.get("checks")).values()):
        yield (
            ("threat_model", "features", priced[0], "cost"),
            "no check reads it: costs count under `norm: cost` of an evasion check only; set that norm, or remove the costs",
        )


def _features(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The features, the pixels of an image among them."""
    columns = _mapping(raw.get("columns"))
    try:
        return _mapping(with_pixels(columns).get("features"))
    except ValueError:
        return _mapping(columns.get("features"))  # its mistake is reported where the policy is read


def _reads_costs(spec: Any) -> bool:
    return _mapping(_mapping(spec).get("params")).get("norm") == "cost"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _report(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Names in report.disclose that are no features, and in report.labels that no column has."""
    features = _features(raw)
    pictured = [DISCLOSED] if _mapping(raw.get("columns")).get("image") else []
    for position, name in enumerate(_list(_mapping(raw.get("report")).get("disclose"))):
        if not isinstance(name, str) or name not in (*features, *pictured):
            yield (
                ("report", "disclose", position),
                f"{name!r} is not in columns.features{closest(str(name), map(str, features))}",
            )
    columns = [*map(str, features), *map(str, filter(None, map(_mapping(raw.get("columns")).get, COLUMN_ROLES)))]
    in_params = repr([_mapping(spec).get("params") for spec in _mapping(raw.get("checks")).values()])
    for name in _mapping(_mapping(raw.get("report")).get("labels")):
        if str(name) not in columns and repr(str(name)) not in in_params:
            yield (
                ("report", "labels", str(name)),
                f"no column, and no param of a check, is called so{closest(str(name), columns)}",
            )


def _waivers(raw: Mapping[str, Any], checks: Mapping[str, Any], catalogue: Mapping[str, Check]) -> Iterator[Problem]:
    for position, waiver in enumerate(_list(raw.get("waivers"))):
        if not isinstance(waiver, dict) or "check" not in waiver:
            continue
        name = waiver["check"]
        where: Path = ("waivers", position)
        if not isinstance(name, str) or name not in checks:
            yield (*where, "check"), f"{name!r} is not a check of this policy{closest(str(name), map(str, checks))}"
            continue
        check = catalogue.get(str(_mapping(checks[name]).get("kind", name)))
        known = [metric.name for metric in check.metrics] if check else []
        if known and "metric" in waiver and waiver["metric"] not in known:
            yield (
                (*where, "metric"),
                f"{waiver['metric']!r} is not a metric of {name}{closest(str(waiver['metric']), known)}",
            )
        elif check is not None and "metric" in waiver:
            params = _mapping(checks[name]).get("params")
            spec = check.spec(waiver["metric"])
            problem = key_problem(waiver.get("key"), spec, check, params=params, raw=raw)
            if waiver.get("key") is not None and spec.per is None:
                problem = f"{spec.name} of {check.kind} is one number, not one per column or class; remove `key`"
            if problem:
                yield (*where, "key"), problem


def _blanks(value: Any, path: Path) -> Iterator[Problem]:
    """Texts of spaces alone, which name nothing."""
    if isinstance(value, str) and value and not value.strip():
        yield path, "is blank"
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        if key not in ("params", "description"):
            yield from _blanks(each, (*path, key if isinstance(key, int) else str(key)))


def _templates(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Templates that cannot be rendered, and those in places that are not rendered."""
    for role, dataset in _mapping(raw.get("datasets")).items():
        for key, text in _mapping(dataset).items():
            if not is_template(text):
                continue
            problem = template_problem(text) if key in TEMPLATED else NOT_RENDERED
            if problem:
                yield ("datasets", role, key), problem
    for block, keys in (
        ("model", ("uri",)),
        ("champion", ("uri",)),
        ("artifacts", ("uri", "connection")),
        ("schedule", ("pool",)),
    ):
        for key in keys:
            if is_template(_mapping(raw.get(block)).get(key)):
                yield (block, key), NOT_RENDERED


NOT_RENDERED = (
    f"is not rendered, so that a template here is taken as it stands; templates fit datasets.*.{', '.join(TEMPLATED[:-1])} "
    f"and {TEMPLATED[-1]}"
)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
