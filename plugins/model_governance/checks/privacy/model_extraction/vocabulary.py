"""The numbers of `model_extraction`."""

from __future__ import annotations

from model_governance.contract.result import MetricSpec

METRICS = (
    MetricSpec(
        name="fidelity_gain", better="lower", unit="", per="attack@budget",
        meaning="fidelity of a copy learnt from the model's answers, less that of one learnt from the true labels of "
        "as many public rows: what the answers give away beyond the data; 0 where an attacker with labels needs no model",
    ),
    MetricSpec(
        name="fidelity", better="lower", unit="", per="attack@budget",
        meaning="share of held-out rows on which a copy learnt from that many answers agrees with the model; for a "
        "regression R2 of the copy's values against the model's (1 is the same model). High for every simple model",
    ),
    MetricSpec(
        name="baseline_fidelity", better="neither", unit="", per="budget",
        meaning="fidelity of a copy learnt from the true labels of that many public rows, without the model",
    ),
    MetricSpec(
        name="constant_fidelity", better="neither", unit="",
        meaning="share of held-out rows that get the model's most frequent answer: the fidelity of a copy that learnt "
        "nothing (for a regression 0)",
    ),
)  # fmt: skip
