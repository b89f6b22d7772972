"""The picture of an attribute: every method on members and on non-members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.attribute_inference.report import share
from model_governance.report.figures import CURRENT, LIMIT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from model_governance.checks.privacy.attribute_inference.report import Attacked
    from model_governance.contract.result import Artifact


def picture_of(one: Attacked) -> Artifact:
    """Share of people named by each method with 95% limits; imputation on members is the line to beat."""
    methods = one.methods
    figure, (axes,) = canvas(height=1.4 + 0.45 * len(methods))
    sides = (
        ("members (train)", "members", CURRENT, -0.14),
        (f"non-members ({one.target.others.rows.role})", "others", REFERENCE, 0.14),
    )
    for label, side, colour, offset in sides:
        for place, method in enumerate(methods):
            value, limits = share(getattr(method, side))
            axes.plot(limits, (place + offset,) * 2, color=colour, linewidth=1.5)
            axes.plot(value, place + offset, "o", color=colour, markersize=5, label=label if place == 0 else None)
    axes.axvline(float(one.imputation.members.mean()), color=LIMIT, linestyle="--", linewidth=0.8)
    axes.set_yticks(range(len(methods)), [method.method.replace("_", " ") for method in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of people whose attribute is named; dashed: members, without the model")
    axes.set_title(one.column)
    axes.legend(frameon=False, loc="best")
    slug = "".join(letter if letter.isalnum() else "_" for letter in one.column)
    return to_svg(figure, name=f"attribute_{slug}.svg", title=f"{one.column}: named with the model and without")
