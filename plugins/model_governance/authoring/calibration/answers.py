"""A model whose answers for the rows of the reference are computed once, however often a row is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject

CHUNK = 50_000


class KnownAnswers:
    """A call of a model on frames of features, with its answers for known rows looked up.

    Rows are recognised by a 64-bit hash of their features. A frame with any other row is given to the model as it is:
    a check that changes rows is answered by the model itself.
    """

    def __init__(self, call: Callable[[pd.DataFrame], Any], rows: pd.DataFrame) -> None:
        self._call, self._rows = call, rows
        self._known: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, frame: pd.DataFrame) -> Any:
        """The model's answers, shape (n,) or (n, k)."""
        import numpy as np

        if list(frame.columns) != list(self._rows.columns) or len(frame) == 0:
            return self._call(frame)
        try:
            wanted = _hashes(frame)
        except TypeError:  # a cell that has no hash: a list, a dictionary
            return self._call(frame)
        if self._known is None:
            self._known = self._learn()
        hashes, answers = self._known
        places = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
        return answers[places] if (hashes[places] == wanted).all() else self._call(frame)

    def _learn(self) -> tuple[np.ndarray, np.ndarray]:
        """Hashes of the rows, ascending (n,), and the answers in that order."""
        import numpy as np

        answers = [
            np.asarray(self._call(self._rows.iloc[start : start + CHUNK].reset_index(drop=True)))
            for start in range(0, len(self._rows), CHUNK)
        ]
        hashes = _hashes(self._rows)
        order = np.argsort(hashes)
        return hashes[order], np.concatenate(answers)[order]


def with_known_answers(subject: Subject, frame: pd.DataFrame) -> Subject:
    """The subject with a model that remembers its predictions and probabilities for these rows."""
    model = subject.model
    names = list(subject.columns.names)
    if model is None or not set(names) <= set(frame.columns):
        return subject
    rows = frame[names].reset_index(drop=True)
    proba = None if model.call_proba is None else KnownAnswers(model.call_proba, rows)
    return replace(subject, model=replace(model, call=KnownAnswers(model.call, rows), call_proba=proba))


def _hashes(frame: pd.DataFrame) -> np.ndarray:
    import pandas as pd

    return pd.util.hash_pandas_object(frame, index=False).to_numpy()
