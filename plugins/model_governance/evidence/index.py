"""The history index: what the links of a model state, as Parquet, so that years of runs are read in a fraction of a second.

It is no evidence: it is made from links, can be made again at any time, and nothing that is judged reads it. Objects are
create-only, so it grows in blocks: every link has one file, every tenth link closes a block of ten, every hundredth one of
a hundred, every thousandth one of a thousand. A reader takes the largest blocks there are. An index that is made anew is
a new generation; the newest one counts.
"""

from __future__ import annotations

import io
import logging
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, GovernanceError, ObjectConflict, ObjectMissing
from model_governance.evidence.chain import find_head, link_key, read_link
from model_governance.evidence.index_rows import INDEX_SCHEMA, empty_table, row_of_unreadable, rows_of, schema, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from model_governance.evidence.chain import Link
    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

SIZES = (1000, 100, 10, 1)
"""Links of a block, the largest first."""
MOST_LACKING = 100
"""Links that a reader takes from the chain because the index lacks them; with more the index is made anew."""
INDEX = "v1/index/"
"""Under this prefix: no evidence, and never believed where something is judged."""
_MODELS = f"{INDEX}models/"
"""Under this prefix: one object for each model that has an index, so that one listing names all of them."""
_MARKER = re.compile(r"/(?P<generation>[0-9]{6})\.json$")


