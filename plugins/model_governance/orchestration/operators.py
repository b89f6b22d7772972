"""The operator that runs one check of a policy, and the operator of each kind, made from the catalogue."""

from __future__ import annotations

from functools import cache
from types import new_class
from typing import TYPE_CHECKING, Any, ClassVar, cast

from model_governance.checks import catalogue, find
from model_governance.errors import PolicyError
from model_governance.orchestration.policy_operator import (
    VERDICT,
    GovernanceViolation,
    PolicyOperator,
    run_from_context,
)
from model_governance.orchestration.stores import AirflowConnections
from model_governance.policy import DatasetSpec
from model_governance.run import run_check
from model_governance.verdict.violation import ThresholdViolation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context, XComArg

    from model_governance.contract.check import Check
    from model_governance.contract.subject import Role
    from model_governance.policy import Policy
    from model_governance.run import CheckRun
    from model_governance.store import ArtifactStore


class GovernanceCheckOperator(PolicyOperator):
    """Measures one check of a policy, judges it, stores the evidence, and fails where a violated threshold stops the run.

    A violated threshold fails the task at once (`GovernanceViolation`, never retried). A check that
    could not measure, and storage or network that does not answer, are ordinary failures, which Airflow retries.
    Either way, what was stored is pushed under the XCom key "verdict" before anything is raised.

    :param check: a check's name in the policy (templated, and may be expanded over); may be left out
        where the policy has only one that fits
    """

    template_fields: Sequence[str] = ("check", "sources", "artifacts_uri")
    kind: ClassVar[str | None] = None
    """The kind of check that this operator runs; None runs any."""

    def __init__(self, *, check: str | XComArg | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check if check is not None else only_check_of(self.policy, self.kind)
        self.sources = {
            role: dataset.model_dump(mode="json", include={"uri", "query"}, exclude_none=True)
            for role, dataset in self.policy.datasets.items()
        }
        if isinstance(self.check, str) and "{{" not in self.check:
            self.require_check()

    def execute(self, context: Context) -> None:
        """Resolve the store, run the check, push the small verdict, raise if the verdict stops the run."""
        self.require_check()
        store = self.location().open()
        done = self.run(context, store)
        url = self.link_to(done.report, store)
        context["ti"].xcom_push(key=VERDICT, value=done.summary() | {"report_url": url})
        self.log.info("%s\nreport: %s\nrecord: %s", done.verdict.sentence, done.report.uri, done.record.uri)
        try:
            done.raise_if_it_stops()
        except ThresholdViolation as violation:
            raise GovernanceViolation(f"{violation}\nreport: {done.report.uri}") from violation

    def run(self, context: Context, store: ArtifactStore, *, check: Check | None = None) -> CheckRun:
        """Run the check on the rendered sources; `check` replaces the registered one of its kind."""
        return run_check(
            self.policy, self.check, run=run_from_context(context), store=store, connections=AirflowConnections(),
            sources=self.rendered_sources(), check=check,
        )  # fmt: skip

    def rendered_sources(self) -> dict[Role, DatasetSpec]:
        """The policy's datasets with Airflow's templates filled in."""
        return {
            role: DatasetSpec.model_validate(dataset.model_dump(mode="json", exclude_none=True) | self.sources[role])
            for role, dataset in self.policy.datasets.items()
        }

    def require_check(self) -> None:
        """Refuse a check that this operator cannot run.

        Raises:
            PolicyError: the policy has no such check, or has it of another kind.
        """
        checks = self.policy.checks
        if self.check not in checks:
            raise PolicyError([f"policy {self.policy.name}: no check {self.check!r}; there are {', '.join(checks)}"])
        kind = checks[self.check].kind
        if self.kind is not None and kind != self.kind:
            raise PolicyError(
                [f"policy {self.policy.name}: check {self.check!r} is {kind}, {type(self).__name__} runs {self.kind}"]
            )


def only_check_of(policy: Policy, kind: str | None) -> str:
    """The name of the policy's only check (of a kind).

    Raises:
        PolicyError: there is none, or several.
    """
    names = [name for name, spec in policy.checks.items() if kind in (None, spec.kind)]
    if len(names) == 1:
        return names[0]
    found = f"{len(names)} ({', '.join(names)})" if names else "none"
    expected = f"one check of kind {kind}" if kind else "one check"
    raise PolicyError([f"policy {policy.name}: expected {expected}, found {found}; name it with check="])


@cache
def operator_for(kind: str) -> type[GovernanceCheckOperator]:
    """The operator of a kind of check, by which Airflow's pages show it; made from the check's declaration.

    The class can be imported from this module under its name, so that it is pickled and serialized by that name.

    Raises:
        KeyError: there is no check of this kind.
    """
    check = find(kind)
    body = {"__module__": __name__, "__doc__": check.question, "kind": kind}
    made = new_class(check.operator_name, (GovernanceCheckOperator,), exec_body=lambda names: names.update(body))
    return cast("type[GovernanceCheckOperator]", made)


def operator_names() -> dict[str, str]:
    """The class name of every operator, and the kind of check that it runs.

    Raises:
        ValueError: two checks declare operators of the same name.
    """
    kinds: dict[str, str] = {}
    for check in catalogue().values():
        other = kinds.setdefault(check.operator_name, check.kind)
        if other != check.kind:
            raise ValueError(f"checks {other} and {check.kind} both have {check.operator_name}; declare another name")
    return kinds


def __getattr__(name: str) -> Any:
    # The classes are made when they are asked for: which checks there are is known to the catalogue alone.
    if name.endswith("Operator") and name in (kinds := operator_names()):
        return operator_for(kinds[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
