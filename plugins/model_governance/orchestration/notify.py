"""The task that tells the channels of a policy what a run found. It decides nothing, and what fails in it fails nothing."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from model_governance.errors import GovernanceError
from model_governance.evidence.history import Archive
from model_governance.evidence.requests import requested_manifest
from model_governance.evidence.trust import trust_of
from model_governance.notify import bare_note, digest_of, is_quiet, message_of, recipients, routed
from model_governance.notify.deliveries import deliveries_of, delivery_to, store_deliveries, was_last_sent
from model_governance.orchestration.between_tasks import ARCHIVE, pull_all
from model_governance.orchestration.channels import ChannelFailed, send
from model_governance.orchestration.operators import PolicyOperator
from model_governance.orchestration.run_moment import run_from_context
from model_governance.orchestration.run_params import is_dry
from model_governance.orchestration.stores import AirflowConnections, absolute
from model_governance.verdict import RANK, trusted_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from model_governance.notify import Note, RunMessage
    from model_governance.notify.deliveries import Content, Delivery
    from model_governance.policy import Policy
    from model_governance.policy.notifications import ChannelSpec
    from model_governance.verdict import Verdict

NOTIFICATIONS = "notifications"
"""XCom key of what became of the messages, channel by channel."""
LIMIT = timedelta(minutes=15)
LOST = "the run archived nothing, so that nothing is known of it; read the log of its task archive"


class NotifyOperator(PolicyOperator):
    """Sends one message per run and channel: what is new, ongoing, worsening and resolved since the runs before.

    A channel that fails is logged, pushed under the XCom key "notifications" and stored beside the evidence; the task
    succeeds all the same. A repeated task does not send again what was sent. The runs of a backfill send nothing.
    """

    def __init__(
        self, *, trigger_rule: str = "all_done", retries: int = 0, execution_timeout: timedelta = LIMIT, **kwargs: Any
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, retries=retries, execution_timeout=execution_timeout, **kwargs)

    def execute(self, context: Context) -> None:
        """Send what each channel hears. Raises nothing that a channel or the archive causes."""
        try:
            if context["dag_run"].run_type == "backfill":
                self.log.info("a run of a backfill: no message is sent")
                return
            if is_dry(context):
                self.log.info("a dry run: no message is sent")
                return
            deliveries = self._notify(context)
        except Exception as error:
            known = isinstance(error, GovernanceError)
            self.log.error("no message was sent: %s", error if known else type(error).__name__, exc_info=not known)
            context["ti"].xcom_push(key=NOTIFICATIONS, value={"problem": str(error)[:2000] if known else "unexpected"})
            return
        for delivery in deliveries:
            self.log.log(logging.WARNING if delivery.status == "failed" else logging.INFO, "%s", delivery.sentence)
        rows = [
            {"type": each.type, "connection": each.connection, "content": each.content, "status": each.status,
             "problem": each.problem}
            for each in deliveries
        ]  # fmt: skip
        context["ti"].xcom_push(key=NOTIFICATIONS, value={"channels": rows})

    def _notify(self, context: Context) -> list[Delivery]:
        archives = pull_all(context, sorted(self.upstream_task_ids), ARCHIVE)
        if not archives:
            note = bare_note(
                self.policy.name, outcome="error", stops=True, sentence=LOST, problem="there is no archive"
            )
            return list(_to_all(self.policy, note, "error"))
        archived, moment = archives[0], run_from_context(context).logical_date
        self.report_url = archived["report_url"]
        link = absolute(archived["report_url"])
        try:
            store = self.location().open()
            verdict = trusted_verdict(requested_manifest(store, archived["manifest"])["verdict"])
            trust = trust_of(self.policy, AirflowConnections())
            archive = Archive(store, self.policy.name, before=moment, trust=trust)
            message = message_of(verdict, moment=moment, earlier=_earlier(archive), link=link)
            message = replace(message, damaged=len(archive.damaged))
            before = deliveries_of(store, self.policy.name, moment=moment, manifest=archived["manifest"]["key"])
        except GovernanceError as error:
            note = bare_note(
                self.policy.name, outcome=archived["outcome"], stops=archived["stops"], sentence=archived["sentence"],
                problem=str(error), link=link,
            )  # fmt: skip
            return list(_to_all(self.policy, note, archived["outcome"]))
        deliveries = list(_deliver(self.policy, message, archive, before))
        try:
            store_deliveries(
                store, self.policy.name, moment=moment, manifest=archived["manifest"]["key"], deliveries=deliveries
            )
        except GovernanceError as error:
            self.log.warning("what was sent is not on record: %s", error)
        return deliveries


def _earlier(archive: Archive) -> Iterator[tuple[datetime, Verdict]]:
    """Moment and verdict of the verified runs, the newest first; the archive reads each once."""
    for manifest in archive.runs():
        yield manifest.logical_date, trusted_verdict(manifest.content["verdict"])


def _deliver(policy: Policy, message: RunMessage, archive: Archive, before: Sequence[Delivery]) -> Iterator[Delivery]:
    every = policy.notifications.digest
    for channel in policy.notifications.channels:
        told = routed(message, channel, policy)
        digested = every is not None and channel.type != "pagerduty"
        if told is None:
            yield delivery_to(channel, "run", "nothing")
        elif digested and is_quiet(told):
            yield delivery_to(channel, "run", "held")
        else:
            yield _sent(policy, channel, told.note(), "run", before)
        if every is not None and digested:
            digest = digest_of(policy, channel, every=every, moment=message.moment, earlier=_earlier(archive))
            if digest is not None:
                yield _sent(policy, channel, digest, "digest", before)


def _to_all(policy: Policy, note: Note, outcome: str) -> Iterator[Delivery]:
    """A note that knows no findings goes to every channel that hears such an outcome."""
    for channel in policy.notifications.channels:
        if RANK.index(outcome) >= RANK.index(channel.severity):
            yield _sent(policy, channel, note, "run", ())


def _sent(policy: Policy, channel: ChannelSpec, note: Note, content: Content, before: Sequence[Delivery]) -> Delivery:
    sent = delivery_to(channel, content, "sent", note=note)
    if was_last_sent(before, sent):
        return sent
    try:
        send(note, channel, to=recipients(channel, policy))
    except ChannelFailed as failure:
        return delivery_to(channel, content, "failed", problem=str(failure), note=note)
    return sent
