"""The metrics of `poisoning_screen`: changes between the new and the accepted training window."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, SHARE_CHANGE, MetricSpec

METRICS = (
    MetricSpec(
        name="suspect_label_share", title="labels that look wrong", better="lower", range=SHARE, unit="share",
        meaning="share of the new window whose label looks wrong; noisy labels make many, so judge the change",
    ),
    MetricSpec(
        name="flip_rate_change", better="lower", range=SHARE_CHANGE, unit="share",
        meaning="share of suspect labels in the new window minus that in the accepted one",
    ),
    MetricSpec(
        name="class_flip_rate_change", better="lower", range=SHARE_CHANGE, unit="share", per="class",
        meaning="the same among rows with one given label: targeted flips raise one class",
    ),
    MetricSpec(
        name="disagreement_change", better="lower", range=SHARE_CHANGE, unit="share",
        meaning="how much more often the present model contradicts new labels than those of reference",
    ),
    MetricSpec(
        name="class_disagreement_change", better="lower", range=SHARE_CHANGE, unit="share", per="class",
        meaning="the same among rows with one given label: labels turned into one class raise it",
    ),
    MetricSpec(
        name="class_share_change", better="neither", range=SHARE_CHANGE, unit="share", per="class",
        meaning="share of one class in the new window minus that in the accepted one",
    ),
    MetricSpec(
        name="slice_class_change", better="neither", range=SHARE_CHANGE, unit="share", per="slice",
        meaning="the same in a slice, of the class whose share moved most",
    ),
    MetricSpec(
        name="association_change", title="change of the tie to the label", better="neither", range=SHARE_CHANGE, per="column",
        meaning="tie of a feature and the label (Cramer's V) in the new window minus that in the accepted one",
    ),
    MetricSpec(
        name="trigger_hits", title="cells that look like triggers", better="lower", range=NOT_NEGATIVE,
        meaning="values, or pairs of them, that the new window ties to a class, at the false discovery rate of level",
    ),
    MetricSpec(
        name="trigger_rows", better="lower", range=NOT_NEGATIVE, unit="rows",
        meaning="new rows beyond those expected at the named value where they are most",
    ),
    MetricSpec(
        name="flood_share", title="repeated rows", better="lower", range=SHARE, unit="share",
        meaning="share of the new window in groups of (nearly) equal rows that it holds more often than chance",
    ),
    MetricSpec(
        name="duplicate_share_change", better="lower", range=SHARE_CHANGE, unit="share",
        meaning="share of rows that equal another row, new window minus accepted one",
    ),
    MetricSpec(
        name="spectral_change", better="lower", range=SHARE_CHANGE, unit="share",
        meaning="share of rows with ART's spectral signature in a network, new window minus accepted one",
    ),
    MetricSpec(
        name="activation_change", better="lower", range=SHARE_CHANGE, unit="share",
        meaning="share of rows in ART's smaller cluster of a network's activations, new window minus accepted one",
    ),
    MetricSpec(
        name="source_share_change", better="neither", range=SHARE_CHANGE, unit="share", per="source",
        meaning="share of one source in the new window minus that in the accepted one",
    ),
    MetricSpec(
        name="new_source_share", title="rows of new sources", better="lower", range=SHARE, unit="share",
        meaning="share of the new window from sources that the accepted one does not know",
    ),
)  # fmt: skip
