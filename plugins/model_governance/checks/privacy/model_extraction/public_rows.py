"""What an attacker has to ask with: public rows, rows made of public columns, and rows held out to compare on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.access import encode_labels
from model_governance.attacks.surrogate import design_of
from model_governance.checks.privacy.model_extraction.params import LEAST, LEAST_BUDGET
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.surrogate import Design
    from model_governance.checks.privacy.model_extraction.params import ExtractionParams
    from model_governance.contract.subject import Role, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """Rows outside training: `pool` with true labels (n,) to ask with, `held_out` that nobody asks about.

    `made` are rows whose columns are drawn from the pool one by one, as many as the largest budget.
    """

    role: Role
    pool: pd.DataFrame
    labels: np.ndarray
    made: pd.DataFrame
    held_out: pd.DataFrame
    design: Design


def draw_public(subject: Subject, params: ExtractionParams, generator: np.random.Generator) -> Public:
    """Seeded parts of population, or of reference: half at most is held out.

    Raises:
        CheckError: too few rows, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`.
    """
    role: Role = "population" if "population" in subject.datasets else "reference"
    frame, labels = subject.features(role), encode_labels(subject, role)
    order = generator.permutation(len(frame))
    held = min(params.samples, len(order) // 2)
    if held < LEAST or len(order) - held < LEAST_BUDGET:
        raise CheckError(
            f"{subject.datasets[role].uri}: model extraction needs at least {2 * LEAST} rows of {role}, half of which are "
            f"held out; found {len(order):,}"
        )
    pool = frame.iloc[order[held:]].reset_index(drop=True)
    return Public(
        role=role,
        pool=pool,
        labels=labels[order[held:]],
        made=_made_of(pool, max(params.budgets), generator),
        held_out=frame.iloc[order[:held]].reset_index(drop=True),
        design=design_of(pool, subject.columns),
    )


def _made_of(pool: pd.DataFrame, count: int, generator: np.random.Generator) -> pd.DataFrame:
    """Rows of single cells of the pool: what is known of a column, and nothing of how columns go together."""
    columns = {
        name: pool[name].iloc[generator.integers(0, len(pool), count)].reset_index(drop=True) for name in pool.columns
    }
    import pandas as pd

    return pd.DataFrame(columns)
