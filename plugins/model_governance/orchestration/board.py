"""What Airflow's database says of DAGs and runs, for the board. Only the api-server comes here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import conf

from model_governance.contract.moments import as_moment
from model_governance.notify.watch import ModelFacts, alerts_of
from model_governance.orchestration.between_tasks import VERDICT
from model_governance.orchestration.refused import REFUSED_TAG
from model_governance.orchestration.served_stores import ServedStores
from model_governance.orchestration.stores import SECTION
from model_governance.policy.names import dag_id_of
from model_governance.ui.board.board import Board
from model_governance.ui.board.index import BoardIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from model_governance.notify.watch import DagState

FAR = timedelta(days=36_500)
"""Limit of a run where neither policy nor DAG has one."""
MODEL_TAG, GOVERNED_TAG = "model", "model-governance"


class AirflowSurroundings:
    """Implements `model_governance.ui.board.board.Surroundings` with Airflow's database.

    Args:
        stores: knows which DAGs archive evidence.
    """

    def __init__(self, stores: ServedStores) -> None:
        self.stores = stores

    def ungoverned(self, dag_ids: Collection[str], models: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """DAGs with the tag `model` that no policy governs, and DAGs of policies that were refused or have no archived run."""
        tags, dags = self._tagged(dag_ids)
        governed = {model["dag_id"] for model in models}
        names = {model["model"] for model in models}
        archiving = self.stores.governed_dags()
        found = []
        for dag_id in sorted(dags):
            own, (owner, paused, description) = tags[dag_id], dags[dag_id]
            if dag_id in governed:
                continue
            if own >= {GOVERNED_TAG, REFUSED_TAG}:
                reason = f"{description}."
            elif GOVERNED_TAG in own and dag_id in archiving:
                reason = "Its policy has no archived run yet."
            elif MODEL_TAG in own and not own & names:
                reason = (
                    f"It has the tag {MODEL_TAG}, and no policy governs it: model-governance policy init drafts one."
                )
            else:
                continue
            reason += " The Dag is paused." if paused else ""
            found.append({"dag_id": dag_id, "owner": owner, "tags": sorted(own), "reason": reason})
        return found

    def halts(self, models: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[str]]:
        """Why no further run of some models may come, by the id of their DAG, in the sentences of the watch; refused policies too."""
        self.stores.governed_dags()  # reads the limits of DAGs that were serialized since
        states, running, moment = _dag_states(), _running_since(), datetime.now(UTC)
        facts = [
            ModelFacts(
                model=model["dag_id"], owner=model["owner"], policy=model["model"], known_since=moment,
                dag=states.get(model["dag_id"], "missing"), running_since=running.get(model["dag_id"]),
                limit=self._limit(model),
            )
            for model in models
        ]  # fmt: skip
        found: dict[str, dict[str, None]] = {}
        for alert in alerts_of(facts, moment=moment):
            text = alert.sentence.removeprefix(f"{alert.model}: ")
            found.setdefault(alert.model, {})[text[:1].upper() + text[1:]] = None
        tags, dags = self._tagged({model["dag_id"] for model in models})
        for dag_id, (_, _, description) in dags.items():
            if tags[dag_id] >= {GOVERNED_TAG, REFUSED_TAG}:
                found.setdefault(dag_id, {})[description] = None
        return {dag_id: list(sentences) for dag_id, sentences in found.items()}

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """The state of a run; None where there is none."""
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            state = session.scalar(select(DagRun.state).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        return None if state is None else str(state)

    def task_states(self, dag_id: str, run_id: str) -> Sequence[tuple[str, str]]:
        """Id and state of each task of a run, in the order in which they start; a mapped task once for each of its states."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import select

        of_run = select(TaskInstance.task_id, TaskInstance.state, TaskInstance.start_date).where(
            TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id
        )
        with create_session() as session:
            rows = session.execute(of_run).all()
        started = sorted(rows, key=lambda row: (row[2] is None, row[2].timestamp() if row[2] else 0.0, row[0]))
        return list(dict.fromkeys((task_id, str(state or "not started")) for task_id, state, _ in started))

    def reported(self, dag_id: str, run_id: str, task_id: str, map_index: int) -> Mapping[str, Any] | None:
        """What the task of a check pushed as its verdict; None where it pushed nothing."""
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            query = XComModel.get_many(
                run_id=run_id, dag_ids=dag_id, task_ids=task_id, key=VERDICT, map_indexes=map_index
            )
            found = session.scalars(query).first()
            value = XComModel.deserialize_value(found) if found else None
        known = isinstance(value, dict) and {"name", "outcome", "report"} <= value.keys()
        return value if known else None

    def _limit(self, model: Mapping[str, Any]) -> timedelta:
        """How long a run of a model may take: by its policy, else by its DAG, else FAR."""
        if model["deadline"] is not None:
            return timedelta(seconds=model["deadline"])
        return self.stores.run_timeout(model["dag_id"]) or FAR

    def _tagged(self, dag_ids: Collection[str]) -> tuple[dict[str, set[str]], dict[str, tuple[str, bool, str]]]:
        """The tags, and owner, pause and description, of the DAGs among these with a tag of ours."""
        from airflow.models.dag import DagModel, DagTag
        from airflow.utils.session import create_session
        from sqlalchemy import select

        ours = select(DagTag.dag_id).where(DagTag.name.in_([MODEL_TAG, GOVERNED_TAG]))
        with create_session() as session:
            tagged = session.execute(select(DagTag.dag_id, DagTag.name).where(DagTag.dag_id.in_(ours))).all()
            models = session.execute(
                select(DagModel.dag_id, DagModel.owners, DagModel.is_paused, DagModel.description).where(
                    DagModel.dag_id.in_(ours), DagModel.is_stale.is_(False)
                )
            ).all()
        tags: dict[str, set[str]] = {}
        for dag_id, name in tagged:
            tags.setdefault(dag_id, set()).add(name)
        dags = {
            dag_id: (owners or "", bool(paused), description or "")
            for dag_id, owners, paused, description in models
            if dag_id in dag_ids
        }
        return tags, dags


def _dag_states() -> dict[str, DagState]:
    """Whether each DAG that Airflow knows is active, paused, or in no file any more."""
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.execute(select(DagModel.dag_id, DagModel.is_paused, DagModel.is_stale)).all()
    return {dag_id: "missing" if stale else "paused" if paused else "active" for dag_id, paused, stale in rows}


def _running_since() -> dict[str, datetime]:
    """When the oldest run of a DAG that is running began (UTC), for DAGs with such a run."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    oldest = select(DagRun.dag_id, func.min(DagRun.start_date)).where(DagRun.state == "running").group_by(DagRun.dag_id)
    with create_session() as session:
        return {dag_id: as_moment(since) for dag_id, since in session.execute(oldest).all() if since is not None}


def airflow_board() -> Board:
    """The board of this Airflow. Its index is a file, `[model_governance] board_index`, best on a local disk."""
    from airflow.configuration import AIRFLOW_HOME

    path = Path(AIRFLOW_HOME) / (conf.get(SECTION, "board_index", fallback="") or "governance-board.sqlite")
    stores = ServedStores()
    return Board(index=BoardIndex(path, home=dag_id_of), stores=stores, surroundings=AirflowSurroundings(stores))
