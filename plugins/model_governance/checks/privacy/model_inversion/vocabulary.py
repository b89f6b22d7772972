"""The numbers of `model_inversion`: two leaks, which differ."""

from __future__ import annotations

from model_governance.contract.result import MetricSpec

METRICS = (
    MetricSpec(
        name="nearest_training_distance_ratio", better="higher", unit="", per="attack@class",
        meaning="distance from reconstructions to the nearest training row of the class, over that to the nearest "
        "held-out row of it, as a share of what relabelling the rows gives: 1 where the model remembers no single row, near 0 "
        "where its rows come back. Training and held-out rows must be of one distribution; p is the share of "
        "relabellings that give as little",
    ),
    MetricSpec(
        name="inversion_gain", better="lower", unit="", per="attack@class",
        meaning="how much nearer reconstructions lie to the training rows of the class than the centre of the public "
        "rows does, as a share of its distance: 0 or less where they reveal no more than an average, 1 where the class "
        "is rebuilt. The way in which a class of one person leaks, although no single row is remembered",
    ),
    MetricSpec(
        name="confidence_reached", better="neither", unit="share", per="attack@class",
        meaning="mean confidence of the model that reconstructions are of the class: the attack's own aim",
    ),
)  # fmt: skip
