"""Synthetic release: does a synthetic table that is about to be shared give away the rows it was made from?

The tests of the field on the table itself, whoever made it: distance to the closest record against held-out rows (Platzer
and Reutterer, 2021), exact copies, membership of a record by its distance to the release (Chen et al., 2020; Hilprecht et
al., 2019), and the probability to attribute a sensitive value correctly, against people who were not in the data (Taub and
Elliot, 2019; Giomi et al., 2023). AML.T0024 of MITRE ATLAS.
"""

from __future__ import annotations

from model_governance.checks.privacy.synthetic_release.measure import measure
from model_governance.checks.privacy.synthetic_release.metrics import METRICS
from model_governance.checks.privacy.synthetic_release.params import ReleaseParams, floors
from model_governance.checks.privacy.synthetic_release.self_test import SELF_TEST
from model_governance.checks.privacy.synthetic_release.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="synthetic_release",
    title="Synthetic release",
    question="Does a synthetic table give away the rows that it was made from?",
    params=ReleaseParams,
    metrics=METRICS,
    roles=("train", "reference"),
    optional_roles=("population",),
    needs_model=False,
    file_params=("release",),
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    not_calibrated="it compares a table of its own, which rows drawn from the reference do not replace",
    advice=Advice(
        rank=115,
        title="Do not share this table.",
        text="It tells who was in the data: remove copies, train the generator with fewer steps or with differential privacy, and measure the new table before it leaves.",
    ),
    cost="Seconds to minutes; grows with the square of `samples`.",
    texts="two texts are as far apart as two categories: equal or not",
)
