"""Whether a query only reads: one statement that begins as reading ones do, and holds nothing that writes, runs or loads.

Databases disagree where a string or comment ends (backslashes, dollar quotes, nested comments, `#`). The query is read in every
one of these ways, and refused where any of them finds what does not only read. A reading transaction and the rights of the
database user stand behind this guard; it stands before them because some statements end a transaction.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LENGTH = 50_000  # characters of a query
FIRST = ("select", "with", "values", "table", "from")
# Verbs that write where a statement may begin: at the start, in brackets (`with x as (delete ...)`), behind them.
WRITING = frozenset(
    [
        "insert",
        "update",
        "delete",
        "merge",
        "upsert",
        "replace",
        "truncate",
        "drop",
        "create",
        "alter",
        "grant",
        "revoke",
        "copy",
        "attach",
        "detach",
        "install",
        "load",
        "unload",
        "call",
        "exec",
        "execute",
        "do",
        "set",
        "reset",
        "begin",
        "commit",
        "rollback",
        "savepoint",
        "vacuum",
        "analyze",
        "pragma",
        "lock",
        "export",
        "import",
        "use",
        "declare",
        "put",
        "get",
        "remove",
        "refresh",
        "comment",
        "rename",
        "handler",
        "explain",
    ]
)
# Functions that write, run programs, read files of the server, or end other sessions, from inside a select.
RUNNING = frozenset(
    [
        "lo_import",
        "lo_export",
        "lo_unlink",
        "lo_create",
        "lo_creat",
        "lo_put",
        "lo_from_bytea",
        "dblink",
        "dblink_exec",
        "dblink_connect",
        "dblink_send_query",
        "pg_read_file",
        "pg_read_binary_file",
        "pg_ls_dir",
        "pg_stat_file",
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_reload_conf",
        "pg_rotate_logfile",
        "pg_promote",
        "pg_switch_wal",
        "pg_advisory_lock",
        "set_config",
        "setval",
        "nextval",
        "query_to_xml",
        "query_to_xmlschema",
        "query_to_xml_and_xmlschema",
        "database_to_xml",
        "schema_to_xml",
        "cursor_to_xml",
        "table_to_xml",
        "load_extension",
        "writefile",
        "readfile",
        "fts3_tokenizer",
        "load_file",
        "sys_exec",
        "sys_eval",
        "sleep",
        "benchmark",
        "openrowset",
        "opendatasource",
        "openquery",
        "xp_cmdshell",
        "httpuritype",
        "checkpoint",
        "force_checkpoint",
    ]
)
PACKAGES = frozenset(
    "utl_file utl_http utl_smtp utl_tcp utl_inaddr dbms_scheduler dbms_xslprocessor dbms_lob dbms_sql".split()  # noqa: SIM905 - words are read more easily than a list of 50 strings
)
WORD, QUOTED = "word", "quoted"
COMMENT_EDGE = re.compile(r"/\*|\*/")

Token = tuple[str, str]


def require_reading(query: str) -> None:
    """Refuse a query that is not one statement that only reads.

    Raises:
        SubjectError: what was found, and what a query of a dataset is.
    """
    if len(query) > MAX_LENGTH:
        raise SubjectError(
            f"the query of a dataset has {len(query):,} characters, and at most {MAX_LENGTH:,} are read; make it a view of the database"
        )
    for reading in product(*_traits(query)):
        problem = _problem(list(_tokens(query, reading)))
        if problem is not None:
            raise SubjectError(
                f"the query of a dataset is one statement that starts with {', '.join(FIRST[:-1])} or {FIRST[-1]} and only reads; {problem}. "
                "If it only reads all the same, make it a view of the database and select from that"
            )


def _traits(query: str) -> list[tuple[bool, ...]]:
    """In which ways the query may be read; one where it holds nothing that databases disagree about."""
    disputed = (
        "\\" in query, "$" in query, "#" in query, query.count("/*") > 1, re.search(r"--\S", query) is not None,
    )  # fmt: skip
    return [(True, False) if held else (True,) for held in disputed]


def _problem(tokens: list[Token]) -> str | None:
    while tokens and tokens[-1][1] == ";":
        tokens.pop()
    if not tokens:
        return "found nothing"
    first = next((text for _, text in tokens if text != "("), "")
    if first not in FIRST:
        return f"found {first[:40]!r} at its start"
    before, following = ("", ""), [*tokens[1:], ("", "")]
    for token, after in zip(tokens, following, strict=True):
        problem = _found(token, before=before, after=after)
        if problem is not None:
            return problem
        before = token
    return None


def _found(token: Token, *, before: Token, after: Token) -> str | None:
    kind, text = token
    if text == ";" and kind != QUOTED:
        return "found a second statement after `;`"
    if text == "/*!":
        return "found a comment that MySQL runs (/*! ... */)"
    if kind == WORD and text == "into":
        return "found `into`, which writes a table or a file"
    if kind == WORD and text in WRITING and before[1] in ("(", ")") and after[1] != "(":
        return f"found `{text}` where a statement begins (quote it if it is a column)"
    called = text.lower()
    if after[1] == "(" and kind in (WORD, QUOTED) and called in RUNNING:
        return f"found the function {called}, which does more than read rows"
    if after[1] == "." and kind in (WORD, QUOTED) and called in PACKAGES:
        return f"found the package {called}, which does more than read rows"
    return None


@cache
def _pattern(*, backslash: bool, dollar: bool, hash_sign: bool, any_dashes: bool) -> re.Pattern[str]:
    """Tokens in one reading; every repetition is possessive, so that no text takes more than linear time."""
    inner = r"(?:[^'\\]++|\\.)*+" if backslash else r"[^']*+"
    parts = [
        rf"(?P<string>(?:\b[eE](?='))?'{inner}(?:'|\Z))",
        r'(?P<quoted>"[^"]*+(?:"|\Z)|`[^`]*+(?:`|\Z))',
        r"(?P<comment>--[^\n]*+)" if any_dashes else r"(?P<comment>--(?=\s|\Z)[^\n]*+)",
        r"(?P<runs>/\*!)",
        r"(?P<block>/\*)",
        r"(?P<word>[^\W\d][\w$]*+)",
        r"(?P<space>\s++)",
        r"(?P<other>.)",
    ]
    if hash_sign:
        parts.insert(2, r"(?P<sharp>\#[^\n]*+)")
    if dollar:
        parts.insert(0, r"(?P<dollar>\$(?P<tag>(?:[^\W\d]\w*+)?)\$)")
    return re.compile("|".join(parts), re.DOTALL)


def _tokens(query: str, reading: tuple[bool, ...]) -> Iterator[Token]:
    """Words in small letters, quoted names and signs; strings as one sign, comments left out."""
    backslash, dollar, hash_sign, nested, any_dashes = reading
    pattern = _pattern(backslash=backslash, dollar=dollar, hash_sign=hash_sign, any_dashes=any_dashes)
    place = 0
    while place < len(query):
        match = pattern.match(query, place)
        if match is None:  # the dot matches whatever the others leave
            return
        kind, text, place = match.lastgroup, match[0], match.end()
        if kind == "dollar":
            end = query.find(text, place)
            place = len(query) if end < 0 else end + len(text)
            yield "string", "'"
        elif kind == "block":
            place = _after_comment(query, place, nested=nested)
        elif kind == "word":
            yield WORD, text.lower()
        elif kind == "quoted":
            yield QUOTED, text.strip('"`')
        elif kind == "string":
            yield "string", "'"
        elif kind in ("other", "runs"):
            yield "sign", text


def _after_comment(query: str, place: int, *, nested: bool) -> int:
    depth = 1
    for edge in COMMENT_EDGE.finditer(query, place):
        if edge[0] == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if depth == 0:
            return edge.end()
    return len(query)
