"""Table, figure and sentences of a model extraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Table
from model_governance.report.figures import LIMIT, MUTED, SERIES, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.checks.privacy.model_extraction.comparison import Comparison, HeldOut, Measured
    from model_governance.checks.privacy.model_extraction.params import ExtractionParams
    from model_governance.checks.privacy.model_extraction.query_data import QueryData
    from model_governance.checks.privacy.model_extraction.surrogates import Surrogate
    from model_governance.contract.result import Artifact

BASELINE = "true labels, no model"


def table(comparisons: Sequence[Comparison], baselines: Mapping[int, Surrogate | None], held_out: HeldOut) -> Table:
    """Every surrogate that was trained, with its number of queries."""
    rows = []
    for count, baseline in baselines.items():
        if baseline is not None:
            agreement = held_out.fidelity(baseline)
            interval = agreement.interval or (None, None)
            rows.append((BASELINE, count, 0, baseline.family, agreement.value, *interval, None))
    for comparison in comparisons:
        surrogate = comparison.extraction.surrogate
        if surrogate is not None and comparison.fidelity is not None:
            value, interval = comparison.fidelity.value, comparison.fidelity.interval or (None, None)
            gain = None if comparison.gain is None else comparison.gain.value
            queries = comparison.extraction.queries
            rows.append((comparison.extraction.attack, queries, queries, surrogate.family, value, *interval, gain))
    header = ("trained on", "rows", "queries", "family", "fidelity", "low", "high", "gain over true labels")
    return Table(name="surrogates", title="Surrogates of the model", header=header, rows=tuple(rows))


def figure(comparisons: Sequence[Comparison], baselines: Mapping[int, Surrogate | None], held_out: HeldOut) -> Artifact:
    """Fidelity against the number of queries, one line per attack and one for true labels."""
    picture, (axes,) = canvas(height=3.8)
    lines: dict[str, list[tuple[int, Measured]]] = {}
    for comparison in comparisons:
        if comparison.fidelity is not None:
            point = (comparison.extraction.queries, comparison.fidelity)
            lines.setdefault(comparison.extraction.attack, []).append(point)
    lines[BASELINE] = [
        (count, held_out.fidelity(baseline)) for count, baseline in baselines.items() if baseline is not None
    ]
    for number, (name, points) in enumerate(lines.items()):
        colour = LIMIT if name == BASELINE else SERIES[number % len(SERIES)]
        style = "--o" if name == BASELINE else "-o"
        counts, values = [count for count, _ in points], [fidelity.value for _, fidelity in points]
        axes.plot(counts, values, style, color=colour, markersize=4, label=name)
        for count, fidelity in points:
            if fidelity.interval is not None:
                axes.plot((count, count), fidelity.interval, color=colour, linewidth=1)
    axes.axhline(held_out.constant().value, color=MUTED, linestyle=":", label="constant prediction")
    scale = "agreement with the model on held-out rows" if held_out.classes else "R2 against the model's values"
    axes.set(xscale="log", xlabel="queries to the model, or rows with true labels", ylabel=scale)
    counts = sorted(baselines)
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.legend(frameon=False)
    return to_svg(picture, name="fidelity.svg", title="Fidelity of surrogates, by number of queries")


def highlights(comparisons: Sequence[Comparison], held_out: HeldOut) -> tuple[str, ...]:
    """One sentence for the largest query budget of every attack."""
    sentences = []
    largest = {
        comparison.extraction.attack: (comparison, comparison.fidelity)
        for comparison in comparisons
        if comparison.fidelity is not None
    }
    for attack, (comparison, fidelity) in largest.items():
        value = f"agrees on {fidelity.value:.1%} of rows" if held_out.classes else f"has an R2 of {fidelity.value:.3f}"
        sentence = f"{attack}: a surrogate trained on {comparison.extraction.queries:,} outputs {value}"
        if comparison.gain is not None:
            gain, interval = comparison.gain.value, comparison.gain.interval
            limits = "" if interval is None else f" ({interval[0]:+.3f} to {interval[1]:+.3f})"
            sentence += f", {gain:+.3f}{limits} compared with as many true labels"
        sentences.append(sentence + ".")
    return tuple(sentences)


def notes(data: QueryData, params: ExtractionParams) -> tuple[str, ...]:
    """What the numbers are based on."""
    return (
        f"Surrogate and model are compared on {len(data.held_out):,} rows of {data.role} that no attack queries.",
        f"The attacker has {len(data.labels):,} other rows of {data.role}.",
        "The columns of a synthetic row are sampled independently from those rows.",
        "A surrogate is linear or gradient boosting, whichever agrees better with a third of the outputs that is held back.",
        *params.attacker_access.limits,
    )
