"""The mapped tasks that share the heavy work of a check before it measures (`checks.NAME.mapped_tasks`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowTaskTimeout

from model_governance.engine.stored import remove_rows_of_killed_tasks
from model_governance.errors import GovernanceError
from model_governance.orchestration.between_tasks import PREPARED, PROBLEM, preparation_id
from model_governance.orchestration.one_run import wait_for_earlier_runs
from model_governance.orchestration.operators import (
    PolicyOperator,
    champion_policy,
    datasets_of_version,
    reason_of,
    rendered_sources,
    templated_sources,
)
from model_governance.orchestration.run_moment import run_from_context
from model_governance.orchestration.run_params import is_dry, require_chosen
from model_governance.orchestration.stores import AirflowConnections
from model_governance.orchestration.task_log import quiet_libraries
from model_governance.run import prepare_check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from model_governance.policy import Policy
    from model_governance.store import Stored


class PrepareCheckOperator(PolicyOperator):
    """Does one of several shares of a check's work, stores it and pushes its address, which the check's own task reads.

    A share that cannot be done on this model or these rows is left to the check, whose record then says why. Storage or
    network that does not answer is an ordinary failure, which Airflow retries.

    :param check: the check's name in the policy
    :param share: number of the share, from 0
    :param shares: how many there are
    """

    template_fields: Sequence[str] = ("sources", "artifacts_uri")

    def __init__(self, *, check: str, share: int, shares: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.share = share
        self.shares = shares
        self.sources = templated_sources(self.policy)

    def execute(self, context: Context) -> None:
        """Do the share and push the address of what was stored; a dry run stores nothing and leaves it to the check."""
        context["map_index_template"] = "{{ task.share + 1 }} of {{ task.shares }}"
        require_chosen(context, self.policy, self.check)
        wait_for_earlier_runs(context)
        if is_dry(context):
            self.log.info("dry run: nothing is stored, so that %s does this share itself", self.check)
            return
        try:
            with quiet_libraries():
                stored = self._prepare(context)
        except (Exception, AirflowTaskTimeout) as error:
            if isinstance(error, GovernanceError) and not error.infrastructure:
                self.log.warning("this share is left to %s, whose record says why: %s", self.check, reason_of(error))
                return
            sentence = f"its share {self.share + 1} of {self.shares}: {reason_of(error)}"
            context["ti"].xcom_push(key=PROBLEM, value={"name": self.check, "sentence": sentence[:2000]})
            raise
        if stored is None:
            self.log.info("%s needs nothing of this share in this run", self.check)
            return
        context["ti"].xcom_push(key=PREPARED, value=stored.record())
        self.log.info("stored for %s: %s (%d bytes, sha256 %s)", self.check, stored.uri, stored.size, stored.sha256)

    def _prepare(self, context: Context) -> Stored | None:
        remove_rows_of_killed_tasks()
        store, connections = self.location().open(), AirflowConnections()
        policy = champion_policy(self.policy, store, context)
        sources = rendered_sources(self.policy, self.sources) | datasets_of_version(policy, self.policy)
        return prepare_check(
            policy, self.check, share=self.share, shares=self.shares, run=run_from_context(context), store=store,
            connections=connections, sources=sources,
        )  # fmt: skip


def preparation_of(policy: Policy, check: str, arguments: Mapping[str, Any]) -> list[Any]:
    """The mapped tasks before a check's own task, created in the current DAG; none where the policy asks for none.

    Args:
        policy: the policy.
        check: name of the check in it.
        arguments: of the operator, as the check's own task has them.
    """
    shares = policy.checks[check].mapped_tasks
    if shares is None:
        return []
    mapped = PrepareCheckOperator.partial(task_id=preparation_id(check), check=check, shares=shares, **arguments)
    return [mapped.expand(share=list(range(shares)))]
