"""XML of another tool as a small tree: elements and attributes, without entities, DTD or namespaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from model_governance.checks.supply_chain.external_report.reading import unusable
from model_governance.contract.text import library_words

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DEPTH = 100


@dataclass(slots=True, kw_only=True)
class Element:
    """An element with its attributes and children; its text is not kept."""

    tag: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """This element and all below it, in the order of the document."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += reversed(element.children)


class _Refused(Exception):
    """Something in the document that a report does not need."""


def read_xml(content: bytes, where: str, *, expected: str) -> Element:
    """The root of an XML document.

    Raises:
        CheckError: the file is empty, cut off, no XML, has a DTD, or nests deeper than 100 elements.
    """
    # Expat alone expands entities; a document without a DTD can declare none, and one with a DTD is refused at its start.
    from xml.parsers import expat

    if not content.strip():
        raise unusable(where, expected=expected, found="an empty file")
    roots: list[Element] = []
    opened: list[Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(opened) >= MOST_DEPTH:
            raise _Refused(f"more than {MOST_DEPTH} elements inside one another")
        element = Element(tag=tag.rpartition(":")[2], attributes=attributes)
        (opened[-1].children if opened else roots).append(element)
        opened.append(element)

    def refuse(*_: object) -> NoReturn:
        raise _Refused("a DTD, which can hold entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, lambda _: opened.pop()
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(content, True)  # noqa: FBT003 - expat takes it by position only
    except _Refused as refused:
        raise unusable(where, expected=expected, found=str(refused), then="have the tool write plain XML") from refused
    except (expat.ExpatError, ValueError, LookupError) as error:
        found = f"a file that is cut off or no XML ({library_words(error)})"
        raise unusable(where, expected=expected, found=found) from error
    return roots[0]
