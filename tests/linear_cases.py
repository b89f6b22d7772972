"""A linear model with gradients, whose smallest flips are known in closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd

from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

WEIGHTS = np.array([3.0, -2.0, 1.0, 0.5])
INTERCEPT = -1.2
ROWS = 24
NAMES = list("abcd")


def margins(frame: pd.DataFrame) -> np.ndarray:
    # Row by row: a matrix product rounds by the number of rows, and rows on a grid can be exact ties.
    return (frame[NAMES].to_numpy(dtype=float) * WEIGHTS).sum(axis=1) + INTERCEPT


def linear(*, digits: int | None = None, kind: str = "numeric") -> Subject:
    """A linear model, rows away from the walls of the box, and the gradients that a loader would give."""
    frame = pd.DataFrame(np.random.default_rng(5).uniform(0.35, 0.65, (ROWS, 4)), columns=NAMES)
    frame = frame if digits is None else frame.round(digits)
    model = Model(
        name="linear", format="skops", sha256="0" * 64, task="binary_classification", native=None, classes=(0, 1),
        call=lambda rows: (margins(rows) > 0).astype(int),
        call_logits=lambda rows: np.stack([np.zeros(len(rows)), margins(rows)], axis=1),
        call_gradient=lambda _, weights: weights[:, 1:] * WEIGHTS,
    )  # fmt: skip
    columns = Columns(features={name: Feature(kind=kind, minimum=0, maximum=1) for name in NAMES}, target="y")
    data = {"current": Dataset(role="current", uri="c", sha256="c", frame=frame.assign(y=model.predict(frame)))}
    return Subject(name="linear", task="binary_classification", columns=columns, datasets=data, model=model)
