"""Groups of training rows that the model answers alike, and what these answers say about their members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.structural_disclosure.structure import Structure
    from model_governance.contract.subject import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Equivalence classes of training rows.

    Attributes:
        probabilities: what the model says of each group, shape (groups, classes).
        sizes: training rows of each group, shape (groups,).
    """

    probabilities: np.ndarray
    sizes: np.ndarray

    @property
    def rows(self) -> int:
        """All training rows."""
        return int(self.sizes.sum())

    def below(self, size: int) -> np.ndarray:
        """Whether a group has fewer rows than this, shape (groups,)."""
        return self.sizes < size

    def disclosing(self) -> np.ndarray:
        """Whether the model says of a group that some class has probability 0 (to 1e-8), shape (groups,)."""
        import numpy as np

        return np.isclose(self.probabilities, 0.0).any(axis=1)

    def with_few_of_a_class(self, size: int) -> np.ndarray:
        """Whether a class has some rows of a group, but fewer than this, shape (groups,).

        Rows of a class are estimated as rows of the group times probability.
        """
        estimated = self.probabilities * self.sizes[:, None]
        return ((estimated > 0) & (estimated < size)).any(axis=1)

    def share(self, groups: np.ndarray) -> float:
        """The share of training rows in these groups."""
        return int(self.sizes[groups].sum()) / self.rows


def group_rows(model: Model, structure: Structure, frame: pd.DataFrame) -> Groups:
    """Rows of one leaf form a group where the model is a single tree, rows of equal probabilities otherwise.

    Args:
        model: gives the probabilities.
        structure: the estimator inside it.
        frame: the training rows, shape (n, features).
    """
    import numpy as np

    probabilities = model.predict_proba(frame)
    if structure.is_single_tree:
        _, first, sizes = np.unique(structure.leaves(frame), return_index=True, return_counts=True)
        return Groups(probabilities=probabilities[first], sizes=sizes)
    distinct, sizes = np.unique(probabilities, axis=0, return_counts=True)
    return Groups(probabilities=distinct, sizes=sizes)
