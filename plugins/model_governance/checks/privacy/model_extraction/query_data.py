"""The rows of a model extraction: public rows and synthetic rows to query with, and held-out rows to compare on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.access import encode_labels
from model_governance.attacks.relations import bind_relations
from model_governance.attacks.surrogate import design_of
from model_governance.checks.privacy.model_extraction.params import MIN_HELD_OUT, MIN_QUERIES
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.surrogate import Design
    from model_governance.checks.privacy.model_extraction.params import ExtractionParams
    from model_governance.contract.subject import Role, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryData:
    """Rows that were not trained on: `pool` with true labels (n,) to query with, `held_out` that no attack queries.

    The columns of `synthetic` are sampled from the pool independently; it has as many rows as the largest query budget.
    They obey the relations of the threat model: a row that cannot is a real one.
    """

    role: Role
    pool: pd.DataFrame
    labels: np.ndarray
    synthetic: pd.DataFrame
    held_out: pd.DataFrame
    design: Design


def split_query_data(subject: Subject, params: ExtractionParams, generator: np.random.Generator) -> QueryData:
    """Split `population`, or `reference`, at random; at most half is held out.

    Raises:
        CheckError: too few rows, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`.
    """
    import numpy as np

    role: Role = "population" if "population" in subject.datasets else "reference"
    frame, labels = subject.features(role), encode_labels(subject, role)
    order = generator.permutation(len(frame))
    held_out = min(params.samples, len(order) // 2)
    if held_out < MIN_HELD_OUT or len(order) - held_out < MIN_QUERIES:
        raise CheckError(
            f"{subject.datasets[role].uri}: model extraction needs at least {2 * MIN_HELD_OUT} rows of {role}, half of "
            f"which are held out; found {len(order):,}"
        )
    pool = frame.iloc[order[held_out:]].reset_index(drop=True)
    relations = bind_relations(subject.threat_model.relations, subject.columns, [(role, frame)])
    synthetic = _sample_columns(pool, max(params.query_budgets), generator)
    if relations is not None:
        real = pool.iloc[np.arange(len(synthetic)) % len(pool)].reset_index(drop=True)
        synthetic = relations.obeyed(synthetic, real)
    return QueryData(
        role=role,
        pool=pool,
        labels=labels[order[held_out:]],
        synthetic=synthetic,
        held_out=frame.iloc[order[:held_out]].reset_index(drop=True),
        design=design_of(pool, subject.columns),
    )


def _sample_columns(pool: pd.DataFrame, count: int, generator: np.random.Generator) -> pd.DataFrame:
    """Rows whose columns are sampled independently: they follow every marginal distribution and no joint one."""
    import pandas as pd

    columns = {
        name: pool[name].iloc[generator.integers(0, len(pool), count)].reset_index(drop=True) for name in pool.columns
    }
    return pd.DataFrame(columns)
