"""Which attacks run tonight and how much each may spend: budgets, and rotation over nights.

A budget of queries cuts an attack at the same row on every machine, so its result stands and says what was
reached. A budget of seconds stops it with an error: a verdict must not depend on how fast a machine was.

An attack that rests tonight keeps its last numbers (`Plan.carried`), with their day, and they are judged again: a model
that leaked on Monday is not green on Tuesday. Another model, or none recorded, makes every attack due. How a check uses it:

    plan = plan_attacks(params.attacks, params.effort, subject)      # CHECK.lookback = lambda p: plan_lookback(p.effort)
    for name in plan.due:
        model, meter = metered(subject.require_model(), plan.effort(name), attack=name)
        ...
    metrics = (*measured, *plan.carried(METRICS))
    artifacts = (..., plan.artifact(measured)), tables = (..., plan.table())
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field

from model_governance.contract.check import Lookback, Params
from model_governance.contract.result import Artifact, Table, canonical_json, make_metric
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.contract.result import Metric, MetricSpec
    from model_governance.contract.subject import Model, PreviousRun, Subject

FILE = "attack_plan.json"


class Effort(Params):
    """What one attack may spend, and how often it runs."""

    queries: int | None = Field(default=None, ge=1, description="rows that it may show to the model; it stops there")
    seconds: float | None = Field(default=None, gt=0, description="wall time, beyond which the check is an error")
    every: int = Field(default=1, ge=1, le=92, description="days from one run to the next: 7 is weekly")


class QueriesSpent(CheckError):
    """An attack asked for more rows than its budget holds; what it reached until then counts."""


class TimeSpent(CheckError):
    """An attack ran longer than its budget; it could not measure."""


@dataclass(slots=True)
class Meter:
    """Rows that one attack has shown to the model, of those that it may."""

    attack: str
    effort: Effort
    asked: int = 0
    calls: int = 0
    _started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> int | None:
        """Rows left in the budget; None without one."""
        return None if self.effort.queries is None else self.effort.queries - self.asked

    def charge(self, rows: int) -> None:
        """Count rows about to be shown.

        Raises:
            QueriesSpent: they do not fit the budget; none of them is counted.
            TimeSpent: the attack has run longer than it may.
        """
        spent = time.monotonic() - self._started
        if self.effort.seconds is not None and spent > self.effort.seconds:
            raise TimeSpent(
                f"attack {self.attack!r} was stopped after {self.effort.seconds:g} s with {self.asked:,} rows asked, so it "
                "measured nothing; raise effort.seconds, or bound it with effort.queries or fewer samples"
            )
        if self.left is not None and rows > self.left:
            raise QueriesSpent(
                f"attack {self.attack!r} has {self.left:,} of {self.effort.queries:,} queries left and needs {rows:,}"
            )
        self.asked += rows
        self.calls += 1


def metered(model: Model, effort: Effort, *, attack: str) -> tuple[Model, Meter]:
    """The model with every row counted that an attack shows it, and the meter that counts."""
    meter = Meter(attack, effort)

    def counting(call: Callable[..., Any] | None) -> Callable[..., Any] | None:
        if call is None:
            return None

        def counted(frame: pd.DataFrame, *rest: np.ndarray) -> Any:
            meter.charge(len(frame))
            return call(frame, *rest)

        return counted

    wrapped = replace(
        model,
        call=counting(model.call) or model.call,
        call_proba=counting(model.call_proba),
        call_logits=counting(model.call_logits),
        call_gradient=counting(model.call_gradient),
    )
    return wrapped, meter


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The day on which an attack ran last, and the metrics of it as they were recorded."""

    day: datetime
    metrics: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The attacks that run tonight, in the order of the policy, and why the others do not."""

    attacks: tuple[str, ...]
    due: tuple[str, ...]
    postponed: Mapping[str, str]
    efforts: Mapping[str, Effort]
    last: Mapping[str, LastRun]
    logical_date: datetime | None
    model: str

    def effort(self, attack: str) -> Effort:
        """What an attack may spend."""
        return self.efforts.get(attack, Effort())

    @property
    def rotates(self) -> bool:
        """Whether any attack rests on some nights."""
        return any(self.effort(one).every > 1 for one in self.attacks)

    def carried(self, metrics: Sequence[MetricSpec]) -> tuple[Metric, ...]:
        """The last numbers of the attacks that rest tonight, each with the day it was measured on.

        Args:
            metrics: the declarations of the check.
        """
        found = []
        for one in self.postponed:
            run = self.last[one]
            for stored in run.metrics:
                stand = f"measured on {run.day.isoformat()}, due every {self.effort(one).every} days"
                detail = f"{stored['detail']}; {stand}" if stored["detail"] else stand
                interval = None if stored["low"] is None else (stored["low"], stored["high"])
                found.append(
                    make_metric(
                        metrics, stored["name"], stored["value"], n=stored["n"], interval=interval, key=stored["key"],
                        detail=detail, reason=stored["reason"], p_value=stored["p_value"],
                    )
                )  # fmt: skip
        return tuple(found)

    def table(self) -> Table:
        """The plan and its coverage, for the report."""
        rows = []
        for one in self.attacks:
            day = self.logical_date if one in self.due else self.last[one].day
            effort = self.effort(one)
            rows.append((
                one, "yes" if one in self.due else "no", effort.every, day.isoformat() if day else None,
                effort.queries, effort.seconds,
            ))  # fmt: skip
        header = ("attack", "ran tonight", "every (days)", "last run", "query budget", "seconds at most")
        return Table(
            name="attack_plan", title="Which attacks run when, and what they may spend", header=header, rows=tuple(rows)
        )

    def artifact(self, measured: Sequence[Metric]) -> Artifact:
        """When each attack ran last and what it found, for the nights to come.

        A metric belongs to the attack that its `of` names, alone or before an `@`.
        """
        kept: dict[str, Any] = {}
        for one in self.attacks:
            if one not in self.due:
                kept[one] = {"day": self.last[one].day.isoformat(), "metrics": list(self.last[one].metrics)}
            elif self.logical_date is not None:
                found = [_stored(metric) for metric in measured if metric.key and metric.key.split("@")[0] == one]
                kept[one] = {"day": self.logical_date.isoformat(), "metrics": found}
        content = canonical_json({"model": self.model, "attacks": kept})
        return Artifact(name=FILE, media_type="application/json", content=content, title="When each attack ran")


def plan_attacks(attacks: Sequence[str], efforts: Mapping[str, Effort], subject: Subject) -> Plan:
    """The plan of tonight from what earlier nights recorded (`subject.earlier`, see `plan_lookback`).

    An attack is due when it has not run on this model for `every` days, so a night that was missed is made up for on the
    next. Outside a run there is no night, and all attacks are due.

    Raises:
        CheckError: an effort names an attack that the policy does not run.
    """
    strangers = [one for one in efforts if one not in attacks]
    if strangers:
        raise CheckError(
            f"effort names {', '.join(strangers)}, which attacks does not list; it runs {', '.join(attacks)}"
        )
    model = subject.require_model().sha256
    last = _last_runs(subject.earlier, model)
    due: list[str] = []
    postponed: dict[str, str] = {}
    for one in attacks:
        every, run = efforts.get(one, Effort()).every, last.get(one)
        if every == 1 or subject.logical_date is None or run is None or (subject.logical_date - run.day).days >= every:
            due.append(one)
        else:
            postponed[one] = f"not due tonight: every {every} days, last run {run.day.isoformat()}"
    return Plan(
        attacks=tuple(attacks), due=tuple(due), postponed=postponed, efforts=dict(efforts), last=last,
        logical_date=subject.logical_date, model=model,
    )  # fmt: skip


def plan_lookback(efforts: Mapping[str, Effort]) -> Lookback | None:
    """What a check with these efforts must see of earlier nights; None where every attack runs every night."""
    if all(one.every == 1 for one in efforts.values()):
        return None
    return Lookback(artifact=FILE, runs=1, accepted=False)


def _last_runs(earlier: Iterable[PreviousRun], model: str) -> dict[str, LastRun]:
    """The last run of each attack on this model; a plan carries forward what rested, so the newest one says it all."""
    newest = next((logical_date for logical_date in earlier if logical_date.name == FILE), None)
    if newest is None:
        return {}
    plan = json.loads(newest.content)
    if plan["model"] != model:
        return {}
    return {
        attack: LastRun(day=datetime.fromisoformat(run["day"]), metrics=tuple(run["metrics"]))
        for attack, run in plan["attacks"].items()
    }


def _stored(metric: Metric) -> dict[str, Any]:
    return {
        name: getattr(metric, name)
        for name in ("name", "key", "value", "low", "high", "n", "detail", "reason", "p_value")
    }
