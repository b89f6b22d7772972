"""JUnit XML: one test suite per run, one test case per finding, for dashboards of continuous integration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.verdict import read_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.evidence.export.selection import ExportedRun
    from model_governance.verdict import Finding

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {"fail": "failure", "error": "error", "skipped": "skipped", "waived": "skipped"}
"""Element of an outcome; findings that pass, warn or are uncertain have passed, unless they stop the run."""


def junit_of(model: str, runs: Sequence[ExportedRun]) -> bytes:
    """The runs as JUnit XML."""
    root = Element("testsuites", name=model)
    for run in runs:
        verdict = read_verdict(run.manifest["verdict"])
        seconds = {row["name"]: row["seconds"] or 0.0 for row in run.manifest["checks"]}
        moment = parse_moment(run.moment)
        suite = SubElement(
            root, "testsuite", name=f"{model} {spell_moment(moment)} {_legal(run.manifest['run']['run_id'])}",
            timestamp=moment.replace(tzinfo=None).isoformat(), time=f"{sum(seconds.values()):.3f}",
            tests=str(len(verdict.findings)),
        )  # fmt: skip
        counts = {"failure": 0, "error": 0, "skipped": 0}
        for finding in verdict.findings:
            stops = verdict.fail_policy.stops(finding.outcome, finding.severity)
            tag = _TAGS.get(finding.outcome, "failure" if stops else None)
            _add_case(suite, finding, tag)
            if tag is not None:
                counts[tag] += 1
        suite.attrib |= {
            "failures": str(counts["failure"]), "errors": str(counts["error"]), "skipped": str(counts["skipped"]),
        }  # fmt: skip
    indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="utf-8") + b"\n"


def _add_case(suite: Element, finding: Finding, tag: str | None) -> None:
    case = SubElement(suite, "testcase", classname=finding.check, name=_legal(finding.label))
    if tag is not None:
        SubElement(case, tag, message=_legal(finding.sentence), type=finding.outcome)
    elif finding.outcome != "pass":
        SubElement(case, "system-out").text = _legal(finding.sentence)


def _legal(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
