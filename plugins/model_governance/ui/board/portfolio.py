"""The portfolio: which models may not keep answering, and who acts. Filters, order and pages are in the address."""

from __future__ import annotations

import csv
import io
import json
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import end_of, parse_moment, spell_moment
from model_governance.report.formatting import counted
from model_governance.ui.board.cursor import cursor_of, place_of, read_cursor
from model_governance.ui.board.standing import HOLDS, URGENCY, newness, urgency, word_of
from model_governance.ui.board.wings import verdict_by_wing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PAGE = 50
"""Rows of a page."""
DAY = 86_400.0
NONE: Mapping[str, Sequence[str]] = MappingProxyType({})
SORTS: Mapping[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]] = {
    "urgency": lambda row: (URGENCY.index(row["place"]), -row["since_seconds"], row["model"]),
    "since": lambda row: (-row["since_seconds"], row["model"]),
    "name": lambda row: (row["model"], row["dag_id"]),
    "owner": lambda row: (row["owner"], URGENCY.index(row["place"]), row["model"]),
}
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins with one of these for a formula."""
CSV_COLUMNS = (
    "state", "newness", "model", "dag_id", "owner", "tags", "outcome", "stops", "run", "since", "runs_in_state",
    "days_since_evidence", "reasons", "waived_until", "archive", "manifest",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What of the portfolio is asked for.

    Attributes:
        outcomes: places of URGENCY; all when empty.
        owner: only models of this owner; empty: of all.
        tag: only models whose policy has this tag; empty: of all.
        text: part of a model's name, owner, DAG or description.
        sort: one of SORTS.
        passes: whether models that hold are listed, too.
        page: from 1 on.
        mistakes: what of the address was not understood, in sentences.
    """

    outcomes: tuple[str, ...] = ()
    owner: str = ""
    tag: str = ""
    text: str = ""
    sort: str = "urgency"
    passes: bool = False
    page: int = 1
    mistakes: tuple[str, ...] = ()

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than all models."""
        return bool(self.outcomes or self.owner or self.tag or self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The models that were asked for: rows of one page, and numbers over all that the reader may see.

    Attributes:
        rows: of the page.
        found: how many models the query finds, those that are folded included.
        folded: how many of them hold and are not listed.
        totals: number of models of each place of URGENCY, of all that the reader may see.
        total: all of them.
        sentences: what a reader must know first.
        owners: of all of them.
        tags: of all of them.
        pages: how many pages there are.
        next: cursor of the rows that follow; empty where none do.
    """

    rows: Sequence[Mapping[str, Any]]
    found: int
    folded: int
    totals: Mapping[str, int]
    total: int
    sentences: Sequence[str]
    owners: Sequence[str]
    tags: Sequence[str]
    pages: int
    next: str


def query_of(parameters: Mapping[str, str]) -> Query:
    """The query in an address. Unknown parameters are ignored, unknown values are said."""
    mistakes = []
    named = [word for word in parameters.get("outcome", "").split(",") if word]
    wrong = [word for word in named if word not in URGENCY]
    mistakes += [f"There is no outcome {word!r:.60}; there are {', '.join(URGENCY)}." for word in wrong]
    outcomes = [word for word in named if word in URGENCY]
    if "fail" in outcomes:
        outcomes.append("fail_new")
    sort = parameters.get("sort", "") or "urgency"
    if sort not in SORTS:
        mistakes.append(f"There is no order {sort!r:.60}; there are {', '.join(SORTS)}.")
        sort = "urgency"
    page = parameters.get("page", "1")
    return Query(
        outcomes=tuple(outcomes), owner=parameters.get("owner", ""), tag=parameters.get("tag", ""),
        text=parameters.get("q", "").strip(), sort=sort, passes=parameters.get("passes", "") == "1",
        page=int(page) if page.isdecimal() and 0 < len(page) < 7 else 1, mistakes=tuple(mistakes),
    )  # fmt: skip


