"""Every kind of dirt at every severity, and column by column: what each costs, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.robustness.corruption.dirt import NAMES, Grade, columns_of, grade_of, soil
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

    from model_governance.checks.robustness.corruption.dirt import Column
    from model_governance.checks.robustness.corruption.exam import Answers, Exam
    from model_governance.checks.robustness.corruption.params import CorruptionName, CorruptionParams
    from model_governance.contract.subject import Columns

WHOLE = Grade(share=1.0, size=0.2)  # a column that a feed fills wrongly on every row


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One kind of dirt at one severity (0: a whole column), with its costs; `touched` counts the rows it hit."""

    corruption: CorruptionName
    severity: int
    answers: Answers
    touched: np.ndarray
    column: str | None = None
    how: str = ""

    @property
    def label(self) -> str:
        """The name a threshold uses."""
        return f"{self.corruption}@{self.severity}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All probes: over all columns at once, and whole columns one by one; `left_out` fit no feature."""

    grid: tuple[Probe, ...]
    columns: tuple[Probe, ...]
    left_out: tuple[CorruptionName, ...]


def survey(exam: Exam, columns: Columns, params: CorruptionParams, seed: int) -> Survey:
    """Make the sample dirty in every way that the policy names.

    Raises:
        CheckError: a column of `params.columns` is no feature, or a named corruption fits none.
    """
    strange = sorted(set(params.columns) - set(columns.names))
    if strange:
        raise CheckError(
            f"params.columns names {', '.join(strange)}, which are no features; there are {', '.join(columns.names)}"
        )
    ordinary = {
        name: one
        for name, one in columns_of(exam.frame, columns).items()
        if not params.columns or name in params.columns
    }
    named = [one for one in NAMES if params.corruptions is None or one in params.corruptions]
    fitting = [one for one in named if any(column.takes(one) for column in ordinary.values())]
    left_out = tuple(one for one in named if one not in fitting)
    if left_out and params.corruptions is not None:
        raise CheckError(
            f"no feature can show {', '.join(left_out)}; take it out of params.corruptions, or correct the kinds in columns.features"
        )
    whole = tuple(one for kind in fitting for one in _whole_columns(exam, ordinary, kind, params, seed))
    grid = []
    for kind in fitting:
        refusing = {one.column for one in whole if one.corruption == kind and one.answers.refused.any()}
        grid += [
            _everywhere(exam, ordinary, kind, severity, refusing, params.unit_factors, seed)
            for severity in sorted(params.severities)
        ]
    return Survey(grid=tuple(grid), columns=whole, left_out=left_out)


def _whole_columns(
    exam: Exam, ordinary: Mapping[str, Column], kind: CorruptionName, params: CorruptionParams, seed: int
) -> Iterator[Probe]:
    import numpy as np

    for name, column in ordinary.items():
        if not column.takes(kind):
            continue
        place = int(exam.frame.columns.get_loc(name))
        # A feed that changed its unit uses one and the same for every row.
        for factors in [(one,) for one in params.unit_factors] if kind == "unit_error" else [params.unit_factors]:
            dirty, touched = exam.frame.copy(), _nothing(exam)
            values, hit = soil(column, kind, WHOLE, generator=_draws(seed, kind, place), factors=factors)
            dirty[name] = values
            touched[:, place] = hit
            answers = exam.answer(dirty, touched, np.zeros(len(exam.frame.columns), dtype=bool))
            how = f"{kind} x{factors[0]:g}" if kind == "unit_error" else kind
            yield Probe(corruption=kind, severity=0, answers=answers, touched=hit, column=name, how=how)


def _everywhere(
    exam: Exam, ordinary: Mapping[str, Column], kind: CorruptionName, severity: int, refusing: set[str | None],
    factors: Sequence[float], seed: int,
) -> Probe:  # fmt: skip
    import numpy as np

    dirty, touched = exam.frame.copy(), _nothing(exam)
    for name, column in ordinary.items():
        if not column.takes(kind):
            continue
        place = int(exam.frame.columns.get_loc(name))
        generator = _draws(seed, kind, place)
        values, hit = soil(column, kind, grade_of(kind, severity), generator=generator, factors=tuple(factors))
        dirty[name] = values
        touched[:, place] = hit
    unwelcome = np.array([name in refusing for name in exam.frame.columns])
    answers = exam.answer(dirty, touched, unwelcome)
    return Probe(corruption=kind, severity=severity, answers=answers, touched=np.asarray(touched.any(axis=1)))


def _nothing(exam: Exam) -> np.ndarray:
    import numpy as np

    return np.zeros(exam.frame.shape, dtype=bool)


def _draws(seed: int, kind: CorruptionName, place: int) -> np.random.Generator:
    """Draws that depend on the dirt and the column only, so that severities share them and params cannot move them."""
    import numpy as np

    return np.random.default_rng([seed, NAMES.index(kind), place])
