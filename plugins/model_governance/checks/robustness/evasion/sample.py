"""The rows under attack: a seeded sample of `current`, and real rows that attacks start from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.drawing import draw_rows
from model_governance.checks.robustness.evasion.gaps import usable_rows
from model_governance.checks.robustness.evasion.moves import ROUNDING
from model_governance.contract.slices import SHOWN_FROM
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    import pandas as pd

    from model_governance.attacks.relations import Relations
    from model_governance.checks.robustness.evasion.drawing import Drawing
    from model_governance.contract.row_selection import RowSelection
    from model_governance.contract.subject import Role, Subject

DONORS = 2_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Sampled rows with predictions (n,); `correct` (n,) is None where there is no accuracy, `no_accuracy` says why.

    `chosen` (n,) are their places in `current`, `drawing` says how they came about, `refused` names the columns whose gaps
    the model does not take. `smallest_change` (n,) is the size of the smallest allowed change of each row, once it is known,
    and `budget` the largest one: a row whose smallest change is larger is not attacked.
    """

    frame: pd.DataFrame
    predicted: np.ndarray
    correct: np.ndarray | None
    drawing: Drawing
    no_accuracy: str
    refused: tuple[str, ...]
    smallest_change: np.ndarray | None = None
    budget: float = math.inf

    @property
    def chosen(self) -> np.ndarray:
        """Places of the rows in `current`, shape (n,)."""
        return self.drawing.chosen

    @property
    def attacked(self) -> np.ndarray:
        """Numbers of the rows to attack: those classified correctly; all without labels, or where a prediction was asked for.

        Rows that nothing can change within the budget are not among them.
        """
        import numpy as np

        return np.flatnonzero(self._wanted & self._changeable)

    @property
    def unchangeable(self) -> int:
        """Number of rows that would be attacked if anything of them could change within the budget."""
        return int((self._wanted & ~self._changeable).sum())

    @property
    def _wanted(self) -> np.ndarray:
        import numpy as np

        if self.correct is None or self.drawing.by_prediction:
            return np.ones(len(self.frame), dtype=bool)
        return self.correct

    @property
    def _changeable(self) -> np.ndarray:
        import numpy as np

        if self.smallest_change is None:
            return np.ones(len(self.frame), dtype=bool)
        return np.asarray(self.smallest_change <= self.budget + ROUNDING)

    @property
    def too_few(self) -> bool:
        """Whether rows of one kind were asked for, and hardly one was found: no share of so few says anything."""
        return self.drawing.selective and len(self.attacked) < SHOWN_FROM

    @property
    def steps(self) -> tuple[tuple[str, int, str], ...]:
        """What became of the rows of `current`, step by step: (step, rows, remark)."""
        attacked, unchangeable = len(self.attacked), self.unchangeable
        wrong = len(self.frame) - attacked - unchangeable
        remarks = [f"{wrong:,} drawn rows are classified wrongly and not attacked"] if wrong else []
        if unchangeable:
            remarks.append(
                f"{unchangeable:,} are not attacked because nothing of them may change within {self.budget:g}"
            )
        return (*self.drawing.steps, ("attacked", attacked, "; ".join(remarks)))


def draw_sample(
    subject: Subject, size: int, generator: np.random.Generator, *, selection: RowSelection,
    refused: tuple[str, ...] = (), relations: Relations | None = None,
) -> Sample:  # fmt: skip
    """At most `size` rows of `current`, drawn without replacement among those of the selection.

    A row with an infinite value, with a gap in `refused` columns, or in which a relation does not hold, is not drawn.

    Raises:
        CheckError: no row can be used, or the model classifies none of the sample correctly.
        SubjectError, ModelMisbehaved: as `Subject.features` and `Model.predict`.
    """
    import numpy as np

    model = subject.require_model()
    features = subject.features("current")
    usable = usable_rows(features, refused)
    if relations is not None:
        usable = np.logical_and.reduce([usable, *relations.hold(features).values()])
    labels = None if subject.task == "regression" else _labels(subject)
    no_accuracy = ""
    if subject.task == "regression":
        no_accuracy = "a regression has no accuracy; use attack_success_rate"
    elif labels is None:
        no_accuracy = "current holds no labels; use attack_success_rate, or give labels in columns.target"
    if not (usable if labels is None else usable & labels.notna().to_numpy()).any():
        unfit = f" (the model takes no gap in {', '.join(refused)})" if refused else ""
        raise CheckError(
            f"{subject.datasets['current'].uri}: none of {len(usable):,} rows can be attacked{unfit}: each lacks its label or "
            "a value that the model needs, or holds an infinite one; impute upstream, or take the empty column out of "
            "columns.features"
        )
    drawing = draw_rows(subject, features, labels, usable, size=size, selection=selection, generator=generator)
    frame = features.iloc[drawing.chosen].reset_index(drop=True)
    predicted = model.predict(frame) if len(frame) else np.zeros(0)
    correct = None
    if labels is not None:
        correct = np.asarray(labels.iloc[drawing.chosen].to_numpy() == predicted, dtype=bool)
    sample = Sample(frame, predicted, correct, drawing, no_accuracy, refused)
    if not sample.too_few and not len(sample.attacked):
        raise CheckError(
            f"model {model.name!r} classifies none of {len(frame):,} sampled rows correctly, so nothing is left to "
            f"attack; compare the values of column {subject.columns.target!r} with the labels that the model returns"
        )
    return sample


def real_rows(subject: Subject, refused: Collection[str]) -> list[tuple[Role, pd.DataFrame]]:
    """Rows of `reference` (when given) and `current` that the model takes: they define ranges and values, and serve as starts."""
    roles: list[Role] = ["reference", "current"] if "reference" in subject.datasets else ["current"]
    frames = []
    for role in roles:
        features = subject.features(role)
        usable = features[usable_rows(features, refused)]
        if len(usable):
            frames.append((role, usable))
    return frames


def draw_donors(frame: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """At most DONORS rows of a frame, drawn without replacement."""
    return frame.iloc[generator.permutation(len(frame))[:DONORS]].reset_index(drop=True)


def _labels(subject: Subject) -> pd.Series | None:
    """The labels of `current` as they are; None where no column or no value is there."""
    target = subject.columns.target
    if target is None or target not in subject.datasets["current"].names:
        return None
    labels = subject.frame("current", columns=[target])[target]
    return None if labels.isna().all() else labels
