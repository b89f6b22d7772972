"""Which attacks run in this run, and how much each may spend: query and time budgets, and rotation over runs.

A query budget stops an attack at the same row on every machine, so its partial result is reproducible and is reported.
A time budget stops it with an error, because a verdict must not depend on the speed of a machine.

An attack that is not due keeps its last metrics (`AttackSchedule.carried_forward`), with the moment of their run, and
they are judged again. The first run and a changed model make every attack due. How a check uses it:

    schedule = schedule_attacks(params.attacks, params.budget, subject)   # lookback: schedule_lookback(params.budget)
    for name in schedule.due:
        model, queries = limit_queries(subject.require_model(), schedule.budget(name), attack=name)
        ...
    metrics = (*measured, *schedule.carried_forward(METRICS))
    artifacts = (..., schedule.artifact(measured)), tables = (..., schedule.table())
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from model_governance.contract.check import Lookback, Params
from model_governance.contract.documents import Count, Form, Moment, Probability, read_document, require_form
from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.contract.result import Artifact, Table, canonical_json, make_metric
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    import pandas as pd

    from model_governance.contract.result import Metric, MetricSpec
    from model_governance.contract.subject import Model, PreviousRun, Subject

FILE = "attack_schedule.json"
SCHEMA = "model-governance/attack-schedule/v1"
PLANNED_SHARE = 0.9  # of the rows that may still be asked; the rest confirms what the attacks found


class CarriedMetric(Form):
    """A metric of the last execution of an attack."""

    name: str
    key: str | None
    value: float | None
    low: float | None
    high: float | None
    n: Count
    detail: str
    reason: str
    p_value: Probability | None

    @model_validator(mode="after")
    def _agrees(self) -> CarriedMetric:
        if (self.low is None) != (self.high is None) or (self.low or 0.0) > (self.high or 0.0):
            raise ValueError(f"expected an interval, found {self.low} to {self.high}")
        if self.value is None and not self.reason:
            raise ValueError("expected a value, or the reason why there is none, found neither")
        return self


class Execution(Form):
    """The last execution of an attack, as stored."""

    moment: Moment
    runs_since: Count
    metrics: list[CarriedMetric]


class ScheduleForm(Form):
    """A stored schedule. An unknown field is refused: it may say that an attack did not run as the others say."""

    schema_: str = Field(alias="schema")
    model: str
    attacks: dict[str, Execution]


class AttackBudget(Params):
    """What one attack may spend in a run, and how often it runs."""

    max_queries: int | None = Field(
        default=None, ge=1, description="rows that the attack may send to the model; it stops there and reports"
    )
    max_seconds: float | None = Field(
        default=None, gt=0, description="wall time of the attack, beyond which the check is an error"
    )
    every_runs: int = Field(
        default=1, ge=1, le=10_000, description="runs from one execution of the attack to the next: 1 is every run"
    )


class QueryBudgetExceeded(CheckError):
    """An attack needs more rows than its budget has remaining; what it reached until then counts.

    Cause: the attack used `max_queries` of its budget; the check catches this and judges what was reached.
    Cure: none is needed; raise `max_queries` or lower `samples` if too few rows were attacked.
    """


class TimeBudgetExceeded(CheckError):
    """An attack ran longer than its budget, so it could not measure.

    Cause: the attack used `max_seconds` of its budget: the machine was slow or the attack is large.
    Cure: bound the attack with `max_queries` or fewer `samples`, which gives the same result on every machine;
        or raise `max_seconds`.
    """


class AttackCutShort(CheckError):
    """An attack spent its query budget before it had asked a full question about every row, so it measured nothing.

    Cause: `max_queries` is smaller than one question about each attacked row; rows that nobody attacked would count as
        robust, or as not revealed.
    Cure: raise `max_queries` to the number that the message names, or attack fewer rows.
    """


@dataclass(slots=True)
class QueryBudget:
    """Counts the rows that one attack sends to the model, against what its budget allows; `refused` did not fit it."""

    attack: str
    budget: AttackBudget
    asked: int = 0
    calls: int = 0
    refused: int = 0
    _started: float = field(default_factory=time.monotonic)

    @property
    def remaining(self) -> int | None:
        """Rows that may still be sent; None without a limit."""
        return None if self.budget.max_queries is None else self.budget.max_queries - self.asked

    def charge(self, rows: int) -> None:
        """Count rows that are about to be sent.

        Raises:
            QueryBudgetExceeded: they do not fit the budget; none of them is counted.
            TimeBudgetExceeded: the attack has run longer than it may.
        """
        seconds = time.monotonic() - self._started
        if self.budget.max_seconds is not None and seconds > self.budget.max_seconds:
            raise TimeBudgetExceeded(
                f"attack {self.attack!r} was stopped after {self.budget.max_seconds:g} s with {self.asked:,} rows asked, so "
                f"it measured nothing; raise budget.{self.attack}.max_seconds, or bound the attack with max_queries or fewer "
                "samples"
            )
        if self.remaining is not None and rows > self.remaining:
            self.refused = rows
            raise QueryBudgetExceeded(
                f"attack {self.attack!r} has {self.remaining:,} of {self.budget.max_queries:,} queries left and needs {rows:,}"
            )
        self.asked += rows
        self.calls += 1


def require_full_questions(queries: QueryBudget, *, unasked: int, rows: int, per_row: int) -> None:
    """Refuse what an attack reached where its query budget ended before each row was asked one full question.

    Every check that attacks a model under a query budget calls it for an attack that the budget cut.

    Args:
        queries: of the attack.
        unasked: rows without a full question.
        rows: attacked rows.
        per_row: queries of a full question: the fewest from which the attack can find anything about a row.

    Raises:
        AttackCutShort: there are such rows.
    """
    if unasked == 0:
        return
    enough = max(rows * per_row, queries.asked + queries.refused)
    raise AttackCutShort(
        f"attack {queries.attack!r} was cut after {queries.asked:,} of {queries.budget.max_queries or 0:,} queries, before {unasked:,} of "
        f"{rows:,} rows were asked one full question, and a row that nobody attacked is not robust; set "
        f"budget.{queries.attack}.max_queries to at least {enough:,}, or attack fewer rows"
    )


def limit_queries(model: Model, budget: AttackBudget, *, attack: str) -> tuple[Model, QueryBudget]:
    """The model with every row counted that is sent to it, and the budget that counts them.

    Args:
        model: the model under attack.
        budget: what the attack may spend.
        attack: its name, for messages.
    """
    queries = QueryBudget(attack, budget)

    def counting(call: Callable[..., Any] | None) -> Callable[..., Any] | None:
        if call is None:
            return None

        def counted(frame: pd.DataFrame, *rest: np.ndarray) -> Any:
            queries.charge(len(frame))
            return call(frame, *rest)

        return counted

    wrapped = replace(
        model,
        call=counting(model.call) or model.call,
        call_proba=counting(model.call_proba),
        call_logits=counting(model.call_logits),
        call_gradient=counting(model.call_gradient),
    )
    return wrapped, queries


@dataclass(frozen=True, slots=True, kw_only=True)
class LastExecution:
    """The last execution of an attack: its logical date, the runs since, and its metrics as they were recorded.

    `runs_since` is 1 in the run directly after it.
    """

    moment: datetime
    runs_since: int
    metrics: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackSchedule:
    """The attacks of a policy in its order, those that are due in this run, and why the others are deferred.

    `moment` is the logical date of the run; None outside a run.
    """

    attacks: tuple[str, ...]
    due: tuple[str, ...]
    deferred: Mapping[str, str]
    budgets: Mapping[str, AttackBudget]
    last: Mapping[str, LastExecution]
    moment: datetime | None
    model: str

    def budget(self, attack: str) -> AttackBudget:
        """What an attack may spend."""
        return self.budgets.get(attack, AttackBudget())

    @property
    def rotates(self) -> bool:
        """Whether any attack is deferred in some runs."""
        return any(self.budget(attack).every_runs > 1 for attack in self.attacks)

    def carried_forward(self, specs: Sequence[MetricSpec]) -> tuple[Metric, ...]:
        """The last metrics of the deferred attacks, each with the moment it was measured at.

        Args:
            specs: the declarations of the check's metrics.
        """
        metrics = []
        for attack in self.deferred:
            last = self.last[attack]
            for stored in last.metrics:
                if all(spec.name != stored["name"] for spec in specs):
                    continue  # of another release: no threshold can name it
                origin = f"measured on {spell_moment(last.moment)}, due every {self.budget(attack).every_runs} runs"
                detail = f"{stored['detail']}; {origin}" if stored["detail"] else origin
                interval = None if stored["low"] is None else (stored["low"], stored["high"])
                metrics.append(
                    make_metric(
                        specs, stored["name"], stored["value"], n=stored["n"], interval=interval, key=stored["key"],
                        detail=detail, reason=stored["reason"], p_value=stored["p_value"],
                    )
                )  # fmt: skip
        return tuple(metrics)

    def table(self) -> Table:
        """The schedule with its budgets, for the report."""
        rows = []
        for attack in self.attacks:
            budget = self.budget(attack)
            moment = self.moment if attack in self.due else self.last[attack].moment
            rows.append((
                attack, "yes" if attack in self.due else "no", budget.every_runs,
                None if moment is None else spell_moment(moment), budget.max_queries,
                budget.max_seconds,
            ))  # fmt: skip
        header = ("attack", "executed in this run", "every (runs)", "last executed", "max queries", "max seconds")
        return Table(
            name="attack_schedule", title="Schedule and budgets of the attacks", header=header, rows=tuple(rows)
        )

    def artifact(self, measured: Sequence[Metric]) -> Artifact:
        """When each attack was last executed, the runs since and its metrics, for the runs to come.

        A metric belongs to the attack that its key names, alone or before an `@`.
        """
        attacks: dict[str, Any] = {}
        for attack in self.attacks:
            if attack not in self.due:
                last = self.last[attack]
                attacks[attack] = {
                    "moment": last.moment.isoformat(), "runs_since": last.runs_since, "metrics": list(last.metrics),
                }  # fmt: skip
            elif self.moment is not None:
                own = [_stored(metric) for metric in measured if metric.key and metric.key.split("@")[0] == attack]
                attacks[attack] = {"moment": self.moment.isoformat(), "runs_since": 0, "metrics": own}
        content = canonical_json({"schema": SCHEMA, "model": self.model, "attacks": attacks})
        return Artifact(name=FILE, media_type="application/json", content=content, title="Schedule of the attacks")


def schedule_attacks(attacks: Sequence[str], budgets: Mapping[str, AttackBudget], subject: Subject) -> AttackSchedule:
    """The schedule of this run, from what the previous run stored (`subject.earlier`, see `schedule_lookback`).

    An attack is due when at least `every_runs` runs of this check have happened since its last execution on this model,
    the present one included. Runs are counted, not days: two runs of one day are two. Outside a run all are due.

    Args:
        attacks: names of the policy's attacks, in their order.
        budgets: budget by attack; one without is due in every run, and limited only by what the model may be asked.
        subject: the subject of this run.

    Raises:
        CheckError: a budget names an attack that the policy does not run.
    """
    unknown = [attack for attack in budgets if attack not in attacks]
    if unknown:
        raise CheckError(
            f"budget names {', '.join(unknown)}, which attacks does not list; it runs {', '.join(attacks)}"
        )
    model = subject.require_model()
    last = _last_executions(subject.earlier, model.sha256)
    due: list[str] = []
    deferred: dict[str, str] = {}
    for attack in attacks:
        every, previous = budgets.get(attack, AttackBudget()).every_runs, last.get(attack)
        if every == 1 or subject.logical_date is None or previous is None or previous.runs_since >= every:
            due.append(attack)
        else:
            last_executed = spell_moment(previous.moment)
            deferred[attack] = f"{attack}: not due in this run; every {every} runs, last executed {last_executed}"
    return AttackSchedule(
        attacks=tuple(attacks), due=tuple(due), deferred=deferred, budgets=_planned(due, budgets, model), last=last,
        moment=subject.logical_date, model=model.sha256,
    )  # fmt: skip


def _planned(due: Sequence[str], budgets: Mapping[str, AttackBudget], model: Model) -> dict[str, AttackBudget]:
    """The budgets with what a bounded model may still be asked divided among the attacks that have no bound of their own.

    An attack then stops at its share and reports what it reached, and the next one is not left without rows.
    """
    planned = dict(budgets)
    if model.rows_left is None:
        return planned
    left = int(PLANNED_SHARE * model.rows_left())
    left -= sum(budget.max_queries or 0 for name, budget in budgets.items() if name in due)
    open_ = [name for name in due if planned.get(name, AttackBudget()).max_queries is None]
    share = {"max_queries": max(1, left // max(1, len(open_)))}
    return planned | {name: planned.get(name, AttackBudget()).model_copy(update=share) for name in open_}


def schedule_lookback(budgets: Mapping[str, AttackBudget]) -> Lookback | None:
    """What a check with these budgets reads of the previous run; None where every attack is due in every run."""
    if all(budget.every_runs == 1 for budget in budgets.values()):
        return None
    return Lookback(artifact=FILE, runs=1, accepted=False, require=_read)


def _last_executions(earlier: Iterable[PreviousRun], model: str) -> dict[str, LastExecution]:
    """The last execution of each attack on this model; the newest stored schedule holds them all.

    Raises:
        EvidenceError: the stored schedule is one of another version, or a field does not fit.
    """
    newest = next((previous for previous in earlier if previous.name == FILE), None)
    if newest is None:
        return {}
    stored = _read(newest.content, newest.key)
    if stored["model"] != model:
        return {}
    return {
        attack: LastExecution(
            moment=parse_moment(last["moment"]), runs_since=last["runs_since"] + 1, metrics=tuple(last["metrics"])
        )
        for attack, last in stored["attacks"].items()
    }


def _read(content: bytes, origin: str) -> dict[str, Any]:
    stored = read_document(content, origin=origin, schema=SCHEMA)
    require_form(stored, ScheduleForm, origin=origin)
    return stored


def _stored(metric: Metric) -> dict[str, Any]:
    return {
        name: getattr(metric, name)
        for name in ("name", "key", "value", "low", "high", "n", "detail", "reason", "p_value")
    }
