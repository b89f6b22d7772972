"""What stands for a policy that was refused: a DAG that fails every night, and an import error."""

from __future__ import annotations

import inspect
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator

from model_governance.orchestration.between_tasks import GovernanceViolation
from model_governance.orchestration.dag_settings import NO_SETTINGS, DagSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import Context

log = logging.getLogger(__name__)

REFUSED_TAG = "refused"


def refused_dag(
    file: Path, problems: Sequence[str], *, dag_id: str, owner: str | None = None, settings: DagSettings = NO_SETTINGS
) -> DAG:
    """The daily DAG of a policy with mistakes: never paused, its only task fails and lists them.

    It has the access control, the tags and the callbacks of the other DAGs: who hears of a failed run hears of this one.
    """
    dag = DAG(
        dag_id=dag_id,
        description=f"{file.name} was refused; nothing is checked until it is corrected",
        schedule="@daily",
        start_date=datetime(2025, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags={"model-governance", REFUSED_TAG, *settings.tags},
        # Airflow would read a text that ends in `.md` as the path of a file.
        doc_md="\n".join([f"`{file.name}` was refused:", "", *(f"- {problem}" for problem in problems), ""]),
        default_args={"owner": owner} if owner else {},
        auto_register=False,
        **settings.of_dag(),
    )
    RefusedPolicyOperator(task_id="policy_refused", problems=problems, dag=dag)
    return dag


class RefusedPolicyOperator(BaseOperator):
    """Fails with the problems of a policy: a policy that cannot be read never passes.

    :param problems: one located sentence per mistake
    """

    def __init__(self, *, problems: Sequence[str], retries: int = 0, **kwargs: Any) -> None:
        super().__init__(retries=retries, **kwargs)
        self.problems = list(problems)

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow hands it over
        """Raise GovernanceViolation with every problem."""
        raise GovernanceViolation("the policy was refused, nothing was checked:\n" + "\n".join(self.problems))


def report_import_errors(files: Iterable[Path], refused: dict[Path, Sequence[str]]) -> None:
    """Give Airflow an import error for every refused file, and none for the others, while a DAG file is parsed.

    An error under the name of the DAG file would mark every DAG of that file as stale, which takes the other models'
    DAGs away, so each stands under the name of its policy. Airflow has no function for that: the errors are added to
    those of the DagBag that is parsing. Outside of one, there is nobody to report to.
    """
    bag = _bag_in_progress()
    if bag is None:
        return
    for file in files:
        inside = bag.bundle_path is not None and file.is_relative_to(bag.bundle_path)
        name = str(file.relative_to(bag.bundle_path)) if inside and bag.bundle_path is not None else str(file)
        bag.import_errors.pop(name, None)
        if file in refused:
            bag.import_errors[name] = "policy refused:\n" + "\n".join(refused[file])


def _bag_in_progress() -> DagBag | None:
    module = sys.modules.get("airflow.dag_processing.dagbag")
    frame = inspect.currentframe()
    while module is not None and frame is not None:
        bag = frame.f_locals.get("self")
        if isinstance(bag, module.DagBag):
            return bag
        frame = frame.f_back
    return None
