"""The control map: which controls of laws, standards and catalogues the evidence of a kind of check supports.

The map of this package is `controls.yaml` beside this module; a policy adds files of the same form (`archive.controls`). The
whole map of a run is stored with it, so that an archive says years later what its checks were taken to support.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_governance.contract.result import Artifact, canonical_json
from model_governance.errors import EvidenceError, PolicyError
from model_governance.policy.load import located, read_source
from model_governance.policy.mistakes import root_mistakes
from model_governance.policy.position import closest, spell
from model_governance.policy.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from model_governance.policy import Policy
    from model_governance.policy.position import Path as Place

CONTROLS_SCHEMA = "model-governance/controls/v1"
BUILT_IN = Path(__file__).with_name("controls.yaml")
FILE = "controls.json"
"""Name of the stored map among the subjects of a link."""

Id = Annotated[str, Field(min_length=3, max_length=100, pattern=r"^[^\s:]+:[ -~]+$")]
Verified = Literal["primary", "secondary", "unverified"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Catalog(_Part):
    """A law, a standard or a catalogue of threats that names controls."""

    title: str = Field(min_length=1, description="full name")
    verified: Verified = Field(description="how its title was checked: primary, secondary or unverified")
    version: str = Field(default="", description="version that the ids are those of")
    source: str = Field(default="", description="where ids and titles were read")
    note: str = Field(default="", description="what a reader must know")
    status: str = Field(default="", description="such as superseded")
    supersedes: tuple[str, ...] = Field(default=(), description="catalogues that it replaces")


class Control(_Part):
    """A control: an article, clause, subcategory, topic, technique or threat of a catalogue."""

    title: str = Field(min_length=1, description="its title, or the opening words of its text")
    verified: Verified = Field(description="how id and title were checked: primary, secondary or unverified")
    note: str = Field(default="", description="what a reader must know")


class ControlMap(_Part):
    """Catalogues, their controls, and which of them a kind of check supports."""

    map_schema: Literal["model-governance/controls/v1"] = Field(alias="schema", description=CONTROLS_SCHEMA)
    version: str = Field(min_length=1, description="version of the map")
    source: str = Field(min_length=1, description="where it comes from, and of when")
    catalogs: Mapping[str, Catalog] = Field(default={}, description="catalogues by name")
    controls: Mapping[Id, Control] = Field(default={}, description="controls by CATALOGUE:ID")
    checks: Mapping[str, tuple[Id, ...]] = Field(default={}, description="controls that a kind of check supports")
    evidence_archive: tuple[Id, ...] = Field(
        default=(), description="controls that every run supports because it is archived"
    )
    retention_defaults_days: Mapping[str, int] = Field(default={}, description="days that evidence is kept, by purpose")

    def controls_of(self, kind: str | None) -> tuple[str, ...]:
        """Ids of the controls that a kind of check supports; none for a kind that the map does not name."""
        return self.checks.get(kind or "", ())

    def kinds_of(self, control: str) -> tuple[str, ...]:
        """The kinds of checks that support a control."""
        return tuple(kind for kind, controls in self.checks.items() if control in controls)

    def listed(self, kind: str) -> list[dict[str, str]]:
        """`id` and `title` of the controls that a kind of check supports, as JSON types."""
        return [{"id": name, "title": self.controls[name].title} for name in self.controls_of(kind)]

    @cached_property
    def content(self) -> bytes:
        """The map as canonical JSON, which is what is stored."""
        return canonical_json(self.model_dump(mode="json", by_alias=True))

    @property
    def sha256(self) -> str:
        """Digest of `content`."""
        return hashlib.sha256(self.content).hexdigest()

    def artifact(self) -> Artifact:
        """The map as an object of the archive."""
        return Artifact(name=FILE, media_type="application/json", content=self.content)


@cache
def built_in_controls() -> ControlMap:
    """The map of this package."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return ControlMap.model_validate(yaml.load(BUILT_IN.read_bytes(), Loader=loader))  # noqa: S506 - a safe loader


