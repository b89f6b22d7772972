"""The DAG that answers a request for retraining: screen the window, train, govern the challenger, promote or refuse it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, get_parsing_context
from airflow.sdk.exceptions import AirflowFailException

from model_governance.authoring.decisions import measured, refuse
from model_governance.authoring.promote import Proposal, conclude, govern_challenger
from model_governance.authoring.retrain import register, screen_window, screened_sha256, train, training_request
from model_governance.authoring.retraining import open_retraining
from model_governance.authoring.waive import Person, require_two_persons
from model_governance.checks import catalogue
from model_governance.errors import GovernanceError, PolicyError
from model_governance.evidence.history import Archive
from model_governance.evidence.promotions import Version, champion_version
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of
from model_governance.orchestration.assets import retraining_asset
from model_governance.orchestration.between_tasks import GovernanceViolation, pull_all
from model_governance.orchestration.dag_settings import NO_SETTINGS
from model_governance.orchestration.dags import policy_files
from model_governance.orchestration.operators import COLOUR, PolicyOperator
from model_governance.orchestration.stores import AirflowConnections
from model_governance.orchestration.task_log import quiet_libraries
from model_governance.orchestration.waiver_desk import approvers_of, responded_at
from model_governance.policy import load_policy
from model_governance.policy.names import dag_id_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from airflow.sdk import Context

    from model_governance.authoring.retraining import Retraining
    from model_governance.evidence.promotions import Promotion
    from model_governance.policy import Policy, TrainingSpec
    from model_governance.store import ArtifactStore

RETURN = "return_value"
SUFFIX = ".retraining"
WAIT = timedelta(days=7)


def governance_retraining_dag(
    policy: Policy,
    *,
    response_timeout: timedelta = WAIT,
    auto_register: bool = True,
) -> DAG:
    """The retraining DAG of a policy that names a training entry point; scheduled on the requests of its model.

    Started by hand it takes the request from the conf: `{"manifest": {"key": …, "sha256": …}}`.

    Args:
        policy: with `retraining.train` and `promotion`.
        response_timeout: how long an approver may take under `promotion.approve: human`; without an answer nothing is promoted.
        auto_register: whether Airflow finds the DAG although the DAG file assigns it to no name.

    Raises:
        PolicyError: the policy names no training entry point.
    """
    spec = policy.retraining.train if policy.retraining else None
    if spec is None or policy.promotion is None:
        raise PolicyError([f"policy {policy.name}: no `retraining.train`, so there is nothing to run; add it"])
    dag = DAG(
        dag_id=retraining_dag_id(policy.name), description=f"Retrains {policy.name} when a run requests it",
        schedule=[retraining_asset(policy.name)], start_date=datetime(2025, 1, 1, tzinfo=UTC), catchup=False,
        max_active_runs=1, tags={"model-governance", "retraining", policy.name},
        auto_register=auto_register,
    )  # fmt: skip
    shared: dict[str, Any] = {"policy": policy, **NO_SETTINGS.of_tasks(policy)}
    with dag:
        screen = ScreenWindowOperator(task_id="screen", **shared)
        govern = GovernChallengerOperator(task_id="govern", **shared)
        decide = DecideOnChallengerOperator(task_id="decide", **shared)
        TakeRequestOperator(task_id="request", **shared) >> screen
        _training(spec, shared, screen, govern)
        if policy.promotion.approve == "human":
            approve = ApprovePromotionOperator(
                task_id="approve", response_timeout=response_timeout, approvers=approvers_of(policy), model=policy.name
            )
            govern >> approve >> decide
        govern >> decide
    return dag


def governance_retraining_dags(folder: str | os.PathLike[str]) -> dict[str, DAG]:
    """The retraining DAG of every policy of a folder that names a training entry point, by DAG id.

    A policy with mistakes has none: its governance DAG says what they are.

    Raises:
        PolicyError: the folder is missing or holds no policy.
    """
    asked = get_parsing_context().dag_id
    dags: dict[str, DAG] = {}
    for file in policy_files(Path(folder)) if asked is None or asked.endswith(SUFFIX) else ():
        try:
            policy = load_policy(file, catalogue())
        except PolicyError:
            continue
        if policy.retraining is not None and policy.retraining.train is not None:
            dag = governance_retraining_dag(policy, auto_register=False)
            dags[dag.dag_id] = dag
    return dags


def retraining_dag_id(model: str) -> str:
    """The id of the retraining DAG of a model; no name of a model has a dot, so that it is no other model's governance DAG."""
    return f"{dag_id_of(model)}{SUFFIX}"


