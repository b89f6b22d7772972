"""Whether a model answers a row alone as it does among others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

# Sums of 32-bit floats in batches of another size differ by less; statistics of the batch differ by far more.
RELATIVE, SHARE_OF_LARGEST = 1e-3, 1e-4


def check_batches(answers: Callable[[pd.DataFrame], np.ndarray], rows: pd.DataFrame, *, uri: str) -> None:
    """Nothing, when rows get the answers alone and in another order that they get together.

    Args:
        answers: a frame -> (n, ...), numbers.
        rows: a few rows that differ from one another, n > 1.
        uri: the model, for the message.

    Raises:
        SubjectError: they do not.
    """
    import numpy as np

    together = np.asarray(answers(rows), dtype=np.float64)
    backwards = np.asarray(answers(rows.iloc[::-1]), dtype=np.float64)[::-1]
    halves = np.concatenate([answers(rows.iloc[: len(rows) // 2]), answers(rows.iloc[len(rows) // 2 :])])
    alone = np.concatenate([answers(rows.iloc[[place]]) for place in range(len(rows))])
    finite = np.abs(together[np.isfinite(together)])
    slack = SHARE_OF_LARGEST * max(1.0, float(finite.max(initial=0.0)))
    for asked, other in (("one by one", alone), ("in another order", backwards), ("in two batches", halves)):
        same = np.isclose(together, np.asarray(other, dtype=np.float64), rtol=RELATIVE, atol=slack, equal_nan=True)
        if not same.all():
            wrong = int((~same).reshape(len(rows), -1).any(axis=1).sum())
            raise SubjectError(
                f"{uri}: answers {wrong} of {len(rows)} rows differently when they are asked {asked}: its answers depend on "
                "the rows beside them. It was exported in training mode, or scales by the batch (dynamic quantisation); call "
                "model.eval() before the export, and quantise with fixed ranges"
            )
