"""JUnit XML, as pytest, Maven and most test runners write it: one item for each test case, grouped by suite.

The document is read without entities and without a DTD: a report needs neither, and both can exhaust the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.external_report.content import Adapter, Item, Report, readable
from model_governance.checks.supply_chain.external_report.reading import moment, unusable
from model_governance.checks.supply_chain.external_report.xml_tree import Element, read_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPECTS = "a JUnit XML report (testsuites or testsuite)"
TARGET = "model"  # the property that names what was tested


def read(content: bytes, where: str) -> Report:
    """A case with a failure or an error failed; a suite that counts other cases than it holds was cut or changed."""
    root = read_xml(content, where, expected=EXPECTS)
    if root.tag not in ("testsuites", "testsuite"):
        raise unusable(
            where, expected=EXPECTS, found=f"the element {readable(root.tag)!r}",
            then="check that params.format names the tool that wrote the file",
        )  # fmt: skip
    suites = [element for element in root.walk() if element.tag == "testsuite"]
    for suite in suites:
        _require_all_cases(suite, where)
    moments = [
        moment(suite.attributes["timestamp"], where, expected=EXPECTS)
        for suite in suites
        if suite.attributes.get("timestamp")
    ]
    return Report(
        tool="JUnit",
        items=tuple(item for suite in suites for item in _items(suite)),
        made_at=min(moments) if moments else None,
        targets=tuple(dict.fromkeys(_targets(root))),
    )  # fmt: skip


def _items(suite: Element) -> Iterator[Item]:
    category = readable(suite.attributes.get("name") or "tests")
    for case in suite.children:
        if case.tag != "testcase":
            continue
        parts = {part.tag for part in case.children}
        failed = bool(parts & {"failure", "error"})
        skipped = "skipped" in parts and not failed
        name = readable(f"{case.attributes.get('classname', '')} {case.attributes.get('name', '')}")
        yield Item(
            category=category, name=name or "a case that is not named", failed=int(failed), skipped=int(skipped),
            passed=int(not failed and not skipped),
        )  # fmt: skip


def _require_all_cases(suite: Element, where: str) -> None:
    told = suite.attributes.get("tests")
    held = sum(element.tag == "testcase" for element in suite.walk())
    if told is None:
        return
    if not told.strip().isdecimal() or int(told) != held:
        name = readable(suite.attributes.get("name") or "a suite")
        raise unusable(where, expected=f"{EXPECTS} with the {told[:20]} cases that {name} counts", found=f"{held}")


def _targets(root: Element) -> Iterator[tuple[str, ...]]:
    for element in root.walk():
        if element.tag == "property" and element.attributes.get("name") == TARGET:
            yield (readable(element.attributes.get("value", "")),)


ADAPTER = Adapter(title="JUnit", expects=EXPECTS, read=read)
