"""CSV files: which cells are missing and which columns are numbers, decided over the whole file and stated.

A CSV file has no types. A column is a number only where that loses nothing of what its cells say: integers are those
whose digits come back when they are written again, so `00501` stays text. Words such as NA, None or NO are text, unless
the policy lists them as missing. The file is read twice, block by block: once to decide, once to convert.
"""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from model_governance.engine.frames import EXACT, fit_in_floats, is_index

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import pyarrow as pa

    from model_governance.policy import CsvSpec

Guess = Literal["nothing", "boolean", "integer", "unsigned", "long", "number", "text"]

GZIP = b"\x1f\x8b"
BLOCK = 4 << 20  # bytes of a block
WHOLE = r"^(0|-?[1-9][0-9]{0,37})$"
NUMERAL = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
PADDED = r"^[+-]?0[0-9]"
INFINITE = r"^[+-]?[iI][nN][fF]([iI][nN][iI][tT][yY])?$"
BOOLEANS = ({"True", "False"}, {"true", "false"}, {"TRUE", "FALSE"})
INTEGERS = frozenset({"integer", "unsigned", "long"})


class CsvRows:
    """The rows of a CSV file, block by block, with a type for every column.

    Args:
        path: the file, plain or gzip.
        spec: delimiter, decimal mark, encoding and the words that stand for a missing value.
        labels: columns that the policy declares as text or categories; numerals of them that would not come back
            as they are written (`1.10`) stay text.

    Raises:
        ValueError: no header, a name twice or empty, a row with other cells than the header (with its line), or bytes
            that are not in this encoding.
    """

    def __init__(self, path: Path, spec: CsvSpec, *, labels: Collection[str] = ()) -> None:
        self._path = path
        self._spec = spec
        try:
            self._header, self._kept, self._types = self._decide(labels)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"its text is not {spec.encoding} ({error.reason}); name the encoding in csv.encoding, such as cp1252"
            ) from error

    def _decide(self, labels: Collection[str]) -> tuple[list[str], list[int], list[Guess]]:
        """The header, the places of the columns that are read, and the type of each."""
        self._header = self._read_header()
        guesses = [Guesses(as_written=name in labels, spec=self._spec) for name in self._header]
        for batch in self._blocks():
            for guess, column in zip(guesses, batch.columns, strict=True):
                guess.add(column)
        # pandas writes an index that nobody named under an empty name, first of all.
        kept = [place for place, name in enumerate(self._header) if name and not is_index(name)]
        return self._header, kept, [guesses[place].guess for place in kept]

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        import pyarrow as pa

        types = _types()
        return pa.schema(
            [(self._header[place], types[guess]) for place, guess in zip(self._kept, self._types, strict=True)]
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in order."""
        import pyarrow as pa

        schema = self.schema
        for batch in self._blocks():
            columns = [
                _converted(batch.column(place), field.type, decimal=self._spec.decimal)
                for place, field in zip(self._kept, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _read_header(self) -> list[str]:
        with self._records() as records:
            header = next((row for row in records if row), None)
        if header is None:
            raise ValueError("there is no line with the names of the columns")
        twice = sorted({name for name in header if header.count(name) > 1 and name})
        if twice:
            raise ValueError(f"the header names {', '.join(twice)} more than once")
        if "" in header[1:]:
            raise ValueError(f"column {header.index('', 1) + 1} of the header has no name")
        return header

    def _blocks(self) -> Iterator[pa.RecordBatch]:
        """All columns as texts, missing words as nulls."""
        import pyarrow as pa
        from pyarrow import csv as arrow

        names = [str(place) for place in range(len(self._header))]
        refused: list[Any] = []

        def refuse(row: Any) -> str:
            refused.append(row)
            return "skip"

        with self._opened() as content:
            reader = arrow.open_csv(
                content,
                read_options=arrow.ReadOptions(
                    use_threads=False, block_size=BLOCK, column_names=names, encoding=self._spec.encoding
                ),
                parse_options=arrow.ParseOptions(
                    delimiter=self._spec.delimiter, newlines_in_values=True, invalid_row_handler=refuse
                ),
                convert_options=arrow.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), null_values=list(self._spec.missing),
                    strings_can_be_null=True, quoted_strings_can_be_null=True,
                ),
            )  # fmt: skip
            first = True
            for batch in reader:
                if refused:
                    break
                yield batch.slice(1) if first and batch.num_rows else batch
                first = first and not batch.num_rows
        if refused:
            raise ValueError(self._bad_row())

    def _bad_row(self) -> str:
        """The sentence for the first row with more or fewer cells than the header."""
        expected, line = len(self._header), 1
        with self._records() as records:
            for row in records:
                if row and len(row) != expected:
                    more = "more" if len(row) > expected else "fewer"
                    return (
                        f"line {line} holds {len(row)} cells and the header {expected}: {more} than there are columns, so "
                        "nobody knows which value belongs where"
                    )
                line = records.line_num + 1
        return f"a row holds other cells than the {expected} of the header"

    @contextmanager
    def _records(self) -> Iterator[Any]:
        """The rows as lists of texts, read by Python, which knows the line of each."""
        plain = self._spec.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        encoding = "utf-8-sig" if plain else self._spec.encoding
        with self._opened() as content, io.TextIOWrapper(content, encoding=encoding, newline="") as text:
            yield csv.reader(text, delimiter=self._spec.delimiter)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        import gzip

        with self._path.open("rb") as raw:
            start = raw.read(2)
            raw.seek(0)
            if start == GZIP:
                with gzip.open(raw, "rb") as content:
                    yield content
            else:
                yield raw


class Guesses:
    """The type of one column, from the blocks seen so far.

    Args:
        as_written: numerals are numbers only where writing them gives the same text.
        spec: the decimal mark.
    """

    def __init__(self, *, as_written: bool, spec: CsvSpec) -> None:
        self.guess: Guess = "nothing"
        self._as_written = as_written
        self._decimal = spec.decimal
        self._negative = self._inexact = False

    def add(self, texts: pa.Array) -> None:
        """See one more block."""
        if self.guess == "text" or texts.null_count == len(texts):
            return
        held = texts.drop_null()
        found = self._of_block(held)
        self.guess = found if self.guess == "nothing" else self._both(self.guess, found)

    def _of_block(self, texts: pa.Array) -> Guess:
        import pyarrow.compute as pc

        whole = self._as_integers(texts)
        if whole is not None:
            return whole
        values = _plain_numerals(texts, self._decimal)
        infinite = pc.match_substring_regex(values, INFINITE)
        numerals = pc.and_not(pc.match_substring_regex(values, NUMERAL), pc.match_substring_regex(values, PADDED))
        if pc.any(numerals).as_py() and pc.all(pc.or_(numerals, infinite)).as_py():
            self._note_long(values)
            return "text" if self._inexact or (self._as_written and not _come_back(texts)) else "number"
        return "boolean" if set(pc.unique(texts).to_pylist()) in _SUBSETS else "text"

    def _as_integers(self, texts: pa.Array) -> Guess | None:
        """The type of integer that gives every text back; None where there is none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            integers = pc.cast(texts, pa.int64())
        except pa.ArrowInvalid:
            if not pc.all(pc.match_substring_regex(texts, WHOLE)).as_py():
                return None
            self._inexact = True
            self._negative = self._negative or bool(pc.any(pc.starts_with(texts, "-")).as_py())
            try:
                pc.cast(texts, pa.uint64())
            except pa.ArrowInvalid:
                return "long"
            return "unsigned"
        if not pc.all(pc.equal(pc.cast(integers, pa.string()), texts)).as_py():
            return None
        numbers = integers.to_numpy(zero_copy_only=False)
        self._negative = self._negative or bool((numbers < 0).any())
        self._inexact = self._inexact or not fit_in_floats(numbers)
        return "integer"

    def _note_long(self, values: pa.Array) -> None:
        """Note integers among the numerals that a float would change."""
        import pyarrow.compute as pc

        long = values.filter(pc.match_substring_regex(values, r"^-?[1-9][0-9]{15,}$"))
        self._inexact = self._inexact or any(
            abs(int(text)) > EXACT and int(float(text)) != int(text) for text in long.to_pylist()
        )

    def _both(self, before: Guess, found: Guess) -> Guess:
        """The type that holds both blocks without a change."""
        kinds = {before, found}
        if kinds <= INTEGERS:
            if "long" in kinds or ("unsigned" in kinds and self._negative):
                return "long"
            return "unsigned" if "unsigned" in kinds else "integer"
        if "number" in kinds and kinds <= INTEGERS | {"number"}:
            return "text" if self._inexact else "number"
        return before if before == found else "text"


_SUBSETS: tuple[set[str], ...] = tuple(
    subset for both in BOOLEANS for subset in (both, *({word} for word in both))
)  # fmt: skip


def _plain_numerals(texts: pa.Array, decimal: str) -> pa.Array:
    """The texts without spaces around them, with a point as decimal mark; a point that is none makes them no numerals."""
    import pyarrow.compute as pc

    values = pc.utf8_trim_whitespace(texts)
    if decimal == ".":
        return values
    return pc.replace_substring(pc.replace_substring(values, ".", "?"), decimal, ".")


def _come_back(texts: pa.Array) -> bool:
    """Whether each numeral is the shortest text of its number, so that a label of numbers names the same category."""
    import pyarrow.compute as pc

    return all(
        text in (repr(float(text)), repr(float(text)).removesuffix(".0")) for text in _parsable(pc.unique(texts))
    )


def _parsable(texts: pa.Array) -> list[str]:
    return [text.replace(",", ".") for text in texts.to_pylist()]


def _types() -> dict[Guess, pa.DataType]:
    import pyarrow as pa

    return {
        "nothing": pa.float64(), "boolean": pa.bool_(), "integer": pa.int64(), "unsigned": pa.uint64(),
        "long": pa.decimal128(38, 0), "number": pa.float64(), "text": pa.string(),
    }  # fmt: skip


def _converted(texts: pa.Array, kind: pa.DataType, *, decimal: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(kind):
        return texts
    if pa.types.is_floating(kind):
        return pc.cast(_plain_numerals(texts, decimal), kind)
    return pc.cast(pc.utf8_lower(texts), kind) if pa.types.is_boolean(kind) else pc.cast(texts, kind)
