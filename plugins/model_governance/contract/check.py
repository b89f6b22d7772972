"""What a check is. The checks there are live in `model_governance.checks`, what they return in `contract.result`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from model_governance.contract.result import spec_of
from model_governance.contract.subject import ParamFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from model_governance.contract.result import Artifact, CheckResult, MetricSpec
    from model_governance.contract.subject import Columns, Model, Role, Subject, Task
    from model_governance.stats.limits import Limits


class Params(BaseModel):
    """Parameters of a check as a policy spells them; each check declares a subclass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def misfits(self, task: Task) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - most checks have none
        """Parameters that do not fit models of a task, or are needed for it: the parameter and a sentence.

        Lint reports them, and a check that is measured nevertheless refuses them.
        """
        yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """A planted fault that the check must find; the contract suite runs it for every registered check.

    Attributes:
        description: the fault in one sentence.
        threshold: a threshold as in a policy; passes on the healthy subject and is violated on the faulty one.
        apply: turns a healthy subject into a faulty one.
        params: params of the check, as in a policy.
        files: the content of the files that these params name, by param, as the healthy subject has them.
    """

    description: str
    threshold: Mapping[str, Any]
    apply: Callable[[Subject], Subject]
    params: Mapping[str, Any] = field(default_factory=dict)
    files: Callable[[Subject], Mapping[str, bytes]] = lambda _: {}


