"""The row space of a threat model: the policy's capabilities of the attacker, with ranges and values of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.gap_moves import number_gap, with_gap
from model_governance.checks.robustness.evasion.moves import Axis, Choice
from model_governance.checks.robustness.evasion.row_space import RowSpace
from model_governance.checks.robustness.evasion.text_moves import TextMoves, text_moves
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.contract.threat_model import TEXTS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.relations import Relations
    from model_governance.contract.subject import Columns, Feature
    from model_governance.contract.threat_model import Capability, Scalar, ThreatModel

    Frames = Sequence[tuple[str, pd.DataFrame]]


def row_space(
    columns: Columns,
    frames: Frames,
    *,
    threat: ThreatModel,
    categories: str,
    refused: Collection[str] = (),
    relations: Relations | None = None,
) -> RowSpace:
    """The space that a policy opens; `frames` are (role, rows) that show ranges and values.

    The first frame's range counts where the policy states none; category values come from all. `categories`
    "free" lets those categories move of which the threat model says nothing. The model refuses gaps in `refused` columns,
    so that nobody gains by leaving them out. All rows obey the `relations`; a flag of a group is a category.

    Raises:
        CheckError: a feature holds other things than numbers or texts, as its kind says, none of the stated values is in the data, or a value
            may be omitted whose column cannot hold a gap.
    """
    axes: list[Axis] = []
    choices: list[Choice] = []
    texts: list[TextMoves] = []
    fixed: list[tuple[str, str]] = []
    flags = {name for relation in threat.relations for name in relation.one_of or ()}
    for name, feature in columns.features.items():
        capability = threat.capability(
            name, kind=feature.kind, mutable=feature.mutable, categories="any" if categories == "free" else "none"
        )
        if not capability.moves:
            fixed.append((name, capability.why))
        elif feature.kind in TEXTS:
            texts.append(text_moves(name, capability, frames))
        elif feature.kind in NUMBER_KINDS and name in flags:
            choices.append(Choice(name, (0, 1), cost=capability.cost))
        elif feature.kind in NUMBER_KINDS:
            axis = _axis(name, feature, capability, frames)
            gap = number_gap(axis, capability, frames, refused=refused)
            if axis.span > 0:
                axes.append(axis)
            elif gap is None:
                fixed.append((name, f"no range: one value in {axis.source}"))
            choices += [] if gap is None else [gap]
        else:
            choice = _choice(name, capability, [frame for _, frame in frames])
            choice = with_gap(choice, capability, frames, refused=refused)
            if len(choice.values) > 1:
                choices.append(choice)
            else:
                fixed.append((name, "one value in the data"))
    # A picture of which some pixels stay is a row of numbers like any other: it has holes.
    image = None if fixed or choices or relations else columns.image
    return RowSpace(tuple(axes), tuple(choices), tuple(fixed), relations, tuple(texts), image)


def _axis(name: str, feature: Feature, capability: Capability, frames: Frames) -> Axis:
    import numpy as np
    import pandas as pd

    for role, frame in frames:
        if not pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name]):
            raise CheckError(
                f"feature {name!r} is {feature.kind} in the policy and holds {frame[name].dtype} in dataset {role!r}; "
                "repair the feed or the kind in columns.features"
            )
    role, first = frames[0]
    stated = [
        capability.minimum if capability.minimum is not None else feature.minimum,
        capability.maximum if capability.maximum is not None else feature.maximum,
    ]
    low = float(first[name].min()) if stated[0] is None else stated[0]
    high = float(first[name].max()) if stated[1] is None else stated[1]
    count = sum(end is not None for end in stated)
    source = "policy" if count == 2 else f"policy and {role}" if count else role
    whole = feature.kind == "integer" or all(pd.api.types.is_integer_dtype(frame[name]) for _, frame in frames)
    step = float(capability.step) if capability.step is not None else 1.0 if whole else 0.0
    if step:
        # Slack for rounding: 0.3 is a multiple of 0.1, whatever floating point says.
        low, high = step * float(np.ceil(low / step - 1e-9)) + 0.0, step * float(np.floor(high / step + 1e-9)) + 0.0
    return Axis(name, low, max(low, high), step, source, capability.direction, capability.cost)


def _choice(name: str, capability: Capability, frames: Sequence[pd.DataFrame]) -> Choice:
    values = _values(name, frames)
    if capability.allowed == "none":
        return Choice(name, values, open=_nothing(len(values)), cost=capability.cost)
    if isinstance(capability.allowed, str):
        return Choice(name, values, cost=capability.cost)
    return Choice(name, values, open=_open(name, values, capability.allowed), cost=capability.cost)


def _open(
    name: str, values: tuple[Any, ...], allowed: tuple[Scalar, ...] | dict[Scalar, tuple[Scalar, ...]]
) -> np.ndarray:
    """Which value (k + 1 present ones) can become which (k), for moves that the policy lists.

    Raises:
        CheckError: none of the values that the policy lists is in the data, so that it must be spelt wrong.
    """
    import numpy as np

    places = {(_family(value), value): place for place, value in enumerate(values)}
    open_ = np.zeros((len(values) + 1, len(values)), dtype=bool)
    listed = allowed.items() if isinstance(allowed, dict) else [(None, allowed)]
    for present, targets in listed:
        rows = slice(None) if present is None else places.get((_family(present), present))
        columns = [places[key] for key in ((_family(target), target) for target in targets) if key in places]
        if rows is not None and columns:
            open_[rows, columns] = True
    if not open_.any():
        kind = type(values[0]).__name__ if values else "nothing"
        raise CheckError(
            f"threat_model.features.{name}.moves: no move leads from a value in the data to another "
            f"({len(values)} values of type {kind}); compare the spelling and the type of the values listed"
        )
    return open_


def _nothing(k: int) -> np.ndarray:
    import numpy as np

    return np.zeros((k + 1, k), dtype=bool)


def _family(value: Any) -> str:
    """Text, boolean or number: 1 and 1.0 are the same value, 1 and True are not."""
    import numpy as np

    return "boolean" if isinstance(value, (bool, np.bool_)) else "text" if isinstance(value, str) else "number"


def _values(name: str, frames: Sequence[pd.DataFrame]) -> tuple[Any, ...]:
    """Values of all frames, in an order that does not depend on the rows' order."""
    values = {value for frame in frames for value in frame[name].dropna().unique()}
    return tuple(sorted(values, key=lambda value: (type(value).__name__, value)))
