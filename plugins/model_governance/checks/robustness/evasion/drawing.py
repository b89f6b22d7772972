"""Drawing the rows of a selection: how many there were, were asked about and drawn, and which were passed over and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.row_selection import SIDES
from model_governance.contract.slices import slice_masks
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.row_selection import RowSelection
    from model_governance.contract.subject import Subject

    Step = tuple[str, int, str]

ASKED = 10_000  # rows that are predicted at a time, until enough of them have the wanted prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The places (n,) of the drawn rows, ascending, and the steps that led to them: (step, rows, remark).

    `selective` says that rows of one kind were asked for, `by_prediction` that their prediction is part of it.
    """

    chosen: np.ndarray
    steps: tuple[Step, ...]
    selective: bool
    by_prediction: bool


def draw_rows(
    subject: Subject, features: pd.DataFrame, labels: pd.Series | None, usable: np.ndarray, *, size: int,
    selection: RowSelection, generator: np.random.Generator,
) -> Drawing:  # fmt: skip
    """At most `size` of the rows of the selection that can be used and whose label is known.

    Predictions are asked for in a drawn order, until enough rows have the wanted one.

    Args:
        subject: its `current` is drawn from.
        features: the rows of it.
        labels: their labels, where there are any.
        usable: mask (n,) of the rows that the model can be asked about.
        size: number of rows.
        selection: which rows.
        generator: of the draw.

    Raises:
        CheckError: a label is asked for that no row has, or where there are no labels.
    """
    import numpy as np

    wanted, condition = np.ones(len(usable), dtype=bool), selection.model_copy(update={"predicted": None}).text
    steps: list[Step] = [("rows in current", len(usable), "")]
    if condition:
        wanted = _meets(subject, labels, selection, len(usable))
        steps.append((f"of them with {condition}", int(wanted.sum()), ""))
    steps.append(_usable_step(wanted, usable, labels))
    able = wanted & usable if labels is None else wanted & usable & labels.notna().to_numpy()
    order = generator.permutation(np.flatnonzero(able))
    if selection.predicted is not None:
        order, asked = _predicted(subject, features, order, size=size, selection=selection)
        steps.append(
            (f"predicted {selection.predicted}", len(order), f"{asked:,} rows were asked about, in a drawn order")
        )
    chosen = np.sort(order[:size])
    short = f"instead of {size:,}: there are no more" if len(chosen) < size else ""
    steps.append(("drawn", len(chosen), short))
    return Drawing(
        chosen=chosen, steps=tuple(steps), selective=bool(selection.text), by_prediction=selection.predicted is not None
    )


def _usable_step(wanted: np.ndarray, usable: np.ndarray, labels: pd.Series | None) -> Step:
    unfit, remarks = int((wanted & ~usable).sum()), []
    if unfit:
        remarks.append(f"{unfit:,} hold infinite values, gaps that the model refuses, or break a relation")
    able = wanted & usable
    if labels is not None:
        unknown = int((able & labels.isna().to_numpy()).sum())
        able &= labels.notna().to_numpy()
        remarks += [f"{unknown:,} have no label yet"] if unknown else []
    return "that can be attacked", int(able.sum()), "; ".join(remarks)


def _meets(subject: Subject, labels: pd.Series | None, selection: RowSelection, rows: int) -> np.ndarray:
    """Mask (n,) of the rows that meet the conditions on label and columns."""
    import numpy as np

    def column(name: str) -> pd.Series:
        return subject.frame("current", columns=[name])[name]

    masks = slice_masks(column, selection.where, notes=[], what="rows of current", allow_empty=True).values()
    found: np.ndarray = np.logical_and.reduce([np.ones(rows, dtype=bool), *masks])
    if selection.label is None:
        return found
    if labels is None:
        raise CheckError(
            f"rows with label {selection.label} are asked for, and current holds no labels; give them in columns.target, or "
            "select rows by their prediction"
        )
    return found & _labelled(subject, labels, selection)


def _labelled(subject: Subject, labels: pd.Series, selection: RowSelection) -> np.ndarray:
    import numpy as np

    classes, label = subject.require_model().classes, selection.label
    if label in SIDES and label not in classes:
        place = _position(subject, "positive" if label == "positive" else "negative")
        label = classes[place]
    if label not in classes:
        known = ", ".join(map(repr, classes))
        raise CheckError(f"rows.label is {label!r}, which is not a class of the model; there are {known}")
    return np.asarray(labels.to_numpy() == label, dtype=bool)


def _position(subject: Subject, side: str) -> int:
    place = subject.require_model().position_of(subject.columns.positive)
    return place if side == "positive" else 1 - place


def _predicted(
    subject: Subject, features: pd.DataFrame, order: np.ndarray, *, size: int, selection: RowSelection
) -> tuple[np.ndarray, int]:
    """The first `size` of these places whose rows have the wanted prediction, in their order, and how many were asked about."""
    import numpy as np

    model = subject.require_model()
    wanted = model.classes[_position(subject, str(selection.predicted))]
    found: list[np.ndarray] = []
    asked = 0
    while asked < len(order) and sum(map(len, found)) < size:
        places = order[asked : asked + ASKED]
        found.append(places[model.predict(features.iloc[places].reset_index(drop=True)) == wanted])
        asked += len(places)
    return np.concatenate([np.zeros(0, dtype=int), *found]), asked
