"""The metrics of `model_inversion`: single rows that are memorised, and classes that can be reconstructed."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec

METRICS = (
    MetricSpec(
        name="nearest_training_distance_ratio", better="higher", range=NOT_NEGATIVE, unit="", per="attack@class",
        meaning="distance from reconstructions to the nearest training row of the class, divided by that to its nearest "
        "held-out row, relative to the mean over random relabellings: 1 where the model memorises no single row, near 0 "
        "where training rows are reconstructed. Training and held-out rows must follow one distribution; p is the share "
        "of relabellings with a ratio as small",
    ),
    MetricSpec(
        name="inversion_gain", better="lower", unit="", per="attack@class",
        meaning="how much nearer reconstructions are to the training rows of the class than the centre of the public "
        "rows is, as a share of its distance: 0 or less where they reveal no more than an average, 1 where the class "
        "is reconstructed. Shows the leakage of a class that is one person, although no single row is memorised",
    ),
    MetricSpec(
        name="confidence_reached", better="neither", range=SHARE, unit="share", per="attack@class",
        meaning="mean confidence of the model that reconstructions belong to the class: the objective of the attack",
    ),
)  # fmt: skip
