"""`@task.governance_check`: a check written as a function in a DAG file, judged and archived like any other."""

from __future__ import annotations

import hashlib
import inspect
import numbers
import textwrap
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory
from pydantic import TypeAdapter, ValidationError

from model_governance.contract.check import Advice, Check, Params, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, Metric, MetricSpec
from model_governance.contract.subject import Role
from model_governance.errors import CheckError, PolicyError
from model_governance.orchestration.between_tasks import is_mapped
from model_governance.orchestration.operators import GovernanceCheckOperator, read_policy, with_check
from model_governance.policy import CheckSpec
from model_governance.policy.mistakes import root_mistakes
from model_governance.policy.model import ADDED_KIND
from model_governance.policy.part import Name

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from airflow.sdk import Context

    from model_governance.contract.subject import Subject
    from model_governance.policy import Policy, Threshold
    from model_governance.run import CheckRun
    from model_governance.store import ArtifactStore

ROLES: tuple[Role, ...] = get_args(Role)
ARGUMENTS = (*ROLES, "model", "seed")


class FunctionParams(Params):
    """The function that measures: part of the policy's digest, so that changed code is a changed policy."""

    function: str
    source_sha256: str


class GovernanceCheckDecoratedOperator(DecoratedOperator, GovernanceCheckOperator):
    """Runs a function as a check of a policy; see `governance_check_task`."""

    template_fields: Sequence[str] = (*DecoratedOperator.template_fields, "sources", "artifacts_uri")
    custom_operator_name: ClassVar[str] = "@task.governance_check"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        task_id: str,
        policy: str | os.PathLike[str] | Policy,
        thresholds: Sequence[Threshold | Mapping[str, Any]],
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
        check: str | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = check or task_id.rsplit(".", 1)[-1]
        arguments = [argument for argument in ARGUMENTS if argument in inspect.signature(python_callable).parameters]
        self.added_check = _spec(name, python_callable, thresholds)
        self.own_metrics = _metric_specs(name, self.added_check, metrics or {}, python_callable)
        self.arguments = tuple(arguments)
        if not set(arguments) & set(ROLES):
            raise PolicyError([f"check {name}: the function asks for no data; name one of {', '.join(ROLES)}"])
        super().__init__(
            python_callable=python_callable,
            task_id=task_id,
            # What the policy provides at run time is bound to None while the DAG is parsed.
            op_kwargs={**dict.fromkeys(arguments), **(op_kwargs or {})},
            policy=with_check(read_policy(policy), name, self.added_check),
            check=name,
            **{**kwargs, "multiple_outputs": False},
        )
        missing = [role for role in arguments if role in ROLES and role not in self.policy.datasets]
        if missing:
            raise PolicyError([f"check {name}: policy {self.policy.name} has no datasets.{role}" for role in missing])

    def execute(self, context: Context) -> None:
        """As GovernanceCheckOperator; an expanded check is refused, because a run has one verdict per check."""
        if is_mapped(context):
            raise PolicyError([f"check {self.check}: cannot be expanded; write one decorated function per check"])
        super().execute(context)

    def run(self, context: Context, store: ArtifactStore, *, check: Check | None = None) -> CheckRun:
        """Run the function as a check that exists for this task only."""
        return super().run(context, store, check=check or self._as_check())

    def _as_check(self) -> Check:
        text = inspect.getdoc(self.python_callable) or self.check.replace("_", " ")
        return Check(
            kind=ADDED_KIND,
            title=self.check.replace("_", " ").replace("-", " ").capitalize(),
            question=text.splitlines()[0],
            params=FunctionParams,
            metrics=self.own_metrics,
            roles=tuple(role for role in ROLES if role in self.arguments),
            needs_model="model" in self.arguments,
            measure=self._measure,
            self_test=SelfTest(description="none: written in a DAG file", threshold={}, apply=lambda subject: subject),
            suggest=lambda *_, **__: Suggestion(),
            advice=Advice(
                title="Read why.", text="Open the report of the check; it names the function and its numbers."
            ),
            cost="That of the function.",
            not_calibrated="the function is known to its DAG file only",
        )

    def _measure(self, subject: Subject, _params: FunctionParams, seed: int) -> CheckResult:
        given: dict[str, Any] = {role: subject.frame(role) for role in ROLES if role in self.arguments}
        rows = min(len(frame) for frame in given.values())
        if "model" in self.arguments:
            given["model"] = subject.require_model()
        if "seed" in self.arguments:
            given["seed"] = seed
        returned = self.python_callable(*self.op_args, **{**self.op_kwargs, **given})
        return CheckResult(kind=ADDED_KIND, seed=seed, metrics=tuple(self._metrics(returned, rows)))

    def _metrics(self, returned: Any, rows: int) -> list[Metric]:
        if not isinstance(returned, dict) or not returned:
            raise CheckError(
                f"{self.check}: the function returned {type(returned).__name__} {returned!r:.100}; "
                "expected a mapping of metric names to numbers with at least one entry"
            )
        specs = {spec.name: spec for spec in self.own_metrics}
        return [_metric(self.check, name, value, rows, specs.get(name)) for name, value in returned.items()]


