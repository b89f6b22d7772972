"""The metrics of `synthetic_release`; each stands beside what rows that the generator never saw would give."""

from __future__ import annotations

from model_governance.contract.result import SHARE, SHARE_CHANGE, MetricSpec

METRICS = (
    MetricSpec(
        name="nearer_to_training_share", title="released rows nearer to training rows", better="lower", range=SHARE, unit="share",
        meaning="share of released rows whose closest record is a training row rather than one of as many held-out rows, "
        "ties counted half: 0.5 where the release is no nearer to its training rows than to others, 1 where it copies them",
    ),
    MetricSpec(
        name="duplicate_share", title="repeated rows", better="lower", range=SHARE, unit="share",
        meaning="share of released rows that equal a training row in every feature",
    ),
    MetricSpec(
        name="duplicate_excess", title="copies beyond chance", better="lower", range=SHARE_CHANGE, unit="share",
        meaning="share of released rows that equal one of the compared training rows, less the share that equal one of as many "
        "held-out rows: 0 where rows are equal by chance only",
    ),
    MetricSpec(
        name="membership_auc", title="members told from others (ROC AUC)", better="lower", range=SHARE,
        meaning="area under the ROC curve of an attacker who calls records members that lie near a released row: 0.5 where "
        "the release does not tell training rows from held-out rows",
    ),
    MetricSpec(
        name="correct_attribution", title="values found of people in the data", better="lower", range=SHARE, unit="share", per="column",
        meaning="probability that the closest released row by all other features has a training row's value of the column "
        "(numbers: within 5% of their range)",
    ),
    MetricSpec(
        name="correct_attribution_baseline", title="values found of other people", better="neither", range=SHARE, unit="share", per="column",
        meaning="the same for held-out rows: what the release says about anybody, in the data or not",
    ),
    MetricSpec(
        name="attribution_advantage", title="values found only because of the data", better="lower", range=SHARE_CHANGE, unit="share", per="column",
        meaning="correct_attribution less its baseline: what is known about a person only because they were in the data",
    ),
)  # fmt: skip
