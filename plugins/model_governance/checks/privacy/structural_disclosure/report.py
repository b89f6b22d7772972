"""Sentences, tables and the figure of structural disclosure: counts of rows, never rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.structural_disclosure.rules import IMMEDIATE_REJECTION, SUPPORT_REJECTION
from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.privacy.structural_disclosure.groups import Groups
    from model_governance.checks.privacy.structural_disclosure.params import StructureParams
    from model_governance.checks.privacy.structural_disclosure.rules import Rule
    from model_governance.checks.privacy.structural_disclosure.structure import Structure
    from model_governance.contract.result import Artifact

SIZES = ((1, 1), (2, 4), (5, 9), (10, 99), (100, None))


def highlights(rules: Sequence[Rule]) -> tuple[str, ...]:
    """What rejects the model at once, then what supports a rejection; one sentence where nothing does."""
    rejecting = [rule for bucket in (IMMEDIATE_REJECTION, SUPPORT_REJECTION) for rule in rules if rule.bucket == bucket]
    sentences = tuple(f"{rule.name}: {rule.why}." for rule in rejecting)
    return sentences or ("No rule finds the structure of the model disclosive.",)


def table(rules: Sequence[Rule]) -> Table:
    """Every rule with its bucket."""
    return Table(
        name="rules", title="Rules of SACRO-ML's structural attack", header=("rule", "bucket", "why"),
        rows=tuple((rule.name, rule.bucket or "not defined", rule.why) for rule in rules),
    )  # fmt: skip


def sizes(groups: Groups) -> Table:
    """Groups of equal answers and their training rows, by size of the group."""
    return Table(
        name="group_sizes", title="Training rows that share an answer", header=("rows of a group", "groups", "training rows"),
        rows=tuple((_label(low, high), count, rows) for low, high, count, rows in _by_size(groups)),
    )  # fmt: skip


def figure(groups: Groups, params: StructureParams) -> Artifact:
    """Share of training rows by size of their group; those of groups that are too small in the colour of a finding."""
    bars = list(_by_size(groups))
    picture, (axis,) = canvas(columns=1, width=7.0, height=2.8)
    colours = [CURRENT if low < params.min_group_size else REFERENCE for low, _, _, _ in bars]
    axis.bar(range(len(bars)), [rows / groups.rows for _, _, _, rows in bars], color=colours, width=0.6)
    axis.set_xticks(range(len(bars)), [_label(low, high) for low, high, _, _ in bars])
    axis.set_ylim(0, 1)
    axis.set_xlabel(f"training rows with the same answer (fewer than {params.min_group_size} are too few)")
    axis.set_ylabel("share of training rows")
    return to_svg(picture, name="group_sizes.svg", title="Share of training rows by the number that share their answer")


def notes(structure: Structure, params: StructureParams) -> tuple[str, ...]:
    """What the numbers are based on, and their limits."""
    grouped = "leaf of the tree" if structure.is_single_tree else "equal probabilities"
    return (
        f"The model is a {structure.kind}; training rows are grouped by {grouped}; a group needs {params.min_group_size}.",
        (
            "A model that answers with many decimals gives nearly every row an answer of its own: k-anonymity then fails, "
            "whether or not anybody can use it. The membership check says whether somebody can."
        ),
    )


def _by_size(groups: Groups) -> list[tuple[int, int | None, int, int]]:
    counted = []
    for low, high in SIZES:
        within = (groups.sizes >= low) & (groups.sizes <= (high or groups.rows))
        counted.append((low, high, int(within.sum()), int(groups.sizes[within].sum())))
    return counted


def _label(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} or more"
    return f"{low}" if low == high else f"{low} to {high}"
