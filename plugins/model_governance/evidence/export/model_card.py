"""A model card in Markdown: what the model is, on which data it was checked, with which results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.evidence.export.bom import newest_by_version
from model_governance.verdict import RANK, read_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from model_governance.evidence.export.selection import ExportedRun, Selection
    from model_governance.verdict import Finding

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#!~])")


def model_card(selection: Selection, *, head: str) -> bytes:
    """The card of the model version that ran last; `head` is the digest of the newest link."""
    versions = newest_by_version(selection)
    sha256, run = next(reversed(versions.items()))
    manifest, model = run.manifest, run.manifest["model"] or {}
    verdict = read_verdict(manifest["verdict"])
    judged = [finding for finding in verdict.findings if finding.value is not None]
    concerns = [finding for finding in verdict.findings if finding.outcome not in ("pass", "skipped")]
    lines = [
        f"# Model card: {_text(selection.model)}", "",
        _text(manifest["policy"]["description"]) or "The policy describes the model in no words.", "",
        f"Made from the evidence of {selection.period}; head of the chain `{head}`.", "",
        "## Model", "",
        *_table(("fact", "value"), [
            ("owner", _text(manifest["policy"]["owner"])), ("task", _text(model.get("task") or "not read")),
            ("format", _text(model.get("format") or "not read")), ("written by", _text(model.get("written_by") or "unknown")),
            ("SHA-256 of the version that ran last", f"`{sha256}`"), ("versions in these days", str(len(versions))),
        ]),
        "## Data of the newest run", "",
        *_table(("role", "rows", "source", "SHA-256"), [
            (dataset["role"], str(dataset["rows"]), _text(dataset["uri"]), f"`{dataset['sha256']}`")
            for dataset in manifest["datasets"]
        ]),
        f"## Results of the newest run, {_date(run)}: {verdict.outcome}", "",
        *_table(("check", "metric", "value", "95% interval", "required", "outcome"), map(_row, judged)),
        "## What stands against it", "",
        *(_list(_text(finding.sentence) for finding in concerns) or ["Nothing in the newest run.", ""]),
        "## Runs", "",
        *_table(("outcome", "runs"), _counts(selection.runs)),
        "## Accepted, requested and waived", "",
        *(_list(_documents(selection)) or ["Nothing.", ""]),
    ]  # fmt: skip
    return ("\n".join(lines).rstrip("\n") + "\n").encode()


def _row(finding: Finding) -> tuple[str, ...]:
    shown = (
        finding.check, finding.label, finding.seen or "absent",
        finding.spread or "—", finding.requirement or "—", finding.outcome,
    )  # fmt: skip
    return tuple(map(_text, shown))


def _counts(runs: Sequence[ExportedRun]) -> list[tuple[str, str]]:
    outcomes = [run.manifest["verdict"]["outcome"] for run in runs]
    return [(outcome, str(outcomes.count(outcome))) for outcome in reversed(RANK) if outcome in outcomes]


def _documents(selection: Selection) -> Iterator[str]:
    for document in selection.documents:
        yield _text(document.sentence)
    for exported in selection.runs:
        for waiver in exported.link.predicate["waivers"]:
            name = f"{waiver['check']}, {waiver['metric']}"
            yield _text(
                f"run of {_date(exported)}: {name} is waived until {waiver['expires']} by {waiver['approver']} "
                f"({waiver['ticket']}): {waiver['reason']}"
            )


def _date(run: ExportedRun) -> str:
    return spell_moment(parse_moment(run.moment))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(cells)} |" for cells in lines), ""]


def _list(sentences: Iterable[str]) -> list[str]:
    lines = [f"- {sentence}" for sentence in sentences]
    return [*lines, ""] if lines else []


def _text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