@dataclass(slots=True)
class IndexReader:
    """Reads the newest generation of the index of a model.

    Attributes:
        store: the archive.
        model: whose index.
        generation: which one; 1 until an index was made anew.
        damaged: why a block cannot be used, by where it is.
        lacking: links that were read from the chain because the index lacks them.
        links_only: whether every link is read from the chain.
    """

    store: ArtifactStore
    model: str
    generation: int = 1
    damaged: dict[str, str] = field(default_factory=dict)
    lacking: int = 0
    links_only: bool = False

    def table(self, head: int, *, after: int = 0) -> pa.Table:
        """The rows of the links behind `after` up to `head`, in the order of the chain. Raises as `ArtifactStore.get`."""
        import pyarrow as pa

        return pa.concat_tables([empty_table(), *(self.block(*each) for each in cover(head, after=after))])

    def block(self, first: int, size: int) -> pa.Table:
        """The rows of a block: its file, else those of the smaller blocks in it, else those of its link."""
        import pyarrow as pa

        found = None if self.links_only else self.stored(first, size)
        if found is not None:
            return found
        if size == 1:
            self.lacking += 1
            return table_of(self._rows_of_link(first))
        step = size // 10
        return pa.concat_tables([self.block(part, step) for part in range(first, first + size, step)])

    def blocks(self, head: int) -> Iterator[tuple[int, int, pa.Table]]:
        """First link, size and rows of each file that `table` takes."""
        waiting = list(cover(head))
        while waiting:
            first, size = waiting.pop(0)
            found = self.stored(first, size)
            if found is not None:
                yield first, size, found
            elif size > 1:
                step = size // 10
                waiting = [(part, step) for part in range(first, first + size, step)] + waiting

    def is_begun(self, head: int) -> bool:
        """Whether the first or the last block is there: an archive without index is read from its links."""
        blocks = list(cover(head))
        return bool(blocks) and any(self.stored(*block) is not None for block in (blocks[0], blocks[-1]))

    def stored(self, first: int, size: int) -> pa.Table | None:
        """The rows of a block's file; None where there is none, or a damaged one, which is noted."""
        key = block_key(self.model, self.generation, first, size)
        try:
            content = self.store.get(key)
        except ObjectMissing:
            return None
        try:
            return _read_block(content, first, size)
        except EvidenceError as error:
            self.damaged[self.store.locate(key)] = str(error)
            return None

    def _rows_of_link(self, sequence: int) -> list[dict[str, Any]]:
        try:
            return rows_of(read_link(self.store, link_key(self.model, sequence)))
        except (EvidenceError, ObjectMissing):
            return [row_of_unreadable(sequence)]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The rows of the index up to the head of the chain, and what a reader must know about them."""

    table: pa.Table
    head: int
    notes: tuple[str, ...]


def read_history(store: ArtifactStore, model: str, *, rebuild: bool = False) -> History:
    """What the links of a model state, from its index; an index that is damaged is made anew.

    Args:
        store: the archive.
        model: name of the model.
        rebuild: read every link and make the index anew, whatever it holds.

    Raises:
        StoreUnreachable, StoreError: the store cannot be read.
    """
    head = find_head(store, model).sequence
    reader = IndexReader(store=store, model=model, generation=newest_generation(store, model))
    if not rebuild:
        lacks = head > MOST_LACKING and not reader.is_begun(head)
        table = None if lacks else reader.table(head)
        if table is not None and not reader.damaged and reader.lacking <= MOST_LACKING:
            notes = [f"{reader.lacking} links were read from the chain: the index lacks them"] if reader.lacking else []
            return History(table=table, head=head, notes=tuple(notes))
    because = [f"the index is damaged: {where}: {problem}" for where, problem in reader.damaged.items()] or (
        ["the index was to be made anew"] if rebuild else [f"the index lacks more than {MOST_LACKING} links"]
    )
    table, done = _rebuilt(store, model, head, reader.generation + 1)
    return History(table=table, head=head, notes=(*because, done))


def read_newer(store: ArtifactStore, model: str, *, known: int) -> History:
    """As `read_history`, without the rows of the links up to `known`; one request where there is no newer link.

    Raises:
        StoreUnreachable, StoreError: the store cannot be read.
    """
    if known > 0:
        try:
            store.get(link_key(model, known + 1))
        except ObjectMissing:
            return History(table=empty_table(), head=known, notes=())
    head = find_head(store, model).sequence
    if head <= known or head - known > MOST_LACKING:
        history = read_history(store, model)
        return replace(history, table=_behind(history.table, known))
    reader = IndexReader(store=store, model=model, generation=newest_generation(store, model))
    table = reader.table(head, after=known)
    if reader.damaged:
        history = read_history(store, model)
        return replace(history, table=_behind(history.table, known))
    return History(table=table, head=head, notes=())


def indexed_models(store: ArtifactStore) -> list[str]:
    """The models that have an index, from one short listing; archives of older releases do not name all of theirs."""
    return [key.removeprefix(_MODELS).removesuffix(".json") for key in store.keys(_MODELS) if key.endswith(".json")]


def _behind(table: pa.Table, known: int) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.greater(table["sequence"], known))


def index_link(store: ArtifactStore, link: Link) -> None:
    """Add a link to the index, and close the blocks that it completes; what fails is logged, the link is stored anyway."""
    reader = IndexReader(store=store, model=link.model)
    try:
        reader.generation = newest_generation(store, link.model)
        if link.sequence % SIZES[-2] == 1:
            store.put_once(f"{_MODELS}{link.model}.json", b"{}", media_type="application/json")
        _write(store, link.model, reader.generation, link.sequence, 1, table_of(rows_of(link)))
        for size in reversed(SIZES[:-1]):
            if link.sequence % size == 0:
                first = link.sequence - size + 1
                _write(store, link.model, reader.generation, first, size, reader.block(first, size))
    except GovernanceError as error:
        log.warning("link %s of %s is not in the index: %s", link.sequence, link.model, error)


def index_differences(
    store: ArtifactStore, model: str, rows: Mapping[int, Sequence[Mapping[str, Any]]]
) -> Iterator[tuple[str, str]]:
    """Where the index that a reader takes is damaged or differs from the links, and a sentence.

    Args:
        store: the archive.
        model: name of the model.
        rows: what the links state, by their numbers.
    """
    reader = IndexReader(store=store, model=model, generation=newest_generation(store, model))
    if not reader.is_begun(max(rows, default=0)):
        return
    for first, size, table in reader.blocks(max(rows)):
        where = store.locate(block_key(model, reader.generation, first, size))
        numbers = range(first, first + size)
        stated = table_of(row for number in numbers for row in rows.get(number, [row_of_unreadable(number)]))
        if not table.equals(stated):
            yield (
                where,
                f"states something else than the links {first} to {first + size - 1}: forged, or written by a fault",
            )
    yield from reader.damaged.items()


def newest_generation(store: ArtifactStore, model: str) -> int:
    """The generation that counts."""
    found = (_MARKER.search(key) for key in store.keys(f"{INDEX}generations/model={model}/"))
    return max((int(match["generation"]) for match in found if match), default=1)


def cover(head: int, *, after: int = 0) -> Iterator[tuple[int, int]]:
    """First link and size of the largest blocks that the links behind `after` up to `head` consist of."""
    first = after + 1
    while first <= head:
        size = next(size for size in SIZES if (first - 1) % size == 0 and first + size - 1 <= head)
        yield first, size
        first += size


def block_key(model: str, generation: int, first: int, size: int) -> str:
    """Where a block is; the folders are partitions in the style of Hive."""
    return f"{INDEX}model={model}/generation={generation}/links={size}/{first:010d}.parquet"


def _rebuilt(store: ArtifactStore, model: str, head: int, generation: int) -> tuple[pa.Table, str]:
    """The rows of every link, and what became of the new generation."""
    import pyarrow as pa

    reader = IndexReader(store=store, model=model, links_only=True)
    tables = [empty_table()]
    blocks = list(cover(head))
    for first, size in blocks:
        tables.append(reader.block(first, size))
    try:
        for (first, size), table in zip(blocks, tables[1:], strict=True):
            _write(store, model, generation, first, size, table)
        marker = canonical_json({"schema": INDEX_SCHEMA, "links": head})
        store.put_once(f"{INDEX}generations/model={model}/{generation:06d}.json", marker, media_type="application/json")
        done = f"the index was made anew from {head} links, as generation {generation}"
    except GovernanceError as error:
        done = f"everything was read from {head} links; the new index cannot be stored: {error}"
    return pa.concat_tables(tables), done


def _write(store: ArtifactStore, model: str, generation: int, first: int, size: int, table: pa.Table) -> None:
    """Store a block. Raises as `ArtifactStore.put_once`, but not where the key is taken: another writer was faster."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    try:
        store.put_once(
            block_key(model, generation, first, size), buffer.getvalue(), media_type="application/vnd.apache.parquet"
        )
    except ObjectConflict:
        log.info("block %s of %s links of the index of %s is there already", first, size, model)


def _read_block(content: bytes, first: int, size: int) -> pa.Table:
    """The rows in the bytes of a block.

    Raises:
        EvidenceError: they are no Parquet, or hold other columns or other links than those of the block.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise EvidenceError(f"no Parquet of this index ({str(error)[:200]})") from error
    if not table.schema.equals(schema(), check_metadata=False):
        raise EvidenceError("other columns than those of the index")
    sequences = pc.unique(table["sequence"]).to_pylist()
    if sequences != list(range(first, first + size)):
        raise EvidenceError(f"expected the links {first} to {first + size - 1} in their order, found others")
    return table.replace_schema_metadata(schema().metadata)