def portfolio(
    models: Sequence[Mapping[str, Any]], query: Query, *, now: float, ungoverned: Sequence[Mapping[str, Any]] = (),
    halts: Mapping[str, Sequence[str]] = NONE, limit: int = PAGE, cursor: str = "",
) -> Portfolio:  # fmt: skip
    """The models that a query asks for.

    Args:
        models: rows of the index that the reader may see.
        query: what is asked for.
        now: seconds since 1970.
        ungoverned: DAGs of models without evidence, each with `dag_id`, `owner`, `tags` and `reason`.
        halts: why no further run may come, in sentences, by the id of the DAG.
        limit: rows of a page.
        cursor: the rows behind it are shown instead of the page of the query; `next` of the answer before.

    Raises:
        ValueError: the cursor is none of this order.
    """
    rows = [_row(model, now=now, halts=halts) for model in models] + [_ungoverned_row(dag) for dag in ungoverned]
    totals = {place: sum(row["place"] == place for row in rows) for place in URGENCY}

    def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return place_of(row, SORTS[query.sort](row))

    asked = sorted((row for row in rows if _fits(row, query)), key=order)
    fold = not query.passes and HOLDS not in query.outcomes and not query.text
    listed = [row for row in asked if not fold or row["place"] != HOLDS]
    places = [order(row) for row in listed]
    pages = max(1, -(-len(listed) // limit))
    start = (min(max(query.page, 1), pages) - 1) * limit
    if cursor:
        start = bisect_right(places, read_cursor(cursor, query.sort, like=places[0] if places else None))
    end = start + limit
    return Portfolio(
        rows=[_shown(row) for row in listed[start:end]], found=len(asked),
        next=cursor_of(places[end - 1], query.sort) if end < len(listed) else "",
        folded=len(asked) - len(listed), totals=totals, total=len(rows), sentences=list(_sentences(rows)),
        owners=sorted({row["owner"] for row in rows if row["owner"]}),
        tags=sorted({tag for row in rows for tag in row["tags"]}), pages=pages,
    )  # fmt: skip


def csv_of(
    models: Sequence[Mapping[str, Any]], query: Query, *, now: float, halts: Mapping[str, Sequence[str]] = NONE
) -> str:
    """The whole filtered list, passes included, as CSV; a cell that a spreadsheet would take for a formula is quoted."""
    rows = sorted(
        (row for row in (_row(model, now=now, halts=halts) for model in models) if _fits(row, query)),
        key=SORTS[query.sort],
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for row in map(_shown, rows):
        cells = row | {
            "state": row["place"], "runs_in_state": row["streak"], "stops": "yes" if row["stops"] else "no",
            "tags": " ".join(row["tags"]), "reasons": "; ".join(row["reasons"]), "run": row["night"], "since": row["since_day"],
        }  # fmt: skip
        writer.writerow([_cell(cells[column]) for column in CSV_COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(RISKY) else text


def _row(model: Mapping[str, Any], *, now: float, halts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A row of the index with what order and filters need."""
    halt = halts.get(model["dag_id"], ())
    place = urgency(model, now=now, halted=bool(halt))
    since = model["due_at"] if place == "overdue" else model["since"]
    return dict(model) | {
        "place": place, "since_seconds": since, "tags": json.loads(model["tags"]) if model["tags"] != "[]" else [],
        "days_since_evidence": int(max(0.0, now - model["moment"]) // DAY), "now": now, "halt": halt,
    }  # fmt: skip


def _ungoverned_row(dag: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "place": "ungoverned", "model": dag["dag_id"], "dag_id": dag["dag_id"], "owner": dag["owner"],
        "tags": list(dag["tags"]), "description": "", "since_seconds": 0.0, "reasons": json.dumps([dag["reason"]]),
        "strip": "", "streak": 0, "stops": 0, "outcome": "", "moment": None, "since": None, "waived_until": None,
        "requested": None, "damaged": 0, "manifest": "", "runs": 0, "recorded": None, "due_at": None, "archive": "", "checks": "[]", "days_since_evidence": None, "halt": (),
    }  # fmt: skip


def _fits(row: Mapping[str, Any], query: Query) -> bool:
    text = query.text.casefold()
    words = (row["model"], row["owner"], row["dag_id"], row["description"], *row["tags"])
    return (
        (not query.outcomes or row["place"] in query.outcomes)
        and (not query.owner or row["owner"] == query.owner)
        and (not query.tag or query.tag in row["tags"])
        and (not text or any(text in str(word).casefold() for word in words))
    )


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the words that a page shows."""
    place = row["place"]
    overdue = place == "overdue"
    reasons = json.loads(row["reasons"])
    if row["damaged"]:
        links = counted(row["damaged"], "link")
        reasons.insert(0, f"{links} of its chain missing or damaged; run model-governance verify")
    if overdue or row["halt"]:
        due = f"; the next was due {spelled(row['due_at'])}" if overdue else ""
        reasons[:0] = [*row["halt"], f"Last evidence is of {spelled(row['moment'])}, {row['outcome']}{due}"]
    return row | {
        "wings": verdict_by_wing(json.loads(row["checks"])),
        "ago": _ago(row["days_since_evidence"]),
        "word": word_of(place),
        "newness": _overdue_for(row) if overdue else newness(row["outcome"], row["streak"]),
        "reasons": reasons,
        "night": spelled(row["moment"]),
        "since_day": spelled(row["since"]),
        "waived": waiver_note(row["waived_until"], now=row.get("now", 0.0)),
        "requested_day": spelled(row["requested"]),
    }


def _ago(days: int | None) -> str:
    """How old the newest evidence is; empty without any."""
    if days is None:
        return ""
    return f"{counted(days, 'day')} ago" if days else "today"


def _overdue_for(row: Mapping[str, Any]) -> str:
    seconds = row["now"] - row["due_at"]
    return (
        f"for {counted(int(seconds // DAY), 'day')}"
        if seconds >= DAY
        else f"for {counted(int(seconds // 3600), 'hour')}"
    )


def spelled(moment: float | None) -> str:
    """A moment (seconds since 1970) as `spell_moment` does; empty without one."""
    return "" if moment is None else spell_moment(datetime.fromtimestamp(moment, UTC))


def waiver_note(expires: str | None, *, now: float) -> str:
    """Until when a waiver is in force, or that it has expired; empty without one."""
    if expires is None:
        return ""
    day = datetime.fromisoformat(expires) if "T" in expires or ":" in expires else parse_moment(expires).date()
    return f"waived until {expires}" if end_of(day).timestamp() > now else f"waiver expired {expires}"


def _sentences(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a reader must know first."""
    governed = [row for row in rows if row["place"] != "ungoverned"]
    if not governed:
        return
    stopped = [row for row in governed if row["stops"]]
    new = sum(row["streak"] == 1 for row in stopped)
    if not stopped:
        yield f"No run of {counted(len(governed), 'model')} is stopped."
    else:
        of_all = f"{len(stopped):,} of {counted(len(governed), 'model')} {'is' if len(stopped) == 1 else 'are'} stopped"
        yield of_all + (f", {new:,} of them since the newest run." if new else ", none of them since the newest run.")
    overdue = [row for row in governed if row["place"] == "overdue"]
    if overdue:
        oldest = min(row["moment"] for row in overdue)
        yield f"{counted(len(overdue), 'model')} {'is' if len(overdue) == 1 else 'are'} overdue; the oldest evidence is of {spelled(oldest)}."
    halted = sum(bool(row["halt"]) for row in governed)
    if halted:
        yield f"{counted(halted, 'model')} {'is' if halted == 1 else 'are'} not running: the Dag is paused, gone or stuck, or its policy was refused."
    silent = len(rows) - len(governed)
    if silent:
        yield f"{counted(silent, 'Dag')} {'of a model has' if silent == 1 else 'of models have'} no evidence."
    if not stopped and not overdue and not halted:
        yield f"The oldest evidence is of {spelled(min(row['moment'] for row in governed))}."
