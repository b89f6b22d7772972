"""Categories of another physical type than the model learned: no library refuses all of them, and some count them as missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.engine.column_kinds import LABELS, NUMBERS, WHAT, kind_of_series
from model_governance.engine.labels import family
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from model_governance.engine.column_kinds import Kind

FAMILY_OF: dict[Kind, str] = dict.fromkeys((*NUMBERS, "boolean"), "numbers") | {
    "text": "text",
    "date": "times",
    "time": "times",
}


def refuse_other_types(frame: pd.DataFrame, learned: Mapping[str, Iterable[Any]]) -> None:
    """Refuse categories that are text where the model learned numbers, or the other way round.

    Args:
        frame: rows that the model is to answer.
        learned: the categories of each categorical column, as the model keeps them.

    Raises:
        CheckError: not one row of a column could be a category that the model knows.
    """
    for name, categories in learned.items():
        known = {family(plain) for value in categories if (plain := _plain(value)) is not None and plain == plain}
        kind = kind_of_series(frame[name])
        if kind not in ("empty", "mixed") and known and FAMILY_OF.get(kind) not in known:
            raise CheckError(
                f"category {name!r} holds {_spelled(kind)} and the model learned {' and '.join(sorted(known))}: it would know "
                "none of them; repair the feed's types, or deploy the model that was trained on these"
            )


def _spelled(kind: Kind) -> str:
    return WHAT.get(kind, "numbers") if kind not in LABELS or kind == "text" else "true and false"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def learned_by_encoders(estimator: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """The categories that encoders of a scikit-learn estimator learned, by column of the rows."""
    return {name: list(categories) for name, categories in _encoded(estimator, list(names)) if name in names}


def _encoded(part: Any, columns: list[str]) -> Iterator[tuple[str, Any]]:
    """Columns and categories of the encoders that get the columns as they come."""
    categories = getattr(part, "categories_", None)
    if isinstance(categories, list) and len(categories) == len(columns):
        yield from zip(columns, categories, strict=True)
    for _, step in getattr(part, "steps", ()):
        yield from _encoded(step, columns)
        if not _keeps_columns(step):
            return
    for _, transformer, chosen in getattr(part, "transformers_", ()):
        yield from _encoded(transformer, _named(chosen, columns))


def _named(chosen: Any, columns: list[str]) -> list[str]:
    """The names behind the columns of a transformer: names, places, a mask or a slice; none where they are none of these."""
    if isinstance(chosen, slice):
        return _in_slice(chosen, columns)
    listed = [chosen] if isinstance(chosen, str | int) else list(chosen)
    if all(isinstance(entry, str) for entry in listed):
        return [str(entry) for entry in listed]
    places = [_plain(entry) for entry in listed]
    if all(isinstance(place, bool) for place in places):
        return [name for name, kept in zip(columns, places, strict=False) if kept]
    return [columns[place] for place in places if isinstance(place, int) and -len(columns) <= place < len(columns)]


def _in_slice(chosen: slice, columns: list[str]) -> list[str]:
    """The names in a slice of places, or of names, which includes its end."""
    start, stop = chosen.start, chosen.stop
    if (isinstance(start, str) and start not in columns) or (isinstance(stop, str) and stop not in columns):
        return []
    first = columns.index(start) if isinstance(start, str) else start
    last = columns.index(stop) + 1 if isinstance(stop, str) else stop
    return columns[first : last : chosen.step]


def _keeps_columns(step: Any) -> bool:
    """Whether a step of a pipeline gives its columns on as categories of the same type: imputers do."""
    return type(step).__name__ in ("SimpleImputer", "KNNImputer", "FunctionTransformer") or step in (
        "passthrough",
        None,
    )
