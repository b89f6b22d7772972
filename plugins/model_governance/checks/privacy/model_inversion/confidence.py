"""How sure the model is that rows are of a class: its probability, or how steadily its label says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.access import predicted_labels
from model_governance.checks.privacy.model_inversion.ground import like

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_inversion.ground import Measure
    from model_governance.contract.subject import Model

NEIGHBOURS = 8
REACH = 0.1  # of the spread of a column


class Confidence:
    """The aim of an attack.

    Where only labels are heard, the share of eight neighbours that get the label (Kahla et al., 2022): a row deep
    inside a class has all of them.
    """

    def __init__(self, model: Model, measure: Measure, *, seed: int) -> None:
        self.model = model
        self.measure = measure
        self.seed = seed

    def __call__(self, rows: pd.DataFrame, wanted: np.ndarray) -> np.ndarray:
        """Confidence in the class number wanted of each row, shape (n,)."""
        import numpy as np

        if self.model.call_proba is not None:
            return self.model.predict_proba(rows)[np.arange(len(rows)), wanted]
        return np.mean([predicted_labels(self.model, one) == wanted for one in self._around(rows)], axis=0)

    def _around(self, rows: pd.DataFrame) -> list[pd.DataFrame]:
        import numpy as np

        # The same neighbours every time, so that two rows are compared and not two draws.
        generator = np.random.default_rng(self.seed)
        found = []
        for _ in range(NEIGHBOURS):
            moved = generator.normal(0.0, REACH, len(self.measure.numbers)) * self.measure.spread
            cells = {
                name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan) + moved[place]
                for place, name in enumerate(self.measure.numbers)
            }
            whole = {name: cells.get(name, rows[name].to_numpy()) for name in rows.columns}
            found.append(like(whole, rows))
        return found
