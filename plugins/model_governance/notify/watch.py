"""The watch over all models: which are not governed now, from facts that somebody else gathers.

Silence is never a pass: a model without a run, with a run that does not end, with a paused or vanished DAG, or without
evidence for too long is an alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from model_governance.contract.moments import spell_moment
from model_governance.notify.note import Note, Section
from model_governance.policy.cron import last_firing
from model_governance.report.formatting import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from model_governance.policy import Policy

Kind = Literal["vanished", "refused", "unreadable", "missing", "paused", "stuck", "never ran", "silent"]
DagState = Literal["active", "paused", "missing", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a model at one moment.

    Attributes:
        model: its name.
        owner: who answers for it; empty where that is not known.
        policy: file of its policy; None where there is none any more.
        refused: why the policy was refused; empty where it was not.
        dag: what Airflow says of its DAG; `unknown` where it was not asked or did not answer.
        due: the last moments at which a run was due that must have left evidence by now, the newest first; as many as
            may be missed, and none for a policy without schedule.
        known_since: since when the model is watched (UTC).
        evidence: when the newest run was recorded (UTC); None where the archive holds none.
        archive_problem: why the archive cannot be read; empty where it can.
        running_since: since when a run is running (UTC); None where none is.
        limit: how long a run may take.
    """

    model: str
    owner: str
    policy: str | None
    known_since: datetime
    refused: str = ""
    dag: DagState = "unknown"
    due: Sequence[datetime] = ()
    evidence: datetime | None = None
    archive_problem: str = ""
    running_since: datetime | None = None
    limit: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One reason why a model is not governed."""

    model: str
    owner: str
    kind: Kind
    sentence: str

    @property
    def name(self) -> str:
        """The same from watch to watch."""
        return f"{self.model}/{self.kind}"


def due_moments(policy: Policy, *, moment: datetime, limit: timedelta, missed: int) -> tuple[datetime, ...]:
    """The last moments at which runs were due that must have ended by now, the newest first.

    Args:
        policy: of the model.
        moment: now (UTC).
        limit: how long a run may take.
        missed: how many moments.
    """
    schedule = policy.schedule
    if schedule.cron is None:
        return ()
    found: list[datetime] = []
    before = (moment - limit).astimezone(ZoneInfo(schedule.timezone))
    while len(found) < missed:
        before = last_firing(schedule.cron, before)
        found.append(before.astimezone(UTC))
    return tuple(found)


def alerts_of(facts: Iterable[ModelFacts], *, moment: datetime) -> tuple[Alert, ...]:
    """Every reason why a model is not governed at a moment (UTC), model by model."""
    return tuple(
        Alert(model=each.model, owner=each.owner, kind=kind, sentence=f"{each.model}: {text}")
        for each in facts
        for kind, text in _reasons(each, moment)
    )


def _reasons(facts: ModelFacts, moment: datetime) -> Iterable[tuple[Kind, str]]:
    if facts.policy is None:
        if facts.evidence is not None:
            yield (
                "vanished",
                (
                    f"its policy file is gone; the newest run was recorded on {spell_moment(facts.evidence)}. Restore the file, "
                    "or name the model in `retired` of the watch"
                ),
            )
        return
    if facts.refused:
        yield "refused", f"its policy {facts.policy} was refused, nothing is checked: {facts.refused}"
    if facts.archive_problem:
        yield "unreadable", f"its archive cannot be read, so that nothing is known: {facts.archive_problem}"
    if facts.dag == "missing":
        yield "missing", "Airflow has no DAG of it; the DAG file that reads its policy is gone or broken"
    if facts.dag == "paused":
        yield "paused", "its DAG is paused; no run starts until somebody unpauses it"
    if facts.running_since is not None and moment - facts.running_since > facts.limit:
        took, limit = (_spelled(each) for each in (moment - facts.running_since, facts.limit))
        yield (
            "stuck",
            (
                f"a run is running since {spell_moment(facts.running_since)} ({took}), and may take {limit}; look for tasks "
                "that wait for a pool, a worker or data"
            ),
        )
    if facts.due and not facts.archive_problem and facts.due[-1] >= (facts.evidence or facts.known_since):
        runs = counted(len(facts.due), "run")
        if facts.evidence is None:
            yield "never ran", f"no run has left evidence; the last {runs} were due since {spell_moment(facts.due[-1])}"
        else:
            yield "silent", f"no evidence since {spell_moment(facts.evidence)}; {runs} due since then left none"


def watch_note(alerts: Sequence[Alert], *, before: Mapping[str, datetime], moment: datetime) -> Note | None:
    """The note of a watch; None where nothing is wrong and nothing was.

    Args:
        alerts: of this watch.
        before: since when each alert of the watch before is known, by name.
        moment: of this watch (UTC).
    """
    new = [alert for alert in alerts if alert.name not in before]
    ongoing = [alert for alert in alerts if alert.name in before]
    over = sorted(before.keys() - {alert.name for alert in alerts})
    if not alerts and not over:
        return None
    models = len({alert.model for alert in alerts})
    sections = (
        ("New", [alert.sentence for alert in new]),
        ("Ongoing", [f"{alert.sentence} [since {spell_moment(before[alert.name])}]" for alert in ongoing]),
        ("Over", [f"{name.rpartition('/')[0]} is no longer {name.rpartition('/')[2]}" for name in over]),
    )
    facts = {
        "schema": "model-governance/message/v1", "kind": "watch", "moment": moment.isoformat(),
        "alerts": [{"model": alert.model, "kind": alert.kind, "owner": alert.owner, "sentence": alert.sentence,
                    "since": before.get(alert.name, moment).isoformat()} for alert in alerts],
        "over": over,
    }  # fmt: skip
    return Note(
        title=f"{counted(models, 'model')} not governed" if alerts else "Every model is governed again",
        lead=f"Watch of {spell_moment(moment)}: {len(new)} new, {len(ongoing)} ongoing, {len(over)} over.",
        sections=tuple(Section(title=title, lines=tuple(lines)) for title, lines in sections if lines),
        level="fail" if alerts else "good", subject="governance watch", link="", facts=facts,
    )  # fmt: skip


def _spelled(amount: timedelta) -> str:
    """`3 h 20 min`, or `45 min`."""
    hours, minutes = divmod(int(amount.total_seconds()) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
