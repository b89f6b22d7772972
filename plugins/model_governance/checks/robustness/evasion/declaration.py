"""What the evasion check declares: its metrics, the fault planted to test it, and what a first policy demands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.fragile_model import make_fragile
from model_governance.contract.check import SelfTest, Suggestion
from model_governance.contract.result import MetricSpec

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns

METRICS = (
    MetricSpec(
        name="attack_success_rate", better="lower", unit="share", per="attack",
        meaning="share of attacked rows flipped within the budget (the first of several); rows without any start found "
        "count as not flipped",
    ),
    MetricSpec(
        name="robust_share", better="higher", unit="share",
        meaning="share of attacked rows whose answer survives every attack within the budget (upper bound)",
    ),
    MetricSpec(
        name="robust_accuracy", better="higher", unit="share",
        meaning="share of all sampled rows that are classified correctly and survive every attack (upper bound)",
    ),
    MetricSpec(
        name="robust_share_at", better="higher", unit="share", per="budget",
        meaning="robust_share at each budget of epsilon",
    ),
    MetricSpec(
        name="robust_accuracy_at", better="higher", unit="share", per="budget",
        meaning="robust_accuracy at each budget of epsilon",
    ),
    MetricSpec(
        name="clean_accuracy", better="higher", unit="share",
        meaning="share of all sampled rows that are classified correctly before any attack",
    ),
    MetricSpec(
        name="median_distance", better="higher", unit="share of range", per="attack",
        meaning="median size of the smallest flip found, over the rows that the attack flipped",
    ),
    MetricSpec(
        name="distance_quantile", better="higher", unit="share of range", per="quantile",
        meaning="quantile of the smallest flip that any attack found, over all attacked rows; rows that none flipped lie "
        "beyond every distance (upper bound)",
    ),
    MetricSpec(
        name="slice_robust_share", better="higher", unit="share", per="slice",
        meaning="robust_share among the attacked rows of a slice (upper bound)",
    ),
    MetricSpec(
        name="unattacked_share", better="lower", unit="share",
        meaning="share of attacked rows for which no attack found a flip at any distance: failed, not robust",
    ),
    MetricSpec(
        name="valid_share", better="higher", unit="share",
        meaning="share of the rows returned by attacks that the threat model allows; others are no successes",
    ),
    MetricSpec(
        name="certified_share", better="higher", unit="share", per="budget of exact",
        meaning="share of attacked rows that are proven robust within the budget (trees; lower bound)",
    ),
    MetricSpec(
        name="exact_robust_share", better="higher", unit="share", per="budget of exact",
        meaning="share of the exactly solved sample that no allowed change within the budget flips (trees; undecided rows "
        "count as flipped)",
    ),
    MetricSpec(
        name="missed_share", better="lower", unit="share", per="budget of exact",
        meaning="share of the exactly solved sample that can be flipped within the budget and that no other attack flipped",
    ),
    MetricSpec(
        name="optimality_gap", better="lower", unit="share of range", per="attack",
        meaning="median size of an attack's smallest flip beyond the smallest there is, over solved rows that it flipped",
    ),
    MetricSpec(
        name="queries_per_row", better="neither", unit="rows", per="attack",
        meaning="rows shown to the model per attacked row",
    ),
)  # fmt: skip

SELF_TEST = SelfTest(
    description="a model whose answer flips at a push of a five-hundredth of one feature's range",
    threshold={"metric": "attack_success_rate", "key": "hopskipjump", "less_than": 0.5},
    apply=make_fragile,
    params={"attacks": ["hopskipjump"], "samples": 24, "epsilon": 0.02, "max_iterations": 3, "max_evaluations": 30},
)


def suggest(_frame: pd.DataFrame, columns: Columns) -> Suggestion:
    """A budget of a tenth of each range, and demands that no first night can know better."""
    moving = [name for name, one in columns.features.items() if one.mutable]
    return Suggestion(
        params={"epsilon": 0.1, "samples": 100, "norm": "linf"},
        thresholds=(
            {"metric": "attack_success_rate", "less_than": 0.5, "severity": "warn"},
            {"metric": "unattacked_share", "less_than": 0.5, "severity": "warn"},
            {"metric": "robust_share", "min_absolute_change": -0.2, "severity": "error"},
        ),
        comment=(
            "There is no universal limit for robustness: the first demand only warns, the third compares with the last "
            "accepted night and leaves room for the interval of 100 rows. unattacked_share keeps a blind attack from "
            "looking like a robust model. First say in threat_model (mutable, increase_only, features) which of "
            f"{', '.join(moving[:5])}{' ...' if len(moving) > 5 else ''} people can really change, and how far."
        ),
    )
