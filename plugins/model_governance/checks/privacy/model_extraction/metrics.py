"""The metrics of `model_extraction`."""

from __future__ import annotations

from model_governance.contract.result import MetricSpec

METRICS = (
    MetricSpec(
        name="fidelity_gain", title="answers copied, beyond what labels give", better="lower", unit="", per="attack@queries",
        meaning="fidelity of a surrogate trained on the model's outputs, minus that of a surrogate trained on the true "
        "labels of as many public rows: what the outputs reveal beyond the data; 0 where labelled rows serve an attacker "
        "as well",
    ),
    MetricSpec(
        name="fidelity", title="answers copied", better="lower", unit="", per="attack@queries",
        meaning="share of held-out rows on which a surrogate trained on that many outputs agrees with the model; for a "
        "regression R2 of the surrogate's values against the model's (1 is the same model). High for every simple model",
    ),
    MetricSpec(
        name="baseline_fidelity", better="neither", unit="", per="rows",
        meaning="fidelity of a surrogate trained on the true labels of that many public rows, without the model",
    ),
    MetricSpec(
        name="constant_fidelity", better="neither", unit="",
        meaning="share of held-out rows that get the model's most frequent class: the fidelity of a constant surrogate "
        "(0 for a regression)",
    ),
)  # fmt: skip
