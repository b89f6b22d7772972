"""Reports data validation: sentences on unmet expectations, the table, and the figure of unexpected rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, MUTED, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.data.data_validation.results import ExpectationResult
    from model_governance.contract.result import Artifact

MAX_LISTED = 5
MAX_BARS = 20

HEADER = ("expectation", "column", "severity", "result", "unexpected rows", "unexpected share", "observed value")


def unexpected_rows(result: ExpectationResult) -> str:
    """The unexpected rows of an expectation that counts rows, beside the share that it tolerates (`mostly`)."""
    mostly = result.expectation.kwargs.get("mostly")
    counts = f"{result.unexpected:,} of {result.examined:,} rows"
    return counts if mostly is None else f"{counts}; tolerated up to a share of {1 - float(mostly):.6g}"


def list_failures(failures: Sequence[ExpectationResult]) -> str:
    """The first unmet expectations with what was observed, and how many more there are."""
    sentences = [result.sentence for result in failures[:MAX_LISTED]]
    if len(failures) > MAX_LISTED:
        sentences.append(f"and {len(failures) - MAX_LISTED} more")
    return ", ".join(sentences)


def expectations_table(results: Sequence[ExpectationResult]) -> Table:
    """One row per expectation, in the order of the policy."""
    rows = tuple(
        (
            result.label,
            ", ".join(result.expectation.columns),
            result.expectation.severity,
            "met" if result.success else "not met",
            "" if result.unexpected is None else result.unexpected,
            "" if result.unexpected_share is None else result.unexpected_share,
            "" if result.observed is None else result.observed,
        )
        for result in results
    )
    return Table(name="expectations", title="Expectations", header=HEADER, rows=rows)


def unexpected_figure(results: Sequence[ExpectationResult]) -> Artifact | None:
    """Shares of unexpected rows of all expectations that count rows, or of the unmet ones where there are many.

    None where no expectation counts rows.
    """
    counted = [(result, result.unexpected_share) for result in results if result.unexpected_share is not None]
    if not counted:
        return None
    if len(counted) > MAX_BARS:
        unmet = [(result, share) for result, share in counted if not result.success]
        counted = sorted(unmet or counted, key=lambda pair: -pair[1])[:MAX_BARS]
    figure, (axes,) = canvas(height=1.0 + 0.24 * len(counted))
    places = range(len(counted))
    colours = [MUTED if result.success else CURRENT for result, _ in counted]
    axes.barh(places, [100 * share for _, share in counted], color=colours, height=0.7)
    # matplotlib reads a pair of dollars in a name as a formula
    axes.set_yticks(places, [result.label.replace("$", r"\$") for result, _ in counted])
    axes.invert_yaxis()
    axes.set_xlim(0, max(1.0, 112 * max(share for _, share in counted)))
    for place, (_, share) in enumerate(counted):
        axes.annotate(
            f"{100 * share:.3g}%", (100 * share, place), (3, 0), textcoords="offset points", va="center", fontsize=7
        )
    axes.set_xlabel("unexpected rows, % of the rows examined (grey: expectation met)")
    return to_svg(figure, name="unexpected.svg", title="Share of unexpected rows per expectation")