def with_files(subject: Subject, params: Mapping[str, Any], files: Mapping[str, bytes]) -> Subject:
    """The subject with other content in the files that these params name."""
    held = {
        name: ParamFile(name=name, uri=params[name], sha256=hashlib.sha256(content).hexdigest(), content=content)
        for name, content in files.items()
    }
    return replace(subject, param_files={**subject.param_files, **held})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Params and thresholds that `policy init` writes for a check, and the reason as a comment."""

    params: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Sequence[Mapping[str, Any]] = ()
    comment: str = ""


class Suggest(Protocol):
    """What `policy init` writes for a check, from rows of the reference and the roles of their columns."""

    def __call__(
        self, reference: pd.DataFrame, columns: Columns, /, *, task: Task | None = None, model: Model | None = None
    ) -> Suggestion:
        """The suggestion.

        Args:
            reference: rows of the reference, shape (n, d).
            columns: the columns of the draft.
            task: what the model predicts; None leaves it to what the labels look like.
            model: the loaded model, to be asked for rows of the reference; None where it was not opened.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do when a threshold of a check is violated.

    Attributes:
        title: the step as one imperative sentence.
        text: why, and how.
        rank: order of the steps of one run, the lowest first. A check whose violation makes the results of others
            doubtful has a lower rank than they: data before quality, quality before attacks.
        doubts_rows: whether a violation says that the rows are not what was agreed, so that what other checks measured
            on the same rows is about the wrong rows.
    """

    title: str
    text: str
    rank: int = 1000
    doubts_rows: bool = False

    def record(self) -> dict[str, Any]:
        """The advice as JSON types."""
        record: dict[str, Any] = {"title": self.title, "text": self.text, "rank": self.rank}
        return record | ({"doubts_rows": True} if self.doubts_rows else {})


Season = Literal["hour", "weekday", "hour_of_week", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookback:
    """Which previous runs a check needs: the artifact of that name which it stored in each, the newest first.

    Attributes:
        artifact: name of the artifact.
        runs: how many runs at most.
        accepted: only runs that did not stop or that somebody accepted, from the newest run on that was accepted as
            the start of a reference window.
        season: only runs of the current run's hour, weekday, hour of the week (both), or calendar month of earlier
            years; the current month is no season of its own. All in UTC.
        require: called with the bytes and their place; it raises EvidenceError where the check could not read them. The
            run is then left out as damaged. None: the check reads any bytes, or leaves them out itself.
    """

    artifact: str
    runs: int
    accepted: bool = True
    season: Season | None = None
    require: Callable[[bytes, str], object] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What a metric can prove at most under given params, whatever the data; `contract.floors` makes the usual ones.

    Attributes:
        metric: name of the metric.
        param: the param that lifts it when it grows, as in `samples`.
        p_value: the smallest p-value there is, for a metric that is judged by its p-value alone; a permutation test of
            N permutations gives none below 1 / (N + 1).
        rows: the largest number of rows behind the metric.
        needs: the number of rows below which the metric is absent.
        extremes: limits of the smallest and of the largest value that so many rows can give.
        tasks: the tasks that `extremes` hold for; None for every task of the check.
        most: the largest value there is, for a metric that is judged by its value alone.
        key_end: for thresholds whose key ends so; all when empty.
    """

    metric: str
    param: str
    p_value: float | None = None
    rows: int | None = None
    needs: int = 1
    extremes: tuple[Limits, Limits] | None = None
    tasks: tuple[Task, ...] | None = None
    most: float | None = None
    key_end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Work of a check in parts that do not depend on one another: mapped tasks may share it before the check measures.

    `measure` finds what was prepared in `subject.prepared` and does the rest itself; its result is the same, to the byte,
    whether all parts were prepared, some or none.

    Attributes:
        name: what the parts are, in the plural: "reference models".
        parts: `parts(params)`, how many there are.
        prepare: `prepare(subject, params, numbers)` does the parts of these numbers, counted from 0, and gives them as an
            artifact; None where this run needs none of them. Raises as `measure`.
    """

    name: str
    parts: Callable[[Any], int]
    prepare: Callable[[Subject, Any, Sequence[int]], Artifact | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A kind of measurement: pure, so that the same subject, params and seed give the same result.

    Operator, task, command line, report, calibration and documentation are all derived from this declaration.

    Attributes:
        kind: name in policies, lower case with underscores.
        title: name for readers.
        question: the question that the check answers, one sentence that ends with a question mark.
        params: the pydantic model of its parameters.
        metrics: everything it may return; the only names that a threshold may use.
        roles: datasets that it requires.
        measure: `measure(subject, params, seed)`; raises CheckError or SubjectError when it cannot measure.
        self_test: the fault that the contract suite makes it find.
        suggest: what `policy init` writes.
        advice: what to do when a threshold is violated.
        cost: one sentence: seconds or minutes on usual data, and what they grow with.
        optional_roles: datasets that it uses when they are given.
        stand_ins: role to the param that, once set, replaces the dataset of that role.
        lookback: `lookback(params)`, what it needs of previous runs, one thing or several, in `subject.earlier`.
        preparation: work that mapped tasks may share before it measures; None where there is none.
        floors: `floors(params)`, metrics that cannot prove everything under these params; thresholds that could never
            fail are refused.
        file_params: params that hold a path beside the policy or an address, with templates of the run; the check gets
            paths absolute, and what they name in `subject.param_files`.
        read_file: `read_file(file)` raises CheckError where such a file cannot be used; lint calls it. None where only a
            run can say.
        needs_model: whether it calls the model.
        reads_model_file: whether it gets the model's bytes in `subject.model_file`, digested and not deserialised.
        needs_labels: whether it requires `columns.target`.
        compares_champion: whether it gets the policy's champion as `subject.champion`, where there is one.
        not_calibrated: why `model-governance calibrate` cannot estimate the false alarms of its thresholds on rows
            drawn from the reference; empty where it can.
        texts: what it leaves out of features of kind text, as a sentence whose subject is the texts; empty where nothing.
        operator: class name of its Airflow operator; by default the kind in CamelCase followed by "Operator".
        wing: the group that lists show it in; for checks of other packages only, a built-in one is in the wing of
            its folder.
        tasks: the prediction tasks it can measure.
        min_reference_rows: rows of the reference below which it cannot measure; `policy init` leaves it out then.

    Raises:
        ValueError: the operator's name is no identifier that ends with "Operator".
    """

    kind: str
    title: str
    question: str
    params: type[Params]
    metrics: tuple[MetricSpec, ...]
    roles: tuple[Role, ...]
    measure: Callable[[Subject, Any, int], CheckResult]
    self_test: SelfTest
    suggest: Suggest
    advice: Advice
    cost: str
    optional_roles: tuple[Role, ...] = ()
    stand_ins: Mapping[Role, str] = field(default_factory=dict)
    lookback: Callable[[Any], Lookback | tuple[Lookback, ...] | None] = lambda _: None
    preparation: Preparation | None = None
    floors: Callable[[Any], tuple[Floor, ...]] = lambda _: ()
    file_params: tuple[str, ...] = ()
    read_file: Callable[[ParamFile], Any] | None = None
    needs_model: bool = True
    reads_model_file: bool = False
    needs_labels: bool = False
    compares_champion: bool = False
    not_calibrated: str = ""
    texts: str = ""
    operator: str = ""
    wing: str = ""
    tasks: tuple[Task, ...] = (
        "binary_classification",
        "multiclass_classification",
        "regression",
        "ranking",
        "forecasting",
    )
    min_reference_rows: int = 1

    def __post_init__(self) -> None:
        if not (self.operator_name.isidentifier() and self.operator_name.endswith("Operator")):
            raise ValueError(
                f"check {self.kind}: operator is {self.operator_name!r}; expected an identifier that ends with Operator"
            )

    @property
    def operator_name(self) -> str:
        """Class name of the Airflow operator: `data_drift` has DataDriftOperator."""
        return self.operator or "".join(word.capitalize() for word in self.kind.split("_")) + "Operator"

    def roles_for(self, params: Mapping[str, Any]) -> tuple[Role, ...]:
        """The datasets it requires under these params, as a policy spells them."""
        return tuple(role for role in self.roles if params.get(self.stand_ins.get(role, "")) is None)

    def lookbacks(self, params: Params) -> tuple[Lookback, ...]:
        """Everything it needs of previous runs under these params."""
        lookback = self.lookback(params)
        if lookback is None:
            return ()
        return lookback if isinstance(lookback, tuple) else (lookback,)

    def notes_on_texts(self, columns: Columns) -> tuple[str, ...]:
        """What a run says of the features of kind text; nothing where there are none, or none of it is left out."""
        names = columns.of_kind("text")
        return (f"text features ({', '.join(names)}): {self.texts}",) if names and self.texts else ()

    def spec(self, name: str) -> MetricSpec:
        """The declaration of a metric.

        Raises:
            KeyError: the check has none of this name.
        """
        return spec_of(self.metrics, name)