def _training(spec: TrainingSpec, shared: Mapping[str, Any], screen: Any, govern: Any) -> None:
    """The tasks between screen and govern: a function of the user, or a DAG of theirs and what it made."""
    chosen = {
        "pool": spec.pool, "queue": spec.queue, "executor": spec.executor,
        "executor_config": spec.executor_config or None, "execution_timeout": timedelta(minutes=spec.timeout_minutes),
    }  # fmt: skip
    own = {**shared, **{name: value for name, value in chosen.items() if value is not None}}
    if spec.dag is None:
        screen >> TrainChallengerOperator(task_id="train", **own) >> govern
        return
    timing = {name: value for name, value in own.items() if name != "policy"}
    trigger = TriggerTrainingOperator(
        task_id="trigger_training", trigger_dag_id=spec.dag, wait_for_completion=True, reset_dag_run=True, **timing
    )
    screen >> trigger >> RegisterChallengerOperator(task_id="train", **shared) >> govern


class RetrainingOperator(PolicyOperator):
    """A task of the retraining DAG: it opens the retraining that the first task found, and fails with what cannot be mended by a retry."""

    def execute(self, context: Context) -> Any:
        """The step, on the opened retraining; a mistake of the policy or of the user's code is not tried again."""
        try:
            with quiet_libraries():
                store = self.location().open()
                return self.step(context, self.opened(context, store), store)
        except GovernanceError as error:
            if error.infrastructure:
                raise
            raise AirflowFailException(str(error)) from error

    def step(self, context: Context, retraining: Retraining, store: ArtifactStore) -> Any:
        """What this task does; returns JSON types."""
        raise NotImplementedError

    def opened(self, context: Context, store: ArtifactStore) -> Retraining:
        """The retraining of this run. Raises as `open_retraining`."""
        asked, *screened = pull_all(context, ["request", "screen"], RETURN)
        return open_retraining(
            self.policy, store, asked["manifest"], champion=Version(**asked["champion"]),
            window_sha256=str(screened[0]) if screened else None,
        )  # fmt: skip

    def refuse(
        self, context: Context, retraining: Retraining, store: ArtifactStore, summaries: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Store that the window is refused, and fail. Raises GovernanceViolation."""
        done = refuse(
            retraining, "\n".join(each["sentence"] for each in summaries.values()), store,
            measured=measured(summaries, "window"), moment=context["dag_run"].start_date.astimezone(UTC),
            signer=signer_of(self.policy, AirflowConnections()),
        )  # fmt: skip
        raise GovernanceViolation(f"{done.sentence}\n{store.locate(done.key)}")


class TakeRequestOperator(RetrainingOperator):
    """Reads the newest request that started the run and who is champion now; both stay the same for all tasks."""

    def opened(self, context: Context, store: ArtifactStore) -> Retraining:
        """The retraining of the newest request. Raises as `open_retraining`, and AirflowFailException without a request."""
        archive = Archive(store, self.policy.name, trust=trust_of(self.policy, AirflowConnections()))
        champion = champion_version(archive, self.policy)
        return open_retraining(self.policy, store, self._manifest(context), champion=champion)

    def step(self, context: Context, retraining: Retraining, store: ArtifactStore) -> dict[str, Any]:  # noqa: ARG002 - one interface for all steps
        """Say why the model is trained again."""
        self.log.info("%s is trained again:\n%s", retraining.policy.name, "\n".join(retraining.findings))
        return {"manifest": dict(retraining.manifest), "champion": retraining.champion.record()}

    def _manifest(self, context: Context) -> Mapping[str, str]:
        asset = retraining_asset(self.policy.name)
        found = context.get("triggering_asset_events")
        events = list(found[asset]) if found and asset in found else []
        given = max(events, key=lambda event: event.timestamp).extra if events else context["dag_run"].conf
        manifest = (given or {}).get("manifest")
        if not isinstance(manifest, dict) or not {"key", "sha256"} <= set(manifest):
            raise AirflowFailException(
                f"{self.policy.name}: nothing was requested; expected an event of {asset.uri}, or the conf "
                '{"manifest": {"key": …, "sha256": …}} of the run that should have requested it'
            )
        return {name: str(manifest[name]) for name in ("key", "sha256")}


class ScreenWindowOperator(RetrainingOperator):
    """Compares the window with the rows of the champion; a window that is refused ends the run, with evidence.

    Returns the digest of the rows that it screened: the tasks after it accept no others. None where nothing screens them.
    """

    def step(self, context: Context, retraining: Retraining, store: ArtifactStore) -> str | None:
        """Screen, or refuse. Raises GovernanceViolation."""
        found = {each["name"]: each for each in screen_window(retraining, store, AirflowConnections())}
        if any(each["stops"] for each in found.values()):
            self.refuse(context, retraining, store, found)
        self.log.info("%s", "\n".join(each["sentence"] for each in found.values()) or "no check screens the window")
        return screened_sha256(store, found.values())


class TrainChallengerOperator(RetrainingOperator):
    """Calls the training function of the policy and registers what it made as challenger."""

    def step(self, context: Context, retraining: Retraining, store: ArtifactStore) -> dict[str, Any]:  # noqa: ARG002 - one interface for all steps
        """Train."""
        connection = self.location().connection
        return train(retraining, store, AirflowConnections(), connection=connection).record()


class TriggerTrainingOperator(TriggerDagRunOperator):
    """Starts the training DAG of the policy with the request as its conf, one run per request."""

    ui_color = COLOUR

    def execute(self, context: Context) -> None:
        """Trigger, and wait until it has ended."""
        screen = self.get_dag().get_task("screen")
        retraining = screen.opened(context, screen.location().open())
        self.conf = training_request(retraining)
        self.trigger_run_id = training_run_id(retraining)
        super().execute(context)


class RegisterChallengerOperator(RetrainingOperator):
    """Registers what the task of the training DAG returned as challenger."""

    def step(self, context: Context, retraining: Retraining, store: ArtifactStore) -> dict[str, Any]:
        """Read its return value; AirflowFailException where there is none."""
        spec = self.policy.retraining.train if self.policy.retraining else None
        if spec is None:
            raise PolicyError([f"policy {self.policy.name}: no `retraining.train`"])
        run_id = training_run_id(retraining)
        made = context["ti"].xcom_pull(dag_id=spec.dag, run_id=run_id, task_ids=spec.task, key=RETURN)
        if made is None:
            raise AirflowFailException(
                f"task {spec.task} of DAG {spec.dag}, run {run_id}, returned nothing; expected the keys of `model` that "
                "change, at least uri"
            )
        version = register(
            retraining, made, store, AirflowConnections(), folder=retraining.policy.folder,
            connection=self.location().connection,
        )  # fmt: skip
        return version.record()


class GovernChallengerOperator(RetrainingOperator):
    """Runs every check of the policy on the challenger, scans of its file first, and compares it with the champion."""

    def step(self, context: Context, retraining: Retraining, store: ArtifactStore) -> dict[str, Any]:
        """Govern; what the evidence says goes on to be decided."""
        version = Version(**pull_all(context, ["train"], RETURN)[0])
        proposal = govern_challenger(retraining, version, store, AirflowConnections())
        self.log.info("%s", "\n".join(each["sentence"] for each in proposal.comparisons))
        return proposal.record()


class ApprovePromotionOperator(ApprovalOperator):
    """Asks an approver whether the challenger replaces the champion, where the evidence allows it; else nobody is asked."""

    ui_color = COLOUR

    def __init__(self, *, approvers: tuple[str, ...], model: str, **kwargs: Any) -> None:
        users = [{"id": name, "name": name} for name in approvers]
        super().__init__(subject=f"{model}: promote the challenger?", assigned_users=users, **kwargs)

    def execute(self, context: Context) -> Any:
        """Ask, with every comparison in the text."""
        proposal = Proposal.read(pull_all(context, ["govern"], RETURN)[0])
        if proposal.problems:
            return None
        self.body = "\n\n".join(each["sentence"] for each in proposal.comparisons)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Hand the answer on; a rejection skips nothing, because it is evidence too."""
        return HITLOperator.execute_complete(self, context, event)


class DecideOnChallengerOperator(RetrainingOperator):
    """Promotes the challenger or refuses it, as evidence; a refusal fails the run."""

    def step(self, context: Context, retraining: Retraining, store: ArtifactStore) -> str:
        """Decide. Raises GovernanceViolation with every reason of a refusal."""
        proposal = Proposal.read(pull_all(context, ["govern"], RETURN)[0])
        answers = pull_all(context, ["approve"], RETURN) if self.asks else []
        person = self._answer(answers[0]) if answers else {}
        if self.asks and not answers and not proposal.problems:
            raise AirflowFailException(f"{self.policy.name}: no approver answered; nothing is promoted")
        connections = AirflowConnections()
        decided = conclude(
            retraining, proposal, store, connections, **person,
            signer=signer_of(self.policy, connections), trust=trust_of(self.policy, connections),
        )  # fmt: skip
        return _told(decided, store)

    @property
    def asks(self) -> bool:
        """Whether a person has the last word."""
        return self.policy.promotion is not None and self.policy.promotion.approve == "human"

    def _answer(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Who answered, when, and why the challenger is refused where it is, as `conclude` takes them. Raises PolicyError where this person may not decide."""
        user = answer.get("responded_by_user") or {}
        person = Person(id=str(user.get("id") or ""), name=str(user.get("name") or ""))
        require_two_persons(
            self.policy,
            approvers=approvers_of(self.policy),
            requested_by=retraining_dag_id(self.policy.name),
            by=person,
        )
        approved = answer["chosen_options"] == [ApprovalOperator.APPROVE]
        return {
            "by": person.shown, "moment": responded_at(answer),
            "refused_because": "" if approved else f"{person.shown} rejected it",
        }  # fmt: skip


def training_run_id(retraining: Retraining) -> str:
    """The run of the training DAG that answers a request."""
    return f"challenger_{retraining.manifest['sha256'][:16]}"


def _told(decided: Promotion, store: ArtifactStore) -> str:
    text = f"{decided.sentence}\n{store.locate(decided.key)}"
    if decided.decision != "promoted":
        raise GovernanceViolation(text)
    return text
