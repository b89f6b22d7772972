"""The learned ensemble: what LiRA and RMIA see of a record, weighed by what gave the reference models away.

Each reference model is a pseudo-target whose training rows are known (the shadow models of Shokri et al., 2017);
a classifier learns from all of them how members look to the other models, and is applied once to the real target,
whose membership it never sees. Arrays in, scores (n,) out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference import rmia
from model_governance.checks.privacy.membership_inference.references import inside_mean, outside_mean

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.references import References
    from model_governance.checks.privacy.membership_inference.signals import Signals

MOST_ROWS = 60_000
# With two, each pseudo-target leaves one other model, of which no record has both an inside and an outside view.
LEAST_MODELS = 3


def scores(target: Signals, references: References, *, seed: int) -> np.ndarray:
    """Log odds (n,) that a record was trained on; needs three reference models or more.

    Raises:
        ValueError: fewer than three reference models.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if len(references) < LEAST_MODELS:
        raise ValueError(f"the ensemble learns from {LEAST_MODELS} reference models or more, got {len(references)}")
    seen = [features(references.signals.rows(k), references.without(k)) for k in range(len(references))]
    rows, truth = np.concatenate(seen), references.inside.ravel()
    if len(rows) > MOST_ROWS:
        chosen = np.random.default_rng(seed).choice(len(rows), MOST_ROWS, replace=False)
        rows, truth = rows[chosen], truth[chosen]
    judge = HistGradientBoostingClassifier(
        max_iter=80, max_leaf_nodes=15, learning_rate=0.1, min_samples_leaf=100, early_stopping=False,
        random_state=seed % 2**32,
    )  # fmt: skip
    # Sums of several threads differ in their last bits from machine to machine.
    with threadpool_limits(limits=1):
        judge.fit(rows, truth)
        odds: np.ndarray = judge.decision_function(features(target, references))
    return odds


def features(target: Signals, references: References) -> np.ndarray:
    """Ten views (n, 10) of each record: the target's certainty, that of models with and without it, and ratios."""
    import numpy as np

    certainty, inside = references.signals.certainty, references.inside
    # Left open, not filled in: the classifier then knows that there was no such model.
    outside = outside_mean(certainty, inside, np.nan)
    within = inside_mean(certainty, inside, np.nan)
    spread = np.sqrt(outside_mean(np.square(certainty - outside), inside, np.nan))
    own = target.certainty
    return np.column_stack(
        [
            own,
            outside,
            own - outside,
            spread,
            within,
            own - within,
            within - outside,
            rmia.offline(target, references),
            rmia.online(target, references),
            rmia.offline(target, references, a=1.0),
        ]
    )
