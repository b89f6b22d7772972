"""The predictions of clean and corrupted rows, and the cost of each.

A class is right or wrong; a number costs its absolute error as a share of that of the best constant.
Without labels, the model's own predictions of the clean rows are the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from model_governance.contract.slices import named_values
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.robustness.corruption.params import CorruptionParams
    from model_governance.contract.subject import Model, Subject

Measure = Literal["accuracy", "agreement", "mae", "shift"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcomes:
    """Cost of every row, shape (n,), and the rows without a prediction, shape (n,) bool."""

    costs: np.ndarray
    refused: np.ndarray


@dataclass(slots=True, kw_only=True)
class Evaluation:
    """The sample, its truth and the clean predictions; `asked` counts the rows sent to the model.

    `scale` turns a cost of a regressor back into units of the target (1 for classes). `order` are the
    positions of the sample in current.
    """

    model: Model
    frame: pd.DataFrame
    truth: np.ndarray
    clean: np.ndarray
    measure: Measure
    order: np.ndarray
    scale: float = 1.0
    asked: int = field(default=0)

    @property
    def n(self) -> int:
        """Rows of the sample."""
        return len(self.frame)

    @property
    def classes(self) -> bool:
        """Whether the model is a classifier."""
        return self.measure in ("accuracy", "agreement")

    def costs(self, answers: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Cost of answers to these rows (all when None)."""
        import numpy as np

        truth = self.truth if rows is None else self.truth[rows]
        if self.classes:
            return (answers != truth).astype(float)
        return np.abs(answers.astype(float) - truth) / self.scale

    def evaluate(self, corrupted: pd.DataFrame, affected: np.ndarray, refusing: np.ndarray) -> RowOutcomes:
        """Costs of a corrupted sample; only affected rows are predicted again.

        A row that the model refuses has no prediction: it counts as wrong, a number as far off as the best constant.
        Rows corrupted in a column that is `refusing`, shape (columns,), are not sent, so that they
        do not take the rest of the batch with them; where the model refuses the others too, all are refused.

        Args:
            corrupted: the sample with corrupted cells.
            affected: corrupted cells, shape (n, columns).
            refusing: columns whose corruption the model is known to refuse.
        """
        answers = self.clean.copy()
        refused = (affected & refusing).any(axis=1)
        sent = affected.any(axis=1) & ~refused
        if sent.any():
            self.asked += int(sent.sum())
            try:
                answers[sent] = self.model.predict(corrupted[sent])
            except ModelMisbehaved:
                refused |= sent
        costs = self.costs(answers)
        costs[refused] = self._refusal_costs()[refused]
        return RowOutcomes(costs=costs, refused=refused)

    def _refusal_costs(self) -> np.ndarray:
        import numpy as np

        if self.classes:
            return np.ones(self.n)
        return np.abs(self.truth - np.median(self.truth)) / self.scale


def prepare(subject: Subject, params: CorruptionParams, generator: np.random.Generator) -> Evaluation:
    """The evaluation on a seeded sample of current.

    Raises:
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model.predict`.
        CheckError: labels are asked for and missing or unknown to the model, the model answers clean rows
            differently when asked twice, or its answers (or the labels) are all the same number.
    """
    import numpy as np

    model, frame = subject.require_model(), subject.features("current")
    labels = _labels(subject, params)
    order = np.sort(generator.permutation(len(frame))[: params.samples])
    rows = frame.iloc[order].reset_index(drop=True)
    clean = model.predict(rows)
    if not np.array_equal(clean, model.predict(rows)):
        raise CheckError(
            f"model {model.name!r} answers the same rows differently when asked twice, so the effect of corruption cannot be "
            "distinguished from chance; fix its seed, or set it to inference mode"
        )
    truth = clean if labels is None else labels.to_numpy()[order]
    if subject.task != "regression":
        _require_known_labels(subject, truth)
        measure: Measure = "agreement" if labels is None else "accuracy"
        return Evaluation(
            model=model, frame=rows, truth=truth, clean=clean, measure=measure, order=order, asked=2 * len(rows)
        )
    truth = truth.astype(float)
    scale = float(np.abs(truth - np.median(truth)).mean())
    if scale == 0:
        what = "answers" if labels is None else "labels"
        raise CheckError(
            f"all {len(rows):,} {what} are the same number; no corruption could show. Check the model and the feed"
        )
    return Evaluation(
        model=model, frame=rows, truth=truth, clean=clean.astype(float), order=order, scale=scale,
        measure="shift" if labels is None else "mae", asked=2 * len(rows),
    )  # fmt: skip


def _labels(subject: Subject, params: CorruptionParams) -> pd.Series | None:
    target = subject.columns.target
    there = target is not None and target in subject.datasets["current"].names
    if params.against == "answers" or (params.against is None and not there):
        return None
    if params.against is None and subject.labels_mature_in is not None:
        return None
    return subject.target("current")


def _require_known_labels(subject: Subject, truth: np.ndarray) -> None:
    model = subject.require_model()
    known = {repr(label) for label in model.classes}
    unknown = [label for label in truth.tolist() if repr(label) not in known]
    if model.classes and unknown:
        raise CheckError(
            f"{subject.datasets['current'].uri}: column {subject.columns.target!r} holds label(s) {named_values(unknown)} "
            f"that model {model.name!r} does not know (it answers {', '.join(map(repr, model.classes))}); use the labels "
            "that the model was trained on"
        )
