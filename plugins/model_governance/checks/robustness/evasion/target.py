"""The target of the attacks of a run: the model, the rows, their predictions and the space of allowed changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.queries import Queries

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.trees import NoExactAnswer, TreeModel
    from model_governance.checks.robustness.evasion.answers import Answers
    from model_governance.checks.robustness.evasion.moves import Origins
    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.contract.subject import Columns, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The model and n rows under attack.

    `donors` are real rows to start from, `trees` those of the model, if it has any, `worth` (n,) is what each row is worth to
    the attacker, where the policy says so.
    """

    model: Model
    columns: Columns
    space: RowSpace
    origins: Origins
    answers: Answers
    donors: pd.DataFrame
    params: EvasionParams
    seed: int
    trees: TreeModel | NoExactAnswer
    worth: np.ndarray | None = None

    @property
    def rows(self) -> int:
        """Number of rows under attack."""
        return len(self.origins.frame)

    def queries(self, model: Model) -> Queries:
        """A fresh record of the queries of one attack to `model`, whose queries are limited."""
        return Queries(model, self.space, self.origins, self.answers, self.params.norm, self.worth)

    def generator(self, attack: int) -> np.random.Generator:
        """The random numbers of one attack, which do not depend on the other attacks."""
        import numpy as np

        return np.random.default_rng([self.seed, attack])
