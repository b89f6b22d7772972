"""The metrics of the evasion check."""

from __future__ import annotations

from model_governance.contract.model import CLASSES
from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec

# Key of `attack_success_rate` for what all attacks of a run reach together.
ALL = "all"


METRICS = (
    MetricSpec(
        name="attack_success_rate", title="attacks that succeed", better="lower", range=SHARE, unit="share", per="attack",
        meaning="share of the attacked rows (those the model gets right; all rows without labels and of a regression) whose "
        "answer flips within the budget, the first of several; key all: by any attack. Rows without any start found count as "
        "not flipped (lower bound)",
    ),
    MetricSpec(
        name="attack_success_rate_at", title="attacks that succeed within a budget", better="lower", range=SHARE, unit="share", per="budget",
        meaning="share of the attacked rows that some attack flips, at each budget of epsilon (lower bound)",
    ),
    MetricSpec(
        name="robust_accuracy", title="rows that stay right under attack", better="higher", range=SHARE, tasks=CLASSES, unit="share",
        meaning="share of all drawn rows that are classified correctly and survive every attack (upper bound)",
    ),
    MetricSpec(
        name="robust_accuracy_at", title="rows that stay right within a budget", better="higher", range=SHARE, tasks=CLASSES, unit="share", per="budget",
        meaning="robust_accuracy at each budget of epsilon",
    ),
    MetricSpec(
        name="clean_accuracy", title="accuracy without attack", better="higher", range=SHARE, tasks=CLASSES, unit="share",
        meaning="share of all drawn rows that are classified correctly before any attack",
    ),
    MetricSpec(
        name="median_distance", title="median change that turns an answer", better="higher", range=NOT_NEGATIVE, unit="share of range", per="attack",
        meaning="median size of the smallest flip found, over the rows that the attack flipped",
    ),
    MetricSpec(
        name="distance_quantile", better="higher", range=NOT_NEGATIVE, unit="share of range", per="quantile",
        meaning="quantile of the smallest flip that any attack found, over all attacked rows; rows that none flipped lie "
        "beyond every distance (upper bound)",
    ),
    MetricSpec(
        name="slice_attack_success_rate", better="lower", range=SHARE, unit="share", per="slice",
        meaning="share of the attacked rows of a slice that some attack flips within the budget (lower bound)",
    ),
    MetricSpec(
        name="attacker_gain", title="what the attacker gains", better="lower", range=NOT_NEGATIVE, unit="units of the utility column",
        meaning="mean over the attacked rows of what the attacker gains: the worth of the row less the cost of the cheapest "
        "change that flips it, 0 where none pays (with params.utility; lower bound)",
    ),
    MetricSpec(
        name="unattacked_share", title="rows that were not attacked", better="lower", range=SHARE, unit="share",
        meaning="share of attacked rows for which no attack found a flip at any distance: failed, not robust; of more than "
        "half of them nothing is known, and success rates become uncertain where no other attack searched within the budget",
    ),
    MetricSpec(
        name="valid_share", better="higher", range=SHARE, unit="share",
        meaning="share of the rows returned by attacks that the threat model allows; others are no successes",
    ),
    MetricSpec(
        name="certified_attack_success_rate", title="most rows that any attack can turn", better="lower", range=SHARE, unit="share", per="budget of exact",
        meaning="share of the attacked rows that are not proven robust within the budget (trees): no attack can flip more "
        "(upper bound)",
    ),
    MetricSpec(
        name="exact_attack_success_rate", title="rows that the exact attack turns", better="lower", range=SHARE, unit="share", per="budget of exact",
        meaning="share of the exactly solved sample that an allowed change within the budget flips (trees; undecided rows "
        "count as flipped)",
    ),
    MetricSpec(
        name="missed_share", title="rows that only the exact attack turns", better="lower", range=SHARE, unit="share", per="budget of exact",
        meaning="share of the exactly solved sample that can be flipped within the budget and that no other attack flipped",
    ),
    MetricSpec(
        name="optimality_gap", better="lower", unit="share of range", per="attack",
        meaning="median size of an attack's smallest flip beyond the smallest there is, over solved rows that it flipped",
    ),
    MetricSpec(
        name="queries_per_row", better="neither", range=NOT_NEGATIVE, unit="rows", per="attack",
        meaning="rows sent to the model per attacked row",
    ),
)  # fmt: skip
