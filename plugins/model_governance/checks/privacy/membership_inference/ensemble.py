"""The learned ensemble: a classifier on the statistics of LiRA and RMIA, trained on the reference models.

Each reference model serves as a target whose training rows are known (the shadow models of Shokri et al., 2017).
The classifier learns from all of them how members look to the other models, and is applied once to the model under
check, whose membership it never sees. Arrays in, scores (n,) out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference import rmia
from model_governance.checks.privacy.membership_inference.references import inside_mean, outside_mean

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.references import References
    from model_governance.checks.privacy.membership_inference.signals import Signals

MAX_ROWS = 60_000
# With two, each target leaves one other model, which is either inside or outside for a record and never both.
MIN_MODELS = 3


def scores(target: Signals, references: References, *, seed: int) -> np.ndarray:
    """Log odds (n,) that a record was trained on.

    Raises:
        ValueError: fewer than three reference models.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if len(references) < MIN_MODELS:
        raise ValueError(f"the ensemble learns from {MIN_MODELS} reference models or more, got {len(references)}")
    parts = [features(references.signals.rows(number), references.without(number)) for number in range(len(references))]
    rows, membership = np.concatenate(parts), references.inside.ravel()
    if len(rows) > MAX_ROWS:
        chosen = np.random.default_rng(seed).choice(len(rows), MAX_ROWS, replace=False)
        rows, membership = rows[chosen], membership[chosen]
    classifier = HistGradientBoostingClassifier(
        max_iter=80, max_leaf_nodes=15, learning_rate=0.1, min_samples_leaf=100, early_stopping=False,
        random_state=seed % 2**32,
    )  # fmt: skip
    # Sums of several threads differ in their last bits from machine to machine.
    with threadpool_limits(limits=1):
        classifier.fit(rows, membership)
        odds: np.ndarray = classifier.decision_function(features(target, references))
    return odds


def features(target: Signals, references: References) -> np.ndarray:
    """Ten features (n, 10) of each record: the target's certainty, that of models with and without it, and ratios."""
    import numpy as np

    certainty, inside = references.signals.certainty, references.inside
    # NaN, not a fill value: the classifier then knows that there was no such model.
    outside = outside_mean(certainty, inside, np.nan)
    within = inside_mean(certainty, inside, np.nan)
    std = np.sqrt(outside_mean(np.square(certainty - outside), inside, np.nan))
    own = target.certainty
    return np.column_stack(
        [
            own,
            outside,
            own - outside,
            std,
            within,
            own - within,
            within - outside,
            rmia.offline(target, references),
            rmia.online(target, references),
            rmia.offline(target, references, a=1.0),
        ]
    )