def control_map(policy: Policy, kinds: Collection[str]) -> ControlMap:
    """The map of this package with the catalogues that a policy adds.

    Args:
        policy: names files under `archive.controls`, relative to its own folder.
        kinds: the kinds of checks there are.

    Raises:
        PolicyError: lists every mistake of these files, each with file, line and key.
    """
    whole = built_in_controls()
    for name in policy.archive.controls:
        whole = _joined(whole, policy.folder / name, kinds)
    return whole


def as_control_map(content: bytes, *, origin: str) -> ControlMap:
    """The map in these archived bytes.

    Raises:
        EvidenceError: they hold none of the version that this release reads; `origin` names them in messages.
    """
    try:
        return ControlMap.model_validate_json(content)
    except ValidationError as error:
        raise EvidenceError(
            f"{origin}: expected a control map, {CONTROLS_SCHEMA}, found other content ({error.error_count()} mistakes)"
        ) from error


def _joined(whole: ControlMap, path: Path, kinds: Collection[str]) -> ControlMap:
    """The map with what a file adds to it."""
    name = str(path)
    position, raw = read_yaml(read_source(path), name)
    try:
        added = ControlMap.model_validate(raw)
    except ValidationError as error:
        problems = [
            (position.known_part(mistake["loc"]), _sentence(mistake["loc"], mistake["msg"], mistake["type"]))
            for mistake in root_mistakes(error)
        ]
    else:
        problems = [*_taken(whole, added), *_dangling(whole, added, kinds)]
    if problems:
        raise PolicyError(
            located([(position.line(at), f"{spell(at)}: {text}" if at else text) for at, text in problems], name)
        )
    return ControlMap(
        schema=CONTROLS_SCHEMA,
        version=f"{whole.version} + {added.version}",
        source=f"{whole.source}; {added.source}",
        catalogs={**whole.catalogs, **added.catalogs},
        controls={**whole.controls, **added.controls},
        checks={
            kind: _united(whole.checks.get(kind, ()), added.checks.get(kind, ()))
            for kind in {**whole.checks, **added.checks}
        },
        evidence_archive=_united(whole.evidence_archive, added.evidence_archive),
        retention_defaults_days={**whole.retention_defaults_days, **added.retention_defaults_days},
    )


def _sentence(place: Sequence[str | int], message: str, kind: str) -> str:
    if kind == "missing":
        return f"{place[-1]} is missing"
    if kind == "extra_forbidden":
        return f"unknown key {str(place[-1])!r:.100}"
    return message if kind != "literal_error" or place != ("schema",) else f"expected {CONTROLS_SCHEMA}"


def _taken(whole: ControlMap, added: ControlMap) -> Iterator[tuple[Place, str]]:
    for name in added.catalogs:
        if name in whole.catalogs:
            yield ("catalogs", name), "the catalogue is there already; give yours another name"
    for name in added.controls:
        if name in whole.controls:
            yield ("controls", name), "the control is there already; list it under checks without defining it again"
        elif name.partition(":")[0] not in {**whole.catalogs, **added.catalogs}:
            yield ("controls", name), f"no catalogue {name.partition(':')[0]!r:.100}; add it under catalogs"


def _dangling(whole: ControlMap, added: ControlMap, kinds: Collection[str]) -> Iterator[tuple[Place, str]]:
    known = {**whole.controls, **added.controls}
    for kind, named in added.checks.items():
        if kind not in kinds:
            yield ("checks", kind), f"no kind of check {kind!r:.100}{closest(kind, kinds)}"
        yield from _unknown(("checks", kind), named, known)
    yield from _unknown(("evidence_archive",), added.evidence_archive, known)


def _unknown(place: Place, named: Sequence[str], known: Collection[str]) -> Iterator[tuple[Place, str]]:
    for number, control in enumerate(named):
        if control not in known:
            yield (*place, number), f"no control {control!r:.100}; add it under controls with its title"


def _united(*ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(control for some in ids for control in some))
