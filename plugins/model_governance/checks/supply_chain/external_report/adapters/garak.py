"""garak (NVIDIA): `garak.<run>.report.jsonl`, whose `eval` entries count the attempts of each probe and detector.

Its entries are those that garak 0.9 to 0.14 write (garak/command.py, garak/evaluators/base.py): a setup, an init, one eval
for each probe and detector, and a completion at the end of the run, without which the run was cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, Field

from model_governance.checks.supply_chain.external_report.content import Adapter, Item, Report, readable
from model_governance.checks.supply_chain.external_report.reading import Part, json_lines, moment, unusable, validated

if TYPE_CHECKING:
    from collections.abc import Iterable

EXPECTS = "a garak report (garak.*.report.jsonl) of a run that ended"
ENDS = ("completion", "digest")


class Setup(Part):
    """The first entry: what was attacked."""

    target_type: str | None = Field(
        default=None, validation_alias=AliasChoices("plugins.target_type", "plugins.model_type")
    )
    target_name: str | None = Field(
        default=None, validation_alias=AliasChoices("plugins.target_name", "plugins.model_name")
    )


class Init(Part):
    """The version and the start of the run."""

    garak_version: str
    start_time: str


class Evaluation(Part):
    """How often the outputs of one probe passed one detector; `nones` were not judged."""

    probe: str = Field(min_length=1)
    detector: str = Field(min_length=1)
    passed: int = Field(ge=0)
    nones: int = Field(default=0, ge=0)
    total: int = Field(ge=0, validation_alias=AliasChoices("total_evaluated", "total"))


class Completion(Part):
    """The last entry of a run."""

    end_time: str


def read(content: bytes, where: str) -> Report:
    """The attempts of every probe and detector; a failed attempt is one whose output the detector objected to."""
    entries: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for line, entry in json_lines(content, where, expected=EXPECTS):
        entries.setdefault(str(entry.get("entry_type")), []).append((line, entry))
    if "start_run setup" not in entries or "init" not in entries:
        raise unusable(
            where, expected=EXPECTS, found=f"a file without garak's entries start_run setup and init (it has {_kinds(entries)})",
            then="check that params.format names the tool that wrote the file",
        )  # fmt: skip
    if not any(end in entries for end in ENDS):
        raise unusable(where, expected=EXPECTS, found="no entry completion: the run was cut, or still goes on")
    setups = [_part(Setup, entry, where) for entry in entries["start_run setup"]]
    init = _part(Init, entries["init"][0], where)
    ends = [_part(Completion, entry, where).end_time for entry in entries.get("completion", ())]
    return Report(
        tool=f"garak {readable(init.garak_version)}",
        items=tuple(_item(entry, where) for entry in entries.get("eval", ())),
        made_at=moment(min(ends, default=init.start_time), where, expected=EXPECTS),
        targets=tuple(dict.fromkeys(names for setup in setups if (names := _names(setup)))),
        notes=("the moments of garak name no time zone and are taken as UTC",),
    )


def _item(entry: tuple[int, dict[str, Any]], where: str) -> Item:
    evaluation = _part(Evaluation, entry, where)
    if evaluation.passed > evaluation.total:
        raise unusable(
            where, expected=EXPECTS,
            found=f"line {entry[0]} with {evaluation.passed} passed of {evaluation.total} evaluated outputs",
        )  # fmt: skip
    # garak 0.9 wrote the detector as "detector mitigation.MitigationBypass".
    name = readable(f"{evaluation.probe} / {evaluation.detector.removeprefix('detector ')}")
    return Item(
        category=name, name=name, passed=evaluation.passed, failed=evaluation.total - evaluation.passed,
        skipped=evaluation.nones,
    )  # fmt: skip


def _names(setup: Setup) -> tuple[str, ...]:
    """What policies may call the target: its name, alone or behind its type; empty where the run names none."""
    if not setup.target_name:
        return ()
    kind, name = setup.target_type, readable(setup.target_name)
    return (name, readable(f"{kind}:{name}")) if kind else (name,)


def _part(model: type[Any], entry: tuple[int, dict[str, Any]], where: str) -> Any:
    line, raw = entry
    return validated(model, raw, where, expected=EXPECTS, at=f"line {line}")


def _kinds(entries: Iterable[str]) -> str:
    return readable(", ".join(sorted(entries))[:100]) or "none"


ADAPTER = Adapter(title="garak", expects=EXPECTS, read=read)
