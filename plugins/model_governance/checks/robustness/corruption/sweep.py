"""Every corruption at every severity, and of every single column: the cost of every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from model_governance.checks.robustness.corruption.corruptions import (
    NAMES,
    Intensity,
    columns_of,
    corrupt,
    intensity_of,
)
from model_governance.checks.robustness.corruption.params import ImageCorruptionName
from model_governance.checks.robustness.corruption.relations import obey
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

    from model_governance.attacks.relations import Relations
    from model_governance.checks.robustness.corruption.corruptions import Column
    from model_governance.checks.robustness.corruption.evaluation import Evaluation, RowOutcomes
    from model_governance.checks.robustness.corruption.params import (
        CorruptionName,
        CorruptionParams,
        TableCorruptionName,
    )
    from model_governance.contract.subject import Columns

WHOLE_COLUMN = Intensity(share=1.0, size=0.2)  # a column that a feed fills wrongly on every row


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """One corruption at one severity (0: a whole column), with its costs; `affected` (n,) masks the corrupted rows."""

    corruption: CorruptionName
    severity: int
    outcomes: RowOutcomes
    affected: np.ndarray
    column: str | None = None
    variant: str = ""

    @property
    def label(self) -> str:
        """The name a threshold uses."""
        return f"{self.corruption}@{self.severity}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """All points: over all columns at once, and whole columns one by one; `inapplicable` corruptions fit no feature."""

    grid: tuple[SweepPoint, ...]
    columns: tuple[SweepPoint, ...]
    inapplicable: tuple[CorruptionName, ...] = ()


def run_sweep(
    evaluation: Evaluation, columns: Columns, params: CorruptionParams, seed: int, relations: Relations | None = None
) -> Sweep:
    """Corrupt the sample in every way that the policy names.

    A column that follows from others by a relation is not corrupted by itself.

    Raises:
        CheckError: a column of `params.columns` is no feature, or a named corruption fits none or is for images.
    """
    pictured = [name for name in params.corruptions or () if name in get_args(ImageCorruptionName)]
    if pictured:
        raise CheckError(
            f"params.corruptions names {', '.join(pictured)}, which corrupt images, and the policy describes none; describe it in "
            "columns.image, or take them out"
        )
    unknown = sorted(set(params.columns) - set(columns.names))
    if unknown:
        raise CheckError(
            f"params.columns names {', '.join(unknown)}, which are no features; there are {', '.join(columns.names)}"
        )
    follows = {str(relation.dependent) for relation in relations.ordered} if relations else set()
    clean_columns = {
        name: column
        for name, column in columns_of(evaluation.frame, columns).items()
        if (not params.columns or name in params.columns) and name not in follows
    }
    named = [corruption for corruption in NAMES if params.corruptions is None or corruption in params.corruptions]
    fitting = [
        corruption for corruption in named if any(column.applies(corruption) for column in clean_columns.values())
    ]
    inapplicable = tuple(corruption for corruption in named if corruption not in fitting)
    if inapplicable and params.corruptions is not None:
        raise CheckError(
            f"no feature can show {', '.join(inapplicable)}; take it out of params.corruptions, or correct the kinds in columns.features"
        )
    whole = tuple(
        point for kind in fitting for point in _whole_columns(evaluation, clean_columns, kind, params, seed, relations)
    )
    grid = []
    for kind in fitting:
        refusing = {point.column for point in whole if point.corruption == kind and point.outcomes.refused.any()}
        grid += [
            _everywhere(evaluation, clean_columns, kind, severity, refusing, params.unit_factors, seed, relations)
            for severity in sorted(params.severities)
        ]
    return Sweep(grid=tuple(grid), columns=whole, inapplicable=inapplicable)


def _whole_columns(
    evaluation: Evaluation,
    clean_columns: Mapping[str, Column],
    kind: TableCorruptionName,
    params: CorruptionParams,
    seed: int,
    relations: Relations | None,
) -> Iterator[SweepPoint]:
    import numpy as np

    for name, column in clean_columns.items():
        if not column.applies(kind):
            continue
        place = int(evaluation.frame.columns.get_loc(name))
        # A feed that changed its unit uses one and the same for every row.
        for factors in [(factor,) for factor in params.unit_factors] if kind == "unit_error" else [params.unit_factors]:
            corrupted, affected = evaluation.frame.copy(), _no_cells(evaluation)
            values, hit = corrupt(
                column, kind, WHOLE_COLUMN, generator=_generator_of(seed, kind, place), factors=factors
            )
            corrupted[name] = values
            affected[:, place] = hit
            if relations is not None:
                corrupted = obey(relations, evaluation.frame, corrupted, affected)
                hit = affected[:, place]
            outcomes = evaluation.evaluate(corrupted, affected, np.zeros(len(evaluation.frame.columns), dtype=bool))
            variant = f"{kind} x{factors[0]:g}" if kind == "unit_error" else kind
            yield SweepPoint(corruption=kind, severity=0, outcomes=outcomes, affected=hit, column=name, variant=variant)


def _everywhere(
    evaluation: Evaluation, clean_columns: Mapping[str, Column], kind: TableCorruptionName, severity: int, refusing: set[str | None],
    factors: Sequence[float], seed: int, relations: Relations | None,
) -> SweepPoint:  # fmt: skip
    import numpy as np

    corrupted, affected = evaluation.frame.copy(), _no_cells(evaluation)
    for name, column in clean_columns.items():
        if not column.applies(kind):
            continue
        place = int(evaluation.frame.columns.get_loc(name))
        generator = _generator_of(seed, kind, place)
        values, hit = corrupt(column, kind, intensity_of(kind, severity), generator=generator, factors=tuple(factors))
        corrupted[name] = values
        affected[:, place] = hit
    if relations is not None:
        corrupted = obey(relations, evaluation.frame, corrupted, affected)
    refused_columns = np.array([name in refusing for name in evaluation.frame.columns])
    outcomes = evaluation.evaluate(corrupted, affected, refused_columns)
    return SweepPoint(corruption=kind, severity=severity, outcomes=outcomes, affected=np.asarray(affected.any(axis=1)))


def _no_cells(evaluation: Evaluation) -> np.ndarray:
    import numpy as np

    return np.zeros(evaluation.frame.shape, dtype=bool)


def _generator_of(seed: int, kind: TableCorruptionName, place: int) -> np.random.Generator:
    """Random numbers by corruption and column only, so that severities share them and params do not change them."""
    import numpy as np

    return np.random.default_rng([seed, NAMES.index(kind), place])
