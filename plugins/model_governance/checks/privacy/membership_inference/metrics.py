"""The metrics of `membership_inference`."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, SHARE_CHANGE, MetricSpec

METRICS = (
    MetricSpec(
        name="attack_auc", title="attack (ROC AUC)", better="lower", range=SHARE, unit="auc", per="attack",
        meaning="probability that a random member scores above a random non-member; 0.5 is guessing",
    ),
    MetricSpec(
        name="tpr_at_fpr", title="members found", better="lower", range=SHARE, unit="share", per="attack@false-positive rate",
        meaning="share of members identified while at most the given share of non-members is falsely identified",
    ),
    MetricSpec(
        name="advantage", title="advantage of the attacker", better="lower", range=SHARE_CHANGE, unit="share", per="attack",
        meaning="largest true- minus false-positive rate over all thresholds, on the rows that chose the threshold",
    ),
    MetricSpec(
        name="balanced_advantage", better="lower", range=SHARE_CHANGE, unit="share", per="attack",
        meaning="true- minus false-positive rate at thresholds that other rows chose; 0 is guessing",
    ),
    MetricSpec(
        name="dummy_tpr", title="members found by chance", better="neither", range=SHARE, unit="share", per="attack@false-positive rate",
        meaning="control: true-positive rate of the deciding attack when membership is permuted at random",
    ),
    MetricSpec(
        name="memorisation_lower_bound", title="least memorisation shown", better="lower", range=NOT_NEGATIVE, unit="epsilon", per="attack",
        meaning="memorisation that the deciding attack proves with 95% confidence, in the unit of differential privacy; "
        "no guarantee, and no bound on epsilon unless independent coins decided whether each row was trained on",
    ),
    MetricSpec(
        name="epsilon_lower_bound", title="least epsilon shown", better="lower", range=NOT_NEGATIVE, unit="epsilon", per="attack",
        meaning="epsilon that the training procedure exceeds with 95% confidence, where independent coins decided whether "
        "each row was trained on",
    ),
    MetricSpec(
        name="slice_auc", title="attack on a slice (ROC AUC)", better="lower", range=SHARE, unit="auc", per="attack@slice",
        meaning="probability that a random member of the slice scores above a random non-member of it",
    ),
    MetricSpec(
        name="slice_tpr", title="members of a slice found", better="lower", range=SHARE, unit="share", per="attack@slice",
        meaning="share of the slice's members identified at the threshold of all rows, at the first false-positive rate",
    ),
    MetricSpec(
        name="generalization_gap", better="lower", range=SHARE_CHANGE,
        tasks=("binary_classification", "multiclass_classification"), unit="share",
        meaning="accuracy on training rows minus accuracy on non-members",
    ),
    MetricSpec(
        name="error_gap", better="lower", tasks=("regression", "forecasting"), unit="log",
        meaning="mean log error on non-members minus that on training rows; 0.1 is about a tenth more",
    ),
    MetricSpec(
        name="blind_auc", title="groups told apart without the model (ROC AUC)", better="lower", range=SHARE, unit="auc",
        meaning="probability that a classifier that never sees the model ranks a random member above a random non-member; above "
        "0.5 the groups are not of one distribution, and lower limits of attacks count what goes beyond",
    ),
    MetricSpec(
        name="overlap_share", title="rows that are members and non-members", better="lower", range=SHARE, unit="share",
        meaning="share of all non-member rows that equal a training row in every feature and the label",
    ),
)  # fmt: skip
