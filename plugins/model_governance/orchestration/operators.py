"""The operator that runs one check of a policy, and its named forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from model_governance.errors import PolicyError
from model_governance.orchestration.airflow_connections import AirflowConnections
from model_governance.orchestration.policy_operator import VERDICT, PolicyOperator
from model_governance.orchestration.run_context import run_of
from model_governance.orchestration.violation import GovernanceViolation
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
    """Measures one check of a policy, judges it, stores the evidence, and fails if a threshold says so.

    A violated threshold fails the task at once (`GovernanceViolation`, never retried). A check that
    could not measure and trouble with storage or network are ordinary failures, which Airflow retries.
    Either way, what was stored is pushed under the XCom key "verdict" before anything is raised.

    :param check: a check's name in the policy (templated, and may be expanded over); may be left out
        where the policy has only one that fits
    """

    template_fields: Sequence[str] = ("check", "sources", "artifacts_uri")
    kind: ClassVar[str | None] = None
    """The kind of check that a named form is for."""

    def __init__(self, *, check: str | XComArg | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check if check is not None else the_only_check(self.policy, self.kind)
        self.sources = {
            role: one.model_dump(mode="json", include={"uri", "query"}, exclude_none=True)
            for role, one in self.policy.datasets.items()
        }
        if isinstance(self.check, str) and "{{" not in self.check:
            self.require_check()

    def execute(self, context: Context) -> None:
        """Resolve the store, run the check, push the small verdict, raise if the verdict stops the run."""
        self.require_check()
        store = self.place().open()
        done = self.run(context, store)
        address = self.link_to(done.report, store)
        context["ti"].xcom_push(key=VERDICT, value=done.summary() | {"address": address})
        self.log.info("%s\nreport: %s\nrecord: %s", done.verdict.sentence, done.report.uri, done.record.uri)
        try:
            done.raise_if_it_stops()
        except ThresholdViolation as violation:
            raise GovernanceViolation(f"{violation}\nreport: {done.report.uri}") from violation

    def run(self, context: Context, store: ArtifactStore, *, check: Check | None = None) -> CheckRun:
        """Run the check on the rendered sources; `check` replaces the registered one of its kind."""
        return run_check(
            self.policy, self.check, run=run_of(context), store=store, connections=AirflowConnections(),
            sources=self.rendered_sources(), check=check,
        )  # fmt: skip

    def rendered_sources(self) -> dict[Role, DatasetSpec]:
        """The policy's datasets with Airflow's templates filled in."""
        return {
            role: DatasetSpec.model_validate(one.model_dump(mode="json", exclude_none=True) | self.sources[role])
            for role, one in self.policy.datasets.items()
        }

    def require_check(self) -> None:
        """Nothing, or PolicyError when the policy has no such check, or has it of another kind."""
        checks = self.policy.checks
        if self.check not in checks:
            raise PolicyError([f"policy {self.policy.name}: no check {self.check!r}; there are {', '.join(checks)}"])
        found = checks[self.check].kind
        if self.kind is not None and found != self.kind:
            raise PolicyError(
                [f"policy {self.policy.name}: check {self.check!r} is {found}, {type(self).__name__} runs {self.kind}"]
            )


def the_only_check(policy: Policy, kind: str | None) -> str:
    """The name of the policy's only check (of a kind).

    Raises:
        PolicyError: there is none, or several.
    """
    fitting = [name for name, one in policy.checks.items() if kind in (None, one.kind)]
    if len(fitting) == 1:
        return fitting[0]
    found = f"{len(fitting)} ({', '.join(fitting)})" if fitting else "none"
    wanted = f"one check of kind {kind}" if kind else "one check"
    raise PolicyError([f"policy {policy.name}: expected {wanted}, found {found}; name it with check="])


class DataValidationOperator(GovernanceCheckOperator):
    """Great Expectations: is the data what the model was built for?"""

    kind = "data_validation"


class DataDriftOperator(GovernanceCheckOperator):
    """Exact statistics and Evidently's report: has the data moved away from the reference?"""

    kind = "data_drift"


class ModelQualityOperator(GovernanceCheckOperator):
    """Does the model still answer well?"""

    kind = "model_quality"


class EvasionOperator(GovernanceCheckOperator):
    """Adversarial Robustness Toolbox: do small changes of an input change the answer?"""

    kind = "evasion"


class MembershipInferenceOperator(GovernanceCheckOperator):
    """Membership inference: does the model give away who was in its training data?"""

    kind = "membership_inference"


class PerformanceEstimationOperator(GovernanceCheckOperator):
    """Calibrated confidence or a learned loss: how good is the model before labels arrive?"""

    kind = "performance_estimation"


class FairnessOperator(GovernanceCheckOperator):
    """Fairlearn's measures: does the model treat groups alike?"""

    kind = "fairness"


class AttributionDriftOperator(GovernanceCheckOperator):
    """Do the model's answers still hang on the same features?"""

    kind = "attribution_drift"


class CorruptionOperator(GovernanceCheckOperator):
    """Graded dirt: do missing values, wrong units and stale features change the answers?"""

    kind = "corruption"


class AttributeInferenceOperator(GovernanceCheckOperator):
    """Does the model give away what people kept to themselves?"""

    kind = "attribute_inference"


class ModelInversionOperator(GovernanceCheckOperator):
    """Can training rows be rebuilt from the model's answers?"""

    kind = "model_inversion"


class ModelExtractionOperator(GovernanceCheckOperator):
    """How much of the model can be copied from its answers?"""

    kind = "model_extraction"


class PoisoningScreenOperator(GovernanceCheckOperator):
    """Did somebody tamper with the new training window?"""

    kind = "poisoning_screen"


class ArtifactScanOperator(GovernanceCheckOperator):
    """Is the model file what it says, before anything loads it?"""

    kind = "artifact_scan"


NAMED: dict[str | None, type[GovernanceCheckOperator]] = {
    one.kind: one
    for one in (
        DataValidationOperator,
        DataDriftOperator,
        ModelQualityOperator,
        EvasionOperator,
        MembershipInferenceOperator,
        PerformanceEstimationOperator,
        FairnessOperator,
        AttributionDriftOperator,
        CorruptionOperator,
        AttributeInferenceOperator,
        ModelInversionOperator,
        ModelExtractionOperator,
        PoisoningScreenOperator,
        ArtifactScanOperator,
    )
}


def operator_for(kind: str) -> type[GovernanceCheckOperator]:
    """The named operator of a kind of check, by which Airflow's pages show it; the general one for other kinds."""
    return NAMED.get(kind, GovernanceCheckOperator)
