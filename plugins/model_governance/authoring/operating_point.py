"""What another decision threshold than the model's own would do on the reference, as remarks for a drafted policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import GovernanceError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns, Model

MOST_ROWS = 50_000
FEWEST_POSITIVES = 20
DEFAULT = 0.5


def operating_points(reference: pd.DataFrame, columns: Columns, model: Model | None) -> list[str]:
    """Lines of YAML comment about `decision_threshold`; the model's own labels stay in force.

    Args:
        reference: rows of the reference, shape (n, d).
        columns: the columns of the draft, with the label and the positive one of its two values.
        model: the loaded model; without its probabilities there is the key alone.
    """
    meaning = "probability from which on the positive label is predicted, in every check"
    plain = [f"# decision_threshold: {DEFAULT}    # {meaning}; by default the model's own labels"]
    if model is None or model.call_proba is None or columns.target is None or columns.target not in reference:
        return plain
    rows = reference[reference[columns.target].notna()]
    rows = rows.sample(MOST_ROWS, random_state=0) if len(rows) > MOST_ROWS else rows
    try:
        score = model.predict_proba(rows[list(columns.names)])[:, model.position_of(columns.positive)]
        own = model.predict(rows[list(columns.names)]) == model.classes[model.position_of(columns.positive)]
    except GovernanceError:
        return plain
    truth = (rows[columns.target] == columns.positive).to_numpy()
    if truth.sum() < FEWEST_POSITIVES:
        return plain
    best = _best_f1(score, truth)
    return [
        f"# {meaning}; by default the model's own labels, which on the reference",
        f"# flag {_told(own, truth)}; from {best:g} on (F1 at its largest there) it would flag {_told(score >= best, truth)}",
        f"# decision_threshold: {best:g}",
    ]


def _told(flagged: np.ndarray, truth: np.ndarray) -> str:
    return f"{flagged.mean():.1%} of the rows and find {flagged[truth].mean():.1%} of the positive ones"


def _best_f1(score: np.ndarray, truth: np.ndarray) -> float:
    """The threshold of two digits with the largest F1."""
    import numpy as np

    grid = np.arange(1, 100) / 100
    found = np.array([(score[truth] >= level).sum() for level in grid])
    flagged = np.array([(score >= level).sum() for level in grid])
    return float(grid[np.argmax(2 * found / (flagged + truth.sum()))])
