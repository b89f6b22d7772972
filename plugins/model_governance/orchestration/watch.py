"""The DAG that watches the others: it gathers facts about every model, tells about those that are not governed, and fails.

A task has no database. What Airflow knows of a DAG comes over the interface that every task has, so that the watch needs no
user, no token and no right of an administrator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator, Variable

from model_governance.contract.moments import parse_moment
from model_governance.errors import EvidenceError, GovernanceError, ObjectMissing, PolicyError
from model_governance.evidence.chain import find_head, link_key, models_with_chain, read_link
from model_governance.evidence.trust import trust_of
from model_governance.notify import for_whole_model
from model_governance.notify.watch import Alert, ModelFacts, alerts_of, due_moments, watch_note
from model_governance.orchestration.between_tasks import GovernanceViolation
from model_governance.orchestration.channels import ChannelFailed, send
from model_governance.orchestration.dag_settings import NO_SETTINGS
from model_governance.orchestration.dags import policy_files
from model_governance.orchestration.operators import COLOUR, read_policy
from model_governance.orchestration.run_limits import run_timeout
from model_governance.orchestration.stores import AirflowConnections, StoreLocation, configured_location, store_location
from model_governance.orchestration.telemetry import count_watch
from model_governance.policy.load import read_source
from model_governance.policy.names import dag_id_of, names_in
from model_governance.policy.notifications import ChannelSpec

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.sdk import Context

    from model_governance.evidence.trust import Trust
    from model_governance.notify.watch import DagState
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

ALERTS = "alerts"
"""XCom key of the alerts of a watch."""
MISSED = 2
LINKS_READ = 50
"""Newest links that are searched for that of a run; others are about acceptances, waivers and requests."""
FAR = timedelta(days=36_500)


def governance_watch_dag(
    folder: str | os.PathLike[str],
    *,
    channels: Sequence[ChannelSpec | Mapping[str, Any]] = (),
    missed: int = MISSED,
    retired: Sequence[str] = (),
    dag_id: str = "governance_watch",
    schedule: str | None = "@hourly",
) -> DAG:
    """A DAG that tells which models are not governed: no run, a stuck run, a paused or vanished DAG, no evidence.

    Args:
        folder: the policies.
        channels: who hears of every model, as in `notifications.channels`; the channels of a policy hear of their model.
        missed: how many runs that were due may leave no evidence before that is an alert.
        retired: models whose policy was removed on purpose, while their archive is kept.
        dag_id: id of the DAG.
        schedule: when it watches.

    Raises:
        ValueError: a channel is none, or `missed` is less than one.
    """
    if missed < 1:
        raise ValueError(f"missed: expected at least 1, found {missed}")
    dag = DAG(
        dag_id=dag_id, description="Tells which models are not governed", schedule=schedule,
        start_date=datetime(2025, 1, 1, tzinfo=UTC), catchup=False, max_active_runs=1, tags={"model-governance"},
        is_paused_upon_creation=False, dagrun_timeout=timedelta(hours=1), default_args={"retries": 1, "retry_delay": timedelta(minutes=1)},
    )  # fmt: skip
    WatchOperator(task_id="watch", folder=folder, channels=channels, missed=missed, retired=retired, dag=dag)
    return dag


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the watch remembers of a model: since when it is watched, its owner, and where its archive is."""

    since: datetime
    owner: str
    location: StoreLocation

    def record(self) -> dict[str, Any]:
        place = self.location
        return {"since": self.since.isoformat(), "owner": self.owner, "uri": place.uri, "folder": str(place.folder),
                "connection": place.connection}  # fmt: skip


