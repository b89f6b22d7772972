"""The model's confidence that rows belong to a class: its probability, or how stable the label is under noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.access import predicted_labels
from model_governance.checks.privacy.model_inversion.candidates import cast_like

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.gower import GowerDistance
    from model_governance.attacks.relations import Relations
    from model_governance.contract.subject import Model

NEIGHBOURS = 8
NOISE = 0.1  # of the range of a column


class ClassConfidence:
    """The objective of an attack.

    Where the attacker sees labels only, it is the share of eight noisy neighbours that get the label (Kahla et al.,
    2022): 1 for a row well inside the class.
    """

    def __init__(self, model: Model, distance: GowerDistance, *, seed: int, relations: Relations | None = None) -> None:
        self.model, self.relations = model, relations
        self.distance = distance
        self.seed = seed

    def __call__(self, rows: pd.DataFrame, classes: np.ndarray) -> np.ndarray:
        """Confidence that each row belongs to the class with the given number, shape (n,), in [0, 1].

        Raises:
            QueryBudgetExceeded, ModelMisbehaved: as `limit_queries` and `Model`.
        """
        import numpy as np

        if self.model.call_proba is not None:
            return self.model.predict_proba(rows)[np.arange(len(rows)), classes]
        agrees = [predicted_labels(self.model, neighbours) == classes for neighbours in self._neighbours(rows)]
        return np.mean(agrees, axis=0)

    def _neighbours(self, rows: pd.DataFrame) -> list[pd.DataFrame]:
        import numpy as np

        # The same noise in every call, so that two rows are compared and not two draws.
        generator = np.random.default_rng(self.seed)
        neighbours = []
        for _ in range(NEIGHBOURS):
            noise = generator.normal(0.0, NOISE, len(self.distance.numeric)) * self.distance.ranges
            moved = {
                name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan) + noise[place]
                for place, name in enumerate(self.distance.numeric)
            }
            cells = {name: moved.get(name, rows[name].to_numpy()) for name in rows.columns}
            made = cast_like(cells, rows)
            neighbours.append(made if self.relations is None else self.relations.obeyed(made, rows))
        return neighbours