def governance_check_task(
    python_callable: Callable[..., Any] | None = None,
    *,
    policy: str | os.PathLike[str] | Policy,
    thresholds: Sequence[Threshold | Mapping[str, Any]],
    metrics: Mapping[str, Mapping[str, Any]] | None = None,
    check: str | None = None,
    **kwargs: Any,
) -> TaskDecorator:
    """Make a check of a function: `@task.governance_check(policy=..., thresholds=[...])`.

    The function gets what it names of `train, reference, current, labels, population` (DataFrames as the
    policy describes them), `model` (with `predict` and `predict_proba`) and `seed`, and returns a mapping of
    metric names to finite numbers or `Metric` objects. `n` of a bare number is the size of the smallest
    dataset asked for. It is judged, stored and raised like any check; a metric that a threshold names and
    the function does not return is an error.

    Args:
        python_callable: the function; the decorator fills it in.
        policy: the policy that provides the data; its file or the policy itself.
        thresholds: as in a policy; at least one.
        metrics: `better` ("lower", "higher", "neither"), `meaning` and `unit` by metric name.
        check: name of the check in record and archive, by default the function's name.
        kwargs: arguments of any operator (pool, retries, execution_timeout ...).

    Raises:
        PolicyError: thresholds, names or datasets do not fit; lists the problems.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=False,
        decorated_operator_class=GovernanceCheckDecoratedOperator,
        policy=policy,
        thresholds=thresholds,
        metrics=metrics,
        check=check,
        **kwargs,
    )


def _spec(name: str, function: Callable[..., Any], thresholds: Sequence[Threshold | Mapping[str, Any]]) -> CheckSpec:
    source = textwrap.dedent(inspect.getsource(function))
    params = FunctionParams(function=function.__qualname__, source_sha256=hashlib.sha256(source.encode()).hexdigest())
    try:
        TypeAdapter(Name).validate_python(name)
        return CheckSpec.model_validate(
            {"kind": ADDED_KIND, "params": params.model_dump(), "thresholds": list(thresholds)}
        )
    except ValidationError as error:
        raise PolicyError(
            [
                f"check {name}: {'.'.join(map(str, mistake['loc']))} {mistake['msg'].removeprefix('Value error, ')}"
                for mistake in root_mistakes(error)
            ]
        ) from error


def _metric_specs(
    name: str, spec: CheckSpec, metrics: Mapping[str, Mapping[str, Any]], function: Callable[..., Any]
) -> tuple[MetricSpec, ...]:
    defaults = {"better": "neither", "meaning": "", "unit": ""}
    unknown = [
        f"check {name}: metrics.{metric} has no key {key!r}"
        for metric in metrics
        for key in metrics[metric]
        if key not in defaults
    ]
    if unknown:
        raise PolicyError(unknown)
    names = dict.fromkeys([*(threshold.metric for threshold in spec.thresholds), *metrics])
    specs = {}
    for metric in names:
        facts = {**defaults, **metrics.get(metric, {})}
        specs[metric] = MetricSpec(
            name=metric,
            better=facts["better"],
            unit=facts["unit"],
            meaning=facts["meaning"] or f"as {function.__name__} computes it",
        )
    undirected = [
        threshold.metric
        for threshold in spec.thresholds
        if threshold.is_change and specs[threshold.metric].better == "neither"
    ]
    if undirected:
        raise PolicyError(
            [
                f"check {name}: a change of {metric} cannot be judged; say metrics={{{metric!r}: {{'better': ...}}}}"
                for metric in undirected
            ]
        )
    return tuple(specs.values())


def _metric(check: str, name: Any, value: Any, rows: int, spec: MetricSpec | None) -> Metric:
    if isinstance(value, Metric):
        return value
    if hasattr(value, "item"):  # numpy scalars
        value = value.item()
    if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise CheckError(f"{check}: {name!r} is {value!r:.100}; expected a name and a finite number, or a Metric")
    known = spec or MetricSpec(name=name, meaning="", better="neither")
    number = int(value) if isinstance(value, numbers.Integral) else float(value)
    return Metric(name=name, value=number, n=rows, meaning=known.meaning, better=known.better, unit=known.unit)
