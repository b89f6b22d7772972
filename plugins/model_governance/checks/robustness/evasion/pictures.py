"""Pictures of the smallest flips of images, and what else a report says of pixels: all of them together, never one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.moves import ROUNDING
from model_governance.checks.robustness.evasion.outcome import smallest
from model_governance.report import figures

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np

    from model_governance.checks.robustness.evasion.moves import Moves
    from model_governance.checks.robustness.evasion.outcome import Outcome
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.checks.robustness.evasion.target import Target
    from model_governance.contract.images import Image
    from model_governance.contract.result import Artifact

MOST_PICTURES = 6


def pictures_of(target: Target, outcomes: Sequence[Outcome], *, disclosed: Collection[str]) -> tuple[Artifact, ...]:
    """The smallest flips within the largest budget: the change, and what was there before and after where all pixels are disclosed.

    Nothing where the rows are no images or no answer flipped.
    """
    import numpy as np

    image = target.space.image
    if image is None or not outcomes:
        return ()
    sizes, moves = smallest(outcomes)
    order = np.argsort(sizes, kind="stable")
    rows = order[sizes[order] <= max(target.params.epsilons) + ROUNDING][:MOST_PICTURES]
    if len(rows) == 0:
        return ()
    after = target.space.rows(moves.take(rows), target.origins, rows)
    answers = zip(target.answers.predicted[rows].tolist(), target.model.predict(after).tolist(), strict=True)
    names = [f"{old} → {new}\nsize {size:.3g}" for (old, new), size in zip(answers, sizes[rows], strict=True)]
    before, changed = target.origins.values[rows], after.to_numpy(dtype=np.float64)
    strips = [("change", changed - before)]
    if set(target.columns.names) <= set(disclosed):
        strips = [("before", before), ("after", changed), *strips]
    return (_drawn(strips, names, image),)


def _drawn(strips: list[tuple[str, np.ndarray]], names: list[str], image: Image) -> Artifact:
    """One column for each flip, one line for each strip of rows (n, size)."""
    import numpy as np

    figure, axes = figures.canvas(
        rows=len(strips), columns=len(names), width=max(3.0, 1.2 * len(names)), height=0.5 + 1.25 * len(strips)
    )
    for line, (word, rows) in enumerate(strips):
        for place, row in enumerate(rows):
            axis = axes[line * len(names) + place]
            picture = np.moveaxis(row[image.order].reshape(image.planes), 0, -1)
            if word == "change":
                largest = float(np.abs(picture).max()) or 1.0
                axis.imshow(picture.mean(axis=2), cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
            else:
                _show(axis, (picture - image.range[0]) / (image.range[1] - image.range[0]))
            axis.grid(visible=False)
            axis.set(xticks=[], yticks=[])
            if line == 0:
                axis.set_title(names[place])
            if place == 0:
                axis.set_ylabel(word)
    return figures.to_svg(
        figure, name="smallest_flips.svg",
        title="The smallest changes of images that flip the answer; of a change red is brighter, blue darker, each to its own scale",
    )  # fmt: skip


def _show(axis: Any, picture: np.ndarray) -> None:
    """A picture (height, width, channels) with values in 0 to 1; other than three channels by their mean."""
    if picture.shape[2] == 3:
        axis.imshow(picture.clip(0, 1), interpolation="nearest")
    else:
        axis.imshow(picture.mean(axis=2), cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def describe_pixels(space: RowSpace, moves: Moves, row: int) -> str:
    """The change of one image as text, as in "41 of 64 pixels changed by at most 0.03"; of several channels every number counts."""
    import numpy as np

    deltas = np.abs(moves.deltas[row])
    unit = "pixels" if space.image is not None and space.image.planes[0] == 1 else "values of pixels"
    return f"{int((deltas > 0).sum()):,} of {len(deltas):,} {unit} changed by at most {deltas.max():.3g}"


def threat_of_pixels(space: RowSpace, image: Image) -> tuple[Any, ...]:
    """The line of all pixels in the table of what the attacker may change."""
    first = space.axes[0]
    return (image.text, "image", "yes", *image.range, first.step or "any", first.cost, "policy")
