"""What a check is. The checks there are live in `model_governance.checks`, what they return in `contract.result`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from model_governance.contract.result import declared, make_metric, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from model_governance.contract.result import CheckResult, Estimate, Metric, MetricSpec, Value
    from model_governance.contract.subject import Columns, Role, Subject, Task


class Params(BaseModel):
    """Parameters of a check as a policy spells them; each check declares a subclass."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """A fault that the check must notice.

    `apply` turns a healthy subject into a faulty one; `threshold` (as in a policy) passes on the
    healthy subject and is violated on the faulty one. The contract suite runs both, so no check
    can be blind and still be registered.
    """

    description: str
    threshold: Mapping[str, Any]
    apply: Callable[[Subject], Subject]
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Params and thresholds that `policy init` writes for a check, each with its reason."""

    params: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Sequence[Mapping[str, Any]] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookback:
    """Which earlier nights a check wants to see: the artifact of that name which it stored on each.

    `nights` at most, the newest first; only those whose run did not stop when `accepted`; of the same
    weekday or calendar month as tonight where a `season` is named.
    """

    artifact: str
    runs: int
    accepted: bool = True
    season: Literal["hour", "weekday", "month"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A kind of measurement: pure, so that the same subject, params and seed give the same result.

    `roles` are the datasets it cannot do without, `optional_roles` those it uses when given.
    One that `needs_labels` says nothing without columns.target; one that `reads_model_file` gets the model's bytes in
    `subject.model_file`, digested and not deserialised.
    `stand_ins` name the param that, once set, stands for a role, which is then not needed.
    `file_params` name params that hold a path beside the policy; a check gets them absolute.
    `measure(subject, params, seed)` raises CheckError or SubjectError when it cannot measure.
    `lookback(params)` names what it wants to see of earlier nights, one thing or several, in `subject.earlier`. One that
    `compares_champion` gets the policy's champion as `subject.champion`, where there is one.
    """

    kind: str
    title: str
    question: str
    params: type[Params]
    metrics: tuple[MetricSpec, ...]
    roles: tuple[Role, ...]
    measure: Callable[[Subject, Any, int], CheckResult]
    self_test: SelfTest
    suggest: Callable[[pd.DataFrame, Columns], Suggestion]
    optional_roles: tuple[Role, ...] = ()
    stand_ins: Mapping[Role, str] = field(default_factory=dict)
    lookback: Callable[[Any], Lookback | tuple[Lookback, ...] | None] = lambda _: None
    file_params: tuple[str, ...] = ()
    needs_model: bool = True
    reads_model_file: bool = False
    needs_labels: bool = False
    compares_champion: bool = False
    tasks: tuple[Task, ...] = (
        "binary_classification",
        "multiclass_classification",
        "regression",
        "ranking",
        "forecasting",
    )

    def roles_for(self, params: Mapping[str, Any]) -> tuple[Role, ...]:
        """The datasets it cannot do without under these params, as a policy spells them."""
        return tuple(one for one in self.roles if params.get(self.stand_ins.get(one, "")) is None)

    def lookbacks(self, params: Params) -> tuple[Lookback, ...]:
        """Everything it wants to see of earlier nights under these params."""
        wanted = self.lookback(params)
        if wanted is None:
            return ()
        return wanted if isinstance(wanted, tuple) else (wanted,)

    def spec(self, name: str) -> MetricSpec:
        """The declaration of a metric; KeyError if the check has none of this name."""
        return spec_of(self.metrics, name)

    def metric(
        self,
        name: str,
        value: Value | None,
        *,
        n: int,
        interval: tuple[Value, Value] | None = None,
        key: str | None = None,
        detail: str = "",
        reason: str = "",
        p_value: float | None = None,
    ) -> Metric:
        """A metric under this check's declaration; arguments and errors as `make_metric`."""
        return make_metric(
            self.metrics, name, value, n=n, interval=interval, key=key, detail=detail, reason=reason, p_value=p_value
        )

    def declared(self, estimate: Estimate) -> Metric:
        """An estimate as the metric of its name."""
        return declared(self.metrics, estimate)
