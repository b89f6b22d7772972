"""A page as a browser would take it apart: elements, what they fetch, what they say."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

INLINE = {"a", "tspan"}
VOID = {"meta", "link", "br", "hr", "img", "input"}
FETCHING = (
    "src",
    "srcset",
    "href",
    "xlink:href",
    "action",
    "formaction",
    "poster",
    "data",
    "background",
    "ping",
    "manifest",
)


class Reading(HTMLParser):
    """Everything a test asks about a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.fetched: list[tuple[str, str]] = []
        self.headings: list[tuple[int, str]] = []
        self.headers_without_scope = 0
        self.handlers: list[str] = []
        self.unbalanced: list[str] = []
        self.text = ""
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[str] = []
        self.feed(page.decode())
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        given = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in given.items()]
        self.ids.update([given["id"]] if "id" in given else [])
        self.fetched += [(tag, given[name]) for name in FETCHING if name in given]
        self.handlers += [name for name in given if name.startswith("on")]
        if tag == "th" and "scope" not in given:
            self.headers_without_scope += 1
        if tag in ("h1", "h2", "h3"):
            self.headings.append((int(tag[1]), ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        self.text += " " if tag not in INLINE else ""
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.unbalanced.append(f"/{tag}")

    def handle_data(self, data):
        if "style" in self._open:
            return
        if self._open and self._open[-1] in ("h1", "h2", "h3"):
            level, said = self.headings[-1]
            self.headings[-1] = (level, said + data)
        self.text += data

    @property
    def words(self) -> str:
        """All text with single spaces."""
        return " ".join(self.text.split())
