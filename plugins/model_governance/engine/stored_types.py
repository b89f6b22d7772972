"""Numbers of databases whose types say too little of them: SQLite, and PostgreSQL's numeric without a precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.engine.answers import read_row
from model_governance.engine.frames import EXACT

if TYPE_CHECKING:
    from ibis import Table
    from ibis.expr.datatypes import DataType
    from ibis.expr.types import Value

MOST_DIGITS = 38


def with_types_of_values(table: Table) -> tuple[Table, dict[str, str]]:
    """The table with columns as the type that their values have, and the columns of which no type holds them all.

    A column of SQLite holds integers, floats or text, whatever it declares: an integer or decimal one becomes int64 or
    float64. A numeric of PostgreSQL without a precision becomes a decimal of the digits that its values need.

    Returns:
        The table, and the refused columns with what they hold.
    """
    backend = table.get_backend().name
    find = {"sqlite": _stored, "postgres": _digits}.get(backend)
    casts: dict[str, Value] = {}
    refused: dict[str, str] = {}
    for name, kind in table.schema().items():
        unsure = kind.is_decimal() or kind.is_integer() if backend == "sqlite" else kind == _unbounded()
        if find is None or not unsure:
            continue
        wanted, problem = find(table, name)
        if wanted is None:
            refused[name] = problem
        else:
            casts[name] = table[name].cast(wanted)
    return (table.mutate(**casts) if casts else table), refused


def _unbounded() -> DataType:
    import ibis

    return ibis.dtype("decimal")


def _stored(table: Table, name: str) -> tuple[str | None, str]:
    """int64 or float64 for a column of SQLite, or why neither."""
    import ibis

    declared = "integer" if table[name].type().is_integer() else "decimal"

    def typeof(value):  # type: ignore[no-untyped-def]
        """The function of SQLite: the type of a value, whatever the column declares."""

    stored = ibis.udf.scalar.builtin(typeof, signature=((str(table[name].type()),), "string"))(table[name])
    whole = table[name].cast("int64")
    beyond = (stored == "integer") & ((whole > EXACT) | (whole < -EXACT))
    parts = {"real": stored == "real", "other": stored.isin(["text", "blob"]), "beyond": beyond}
    found = read_row(table.aggregate(**{key: each.ifelse(1, 0).sum() for key, each in parts.items()}))
    if found["other"]:
        return None, f"{declared} with text"
    if found["real"]:
        return (None, f"{declared} with integers beyond 2^53 beside fractions") if found["beyond"] else ("float64", "")
    return "int64", ""


def _digits(table: Table, name: str) -> tuple[str | None, str]:
    """The decimal that holds every value of a numeric of PostgreSQL, or why none."""
    import ibis

    def min_scale(value):  # type: ignore[no-untyped-def]
        """The function of PostgreSQL: digits after the point, null for NaN and infinities."""

    scale = ibis.udf.scalar.builtin(min_scale, signature=(("decimal",), "int32"))(table[name])
    special = table[name].notnull() & scale.isnull()
    parts: dict[str, Any] = {
        "scale": scale.max(),
        "special": special.ifelse(1, 0).sum(),
        "largest": ibis.ifelse(special, ibis.null("decimal"), table[name].abs()).max().cast("string"),
    }
    found = read_row(table.aggregate(**parts))
    scale, whole = int(found["scale"] or 0), len((found["largest"] or "0").partition(".")[0])
    if found["special"]:
        return None, "numeric with NaN or infinite values"
    if scale + whole > MOST_DIGITS:
        return None, f"numeric of {scale + whole} digits, over {MOST_DIGITS}"
    return f"decimal({MOST_DIGITS}, {scale})", ""