class WatchOperator(BaseOperator):
    """Gathers the facts of every model, sends one message about all that are not governed, and fails with their sentences.

    What it remembers stands in the Airflow Variable `<dag_id>_memory`: since when it knows a model, where the archive of
    each is, and since when an alert goes on. A message is sent when an alert is new or over, and once a day while any goes on.

    :param folder: the policies
    :param channels: who hears of every model
    :param missed: how many runs that were due may leave no evidence
    :param retired: models whose policy was removed on purpose
    """

    ui_color = COLOUR

    def __init__(
        self, *, folder: str | os.PathLike[str], channels: Sequence[ChannelSpec | Mapping[str, Any]] = (),
        missed: int = MISSED, retired: Sequence[str] = (), **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.folder = str(folder)
        self.channels = tuple(ChannelSpec.model_validate(channel) for channel in channels)
        self.missed = missed
        self.retired = tuple(retired)

    def execute(self, context: Context) -> None:
        """Watch, remember, tell; GovernanceViolation lists every alert."""
        moment = datetime.now(UTC)
        name = f"{self.dag_id}_memory"
        memory: dict[str, Any] = Variable.get(name, default={}, deserialize_json=True)
        known = {model: _known(record) for model, record in memory.get("models", {}).items()}
        policies: dict[str, Policy] = {}
        facts = list(self._facts(context, known, policies, moment))
        alerts = alerts_of(facts, moment=moment)
        before = {alert: parse_moment(since) for alert, since in memory.get("alerts", {}).items()}
        is_news = {alert.name for alert in alerts} != before.keys()
        told = memory.get("told")
        if is_news or told is None or parse_moment(told).date() != moment.date():
            self._tell(alerts, before, policies, moment)
            told = moment.isoformat()
        Variable.set(
            name,
            {"models": {model: each.record() for model, each in known.items()}, "told": told,
             "alerts": {alert.name: before.get(alert.name, moment).isoformat() for alert in alerts}},
            serialize_json=True,
        )  # fmt: skip
        rows = [{"model": each.model, "kind": each.kind, "sentence": each.sentence} for each in alerts]
        context["ti"].xcom_push(key=ALERTS, value=rows)
        count_watch(len({alert.model for alert in alerts}))
        if alerts:
            raise GovernanceViolation("\n".join(alert.sentence for alert in alerts))
        self.log.info("every model is governed: %d watched", len(facts))

    def _facts(
        self, context: Context, known: dict[str, _Known], policies: dict[str, Policy], moment: datetime
    ) -> Iterator[ModelFacts]:
        """The facts of every model; `known` and `policies` are filled on the way."""
        watched = set()
        for file in _files(self.folder):
            facts, policy = self._of_file(file, known, moment)
            watched.add(facts.model)
            if policy is not None:
                policies[policy.name] = policy
            yield replace(facts, **_of_dag(context, facts.model, moment))
        configured = configured_location()
        try:
            archived = models_with_chain(configured.open())
        except GovernanceError as error:
            self.log.warning("%s: models without policy cannot be found there: %s", configured.uri, error)
            archived = []
        for model in archived:
            known.setdefault(model, _Known(since=moment, owner="", location=configured))
        for model in sorted(known.keys() - watched - set(self.retired)):
            place = known[model]
            gone = ModelFacts(model=model, owner=place.owner, policy=None, known_since=place.since)
            yield replace(gone, **_of_archive(place.location, model, None))

    def _of_file(
        self, file: Path, known: dict[str, _Known], moment: datetime
    ) -> tuple[ModelFacts, Policy | None]:  # fmt: skip
        try:
            policy = read_policy(file)
        except PolicyError as error:
            model, owner = _names(file)
            since = known[model].since if model in known else moment
            refused = str(error).splitlines()[0]
            return ModelFacts(model=model, owner=owner, policy=file.name, refused=refused, known_since=since), None
        since = known[policy.name].since if policy.name in known else moment
        location = replace(store_location(policy), protection=None)
        known[policy.name] = _Known(since=since, owner=policy.owner, location=location)
        minutes = policy.schedule.deadline_minutes
        limit = run_timeout(policy, NO_SETTINGS.of_tasks(policy)) if minutes is None else timedelta(minutes=minutes)
        facts = ModelFacts(
            model=policy.name, owner=policy.owner, policy=file.name, known_since=since, limit=limit,
            due=due_moments(policy, moment=moment, limit=limit, missed=self.missed),
        )  # fmt: skip
        return replace(facts, **_of_archive(location, policy.name, policy)), policy

    def _tell(
        self, alerts: Sequence[Alert], before: Mapping[str, datetime], policies: Mapping[str, Policy], moment: datetime
    ) -> None:
        """Each channel hears of the models that it is for; one that fails is logged."""
        heard: dict[ChannelSpec, set[str] | None] = dict.fromkeys(self.channels)
        for policy in policies.values():
            for channel in policy.notifications.channels:
                models = heard.setdefault(for_whole_model(channel, policy), set())
                if models is not None:
                    models.add(policy.name)
        for channel, models in heard.items():
            mine = [alert for alert in alerts if models is None or alert.model in models]
            known = {name: since for name, since in before.items() if models is None or name.split("/")[0] in models}
            note = watch_note(mine, before=known, moment=moment)
            if note is None:
                continue
            try:
                send(note, channel, to=channel.to)
                self.log.info("told %s (%s)", channel.type, channel.connection)
            except ChannelFailed as failure:
                self.log.warning("%s (%s) was not told: %s", channel.type, channel.connection, failure)


def last_evidence(store: ArtifactStore, model: str, *, trust: Trust | None) -> datetime | None:
    """When the newest run of a model was recorded (UTC); None where no run was, or none that a trusted key vouches for.

    Raises:
        StoreUnreachable: as `ArtifactStore.get`.
    """
    head = find_head(store, model).sequence
    for sequence in range(head, max(0, head - LINKS_READ), -1):
        try:
            link = read_link(store, link_key(model, sequence))
        except (EvidenceError, ObjectMissing):
            continue  # verification reports it; what is damaged is no evidence
        if link.kind == "run" and (trust is None or not link.problem_of(trust)):
            return link.recorded_at
    return None


def _of_archive(location: StoreLocation, model: str, policy: Policy | None) -> dict[str, Any]:
    try:
        trust = None if policy is None else trust_of(policy, AirflowConnections())
        return {"evidence": last_evidence(location.open(), model, trust=trust)}
    except GovernanceError as error:
        return {"archive_problem": str(error).splitlines()[0]}


def _of_dag(context: Context, model: str, moment: datetime) -> dict[str, Any]:
    """What Airflow knows of the DAG of a model. The error where it knows none depends on who carries the question."""
    dag_id = dag_id_of(model)
    try:
        paused = context["ti"].get_dag(dag_id).is_paused
    except Exception as error:
        said = f"{error} {getattr(error, 'detail', '')}"
        state: DagState = "missing" if "not_found" in said or "404" in said else "unknown"
        return {"dag": state}
    return {"dag": "paused" if paused else "active", "running_since": _running_since(dag_id, moment)}


def _running_since(dag_id: str, moment: datetime) -> datetime | None:
    """When the newest run of a DAG that is running began; None where none is.

    The context of a task asks this for its own DAG only, so that the message behind it is sent for another one. Runs
    without a logical date are not found this way; that they leave no evidence is noticed all the same.
    """
    from airflow.sdk.execution_time.comms import GetPreviousDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    answer = SUPERVISOR_COMMS.send(GetPreviousDagRun(dag_id=dag_id, logical_date=moment + FAR, state="running"))
    run = getattr(answer, "dag_run", None)
    return None if run is None else run.start_date


def _files(folder: str) -> list[Path]:
    try:
        return policy_files(Path(folder))
    except PolicyError:
        return []  # every policy is gone: each model of the archive is an alert


def _names(file: Path) -> tuple[str, str]:
    try:
        names = names_in(read_source(file))
    except PolicyError:
        return file.stem, ""
    return names.model or file.stem, names.owner or ""


def _known(record: Mapping[str, Any]) -> _Known:
    location = StoreLocation(uri=record["uri"], folder=Path(record["folder"]), connection=record["connection"])
    return _Known(since=parse_moment(record["since"]), owner=record["owner"], location=location)
