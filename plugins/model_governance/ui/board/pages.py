"""The pages of the board as HTML: templates, one stylesheet, and the headers that keep foreign content out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from model_governance.report.findings import in_plain_names
from model_governance.report.page import as_markup, fill
from model_governance.ui.board import charts
from model_governance.ui.board.portfolio import PAGE, SORTS, spelled
from model_governance.ui.board.standing import URGENCY, word_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup
    from starlette.requests import Request

    from model_governance.ui.board.board import Board
    from model_governance.ui.board.portfolio import Portfolio, Query

HERE = Path(__file__).parent
SCRIPT = HERE / "board.js"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
ASKS_AGAIN = "; connect-src 'self'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}
AGAIN = 5
"""Seconds after which a page that waits for something asks again."""


def page(
    board: Board | None, template: str, *, path: str, here: str = "", status: int = 200, refresh: int | None = None,
    **values: Any,
) -> Response:  # fmt: skip
    """A page of the board.

    Args:
        board: whose state the page names; None for a page that shows none of its data.
        template: name of the file.
        path: of the request below the app, which says how deep the page is.
        here: which entry of the navigation is the current one.
        status: of the answer.
        refresh: seconds after which the browser asks again.
        values: what the template shows.
    """
    content = fill(
        template, folder=HERE, board_css=as_markup(_css()), root=root_of(path), here=here, refresh=refresh,
        problems=board.problems() if board else [], as_of=spelled(_whole(board.as_of())) if board else "",
        svg=as_markup, strip=_strip, mark=_mark, word_of=word_of,
        worded=lambda finding: in_plain_names(finding, finding.sentence), **values,
    )  # fmt: skip
    headers = HEADERS if refresh is None else HEADERS | {"Content-Security-Policy": POLICY + ASKS_AGAIN}
    return Response(content, status, headers, media_type="text/html; charset=utf-8")


def portfolio_page(board: Board, found: Portfolio, query: Query, *, path: str) -> Response:
    """The page of the portfolio."""
    waits = found.total == 0 and board.is_first_reading

    def address(*, page: int = 1, passes: bool | None = None, csv: bool = False) -> str:
        return "?" + urlencode(_parameters(query, page=page, passes=passes, csv=csv))

    return page(
        board, "portfolio.html", path=path, here="portfolio", refresh=AGAIN if waits else None, found=found, query=query,
        urgency=URGENCY, sorts=tuple(SORTS), number=min(query.page, found.pages), per_page=PAGE, address=address,
    )  # fmt: skip


def message(
    board: Board | None, *, path: str, title: str, sentence: str, status: int = 200, refresh: int | None = None,
    links: Sequence[tuple[str, str]] = (), command: str = "", tasks: Sequence[tuple[str, str]] = (),
) -> Response:  # fmt: skip
    """A page that says one thing: why there is nothing to see, and what to do; `tasks` with their states in Airflow."""
    return page(
        board, "message.html", path=path, status=status, refresh=refresh, title=title, sentence=sentence, links=links,
        command=command, tasks=tasks,
    )  # fmt: skip


def route_of(request: Request) -> str:
    """The path of a request below the app, wherever the app is mounted."""
    scope = request.scope
    path, mount = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(mount) if mount and path.startswith(mount) else path


def root_of(path: str) -> str:
    """The way from a page to the root of the app: relative, so that no proxy's prefix need be known."""
    depth = path.count("/") - 1
    return "../" * depth or "./"


def address_of(root: str, *parts: str) -> str:
    """An address below the root, its parts quoted."""
    return root + "/".join(quote(part, safe="") for part in parts)


def _parameters(query: Query, *, page: int, passes: bool | None, csv: bool) -> Mapping[str, str]:
    shown = query.passes if passes is None else passes
    outcomes = [place for place in query.outcomes if not (place == "fail_new" and "fail" in query.outcomes)]
    values = {
        "q": query.text, "outcome": ",".join(outcomes), "owner": query.owner, "tag": query.tag,
        "sort": query.sort if query.sort != "urgency" else "", "passes": "1" if shown and not csv else "",
        "page": str(page) if page > 1 else "",
    }  # fmt: skip
    return {name: value for name, value in values.items() if value}


def _whole(moment: float | None) -> float | None:
    return None if moment is None else float(int(moment))


def _strip(cells: str) -> Markup:
    return as_markup(charts.strip(cells))


def _mark(outcome: str) -> Markup:
    return as_markup(charts.mark(outcome))


@cache
def _css() -> str:
    return (HERE / "board.css").read_text("utf-8")
