"""The threat model of a policy: which columns an attacker can change, to which values, and at what cost.

Attacks ask only about rows that it allows, so that every number they report is about rows the world could
send. Capability and cost are separated as in Kireev, Kulynych and Troncoso (2023, NDSS).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model_governance.contract.relations import Relation, dependents, relation_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    Problem = tuple[tuple[str | int, ...], str]

Direction = Literal["up", "down"]
Preset = Literal["fraud", "credit_applicant", "sensor"]
Scalar = bool | int | float | str
# Values by the value a row has now, or one list for every row, or any value that the data show, or none.
CategoryMoves = Literal["any", "none"] | tuple[Scalar, ...] | dict[Scalar, tuple[Scalar, ...]]

CharacterEdit = Literal["delete", "swap", "keyboard", "homoglyph", "insert_space"]
WordEdit = Literal["drop_word", "swap_words"]
TextEdit = CharacterEdit | WordEdit

NUMBERS = frozenset({"numeric", "integer"})
TEXTS = frozenset({"text"})
CHARACTER_EDITS: tuple[CharacterEdit, ...] = get_args(CharacterEdit)
WORD_EDITS: tuple[WordEdit, ...] = get_args(WordEdit)
MOST_EDITS = 50
NO_EDITS = "name edits and the most of them (max_characters, max_words), or remove it"
CATEGORIES = frozenset({"category", "boolean"})
MEANINGS: Mapping[Preset, str] = {
    "fraud": "the attacker chooses every column of `mutable` freely, categories too; all others stay; frauds that are caught today are attacked",
    "credit_applicant": "a person changes the columns of `mutable`, and those of `increase_only` upwards only; all others stay; rows that are predicted positive are attacked",
    "sensor": "every number may be off within its range; categories stay",
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FeatureThreat(_Part):
    """What an attacker can do to one feature; what is not said follows the preset, then `columns.features`."""

    mutable: bool | None = Field(default=None, description="false: it stays; true: it moves whatever the preset says")
    minimum: float | None = Field(default=None, description="lowest value of a number after the attack")
    maximum: float | None = Field(default=None, description="highest value of a number after the attack")
    step: float | None = Field(default=None, gt=0, description="a number moves to multiples of it only; 1 for integers")
    direction: Direction | None = Field(default=None, description="a number that can only go up, or only down")
    moves: CategoryMoves | None = Field(
        default=None,
        description="a category: any (value seen in the data), none, a list of values, or a list per present value",
    )
    cost: float | None = Field(
        default=None,
        ge=0,
        description="norm cost only: of crossing the whole range of a number, of one change of a category, or of one edit of a "
        "text; 1 by default",
    )

    may_be_omitted: bool | None = Field(
        default=None, description="the attacker can leave the value out; without it, a value never becomes missing"
    )
    may_be_filled: bool | None = Field(
        default=None,
        description="a missing value can become one that the data show (of a number at most 32 of them, spread evenly); "
        "without it, a missing value stays missing",
    )
    edits: tuple[TextEdit, ...] | None = Field(
        default=None,
        min_length=1,
        description="a text: what the attacker does to it. Of characters: delete one, swap two neighbours, replace one by a "
        "neighbouring key (keyboard) or by a look-alike of another alphabet (homoglyph), insert_space into a word; of words: "
        "drop_word, swap_words (two neighbours)",
    )
    max_characters: int | None = Field(
        default=None, ge=1, le=MOST_EDITS, description="most edits of characters in one text"
    )
    max_words: int | None = Field(default=None, ge=1, le=MOST_EDITS, description="most edits of words in one text")

    @model_validator(mode="after")
    def _edits_have_budgets(self) -> FeatureThreat:
        edits = self.edits or ()
        if len(set(edits)) != len(edits):
            raise ValueError(f"edits lists one twice: {', '.join(edits)}")
        for word, most, known in (
            ("max_characters", self.max_characters, CHARACTER_EDITS),
            ("max_words", self.max_words, WORD_EDITS),
        ):
            named = [edit for edit in edits if edit in known]
            if most is not None and not named:
                raise ValueError(
                    f"{word} bounds edits that edits does not name; add one of {', '.join(known)} there, or remove it"
                )
            if named and most is None:
                raise ValueError(
                    f"edits names {', '.join(named)} without a budget; add {word}, the most of them in one text"
                )
        return self

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> FeatureThreat:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        number_words = [word for word in ("minimum", "maximum", "step", "direction") if getattr(self, word) is not None]
        if self.moves is not None and number_words:
            raise ValueError(f"moves is for categories and {', '.join(number_words)} for numbers; keep one of them")
        if self.moves == () or self.moves == {}:
            raise ValueError("moves is empty; write none where the value stays")
        if isinstance(self.moves, dict) and all(set(to) <= {own} for own, to in self.moves.items()):
            raise ValueError("moves leads from each value to itself only; name other values, or write none")
        said = [*number_words, *(["moves"] if self.moves not in (None, "none") else []), *_if(self.cost, "cost")]
        said += [word for word in ("may_be_omitted", "may_be_filled", "edits") if getattr(self, word)]
        if self.mutable is False and said:
            raise ValueError(f"mutable: false leaves nothing to say with {', '.join(said)}")
        return self


def _if(value: object, word: str) -> list[str]:
    return [] if value is None else [word]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What holds for one feature once preset, feature entry and columns are put together.

    `moves` says whether it may change at all, `why` gives the reason where it may not. `allowed` is for
    categories: "any" value seen, the same values for all, or values by present value. `edits` of a text come with the most of
    them, 0 where none are named.
    """

    moves: bool
    why: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    direction: Direction | None = None
    allowed: CategoryMoves = "any"
    cost: float = 1.0
    may_be_omitted: bool = False
    may_be_filled: bool = False
    edits: tuple[TextEdit, ...] = ()
    max_characters: int = 0
    max_words: int = 0


class ThreatModel(_Part):
    """Who attacks, and what they can change.

    Without preset and `mutable`, every feature moves whose column is mutable, as `columns.features` says.
    """

    preset: Preset | None = Field(
        default=None, description="; ".join(f"{name}: {meaning}" for name, meaning in MEANINGS.items())
    )
    mutable: tuple[str, ...] = Field(default=(), description="the features an attacker can change; all others stay")
    increase_only: tuple[str, ...] = Field(default=(), description="numbers an attacker can raise and never lower")
    features: dict[str, FeatureThreat] = Field(default_factory=dict, description="what differs from that, by feature")
    relations: tuple[Relation, ...] = Field(
        default=(),
        description="what holds between columns whatever an attacker sends; every row that an attack asks about obeys",
    )

    @model_validator(mode="after")
    def _presets_have_what_they_need(self) -> ThreatModel:
        if self.preset in ("fraud", "credit_applicant") and not (self.mutable or self.increase_only):
            raise ValueError(f"preset {self.preset} needs mutable: the features that the attacker can change")
        for word in ("mutable", "increase_only"):
            names = getattr(self, word)
            if len(set(names)) != len(names):
                raise ValueError(f"{word} names a feature twice: {', '.join(names)}")
        for name, entry in self.features.items():
            if self.listed and name not in self.listed and entry.mutable is None:
                raise ValueError(
                    f"features.{name} is not in threat_model.mutable, so it stays; add it there or say mutable: true"
                )
        return self

    @property
    def listed(self) -> tuple[str, ...]:
        """The features that move because they are named; empty where the columns decide."""
        return (*self.mutable, *(name for name in self.increase_only if name not in self.mutable))

    @property
    def stated(self) -> bool:
        """Whether the policy says anything about the attacker."""
        return self != ThreatModel()

    def capability(
        self, name: str, *, kind: str, mutable: bool = True, categories: Literal["any", "none"] = "none"
    ) -> Capability:
        """What an attacker can do to a feature of this kind.

        `mutable` is what `columns.features` says, `categories` what holds for a category that neither
        preset nor feature entry speaks of.
        """
        entry = self.features.get(name, FeatureThreat())
        why = self._why_it_stays(name, entry, kind, mutable=mutable)
        if why:
            return Capability(moves=False, why=why)
        allowed = entry.moves if entry.moves is not None else self._category_moves(name, entry, categories)
        if kind in CATEGORIES and allowed == "none" and not (entry.may_be_omitted or entry.may_be_filled):
            return Capability(moves=False, why="categories are fixed")
        return Capability(
            moves=True,
            minimum=entry.minimum,
            maximum=entry.maximum,
            step=entry.step,
            direction=entry.direction or ("up" if name in self.increase_only else None),
            allowed=allowed,
            cost=1.0 if entry.cost is None else entry.cost,
            may_be_omitted=bool(entry.may_be_omitted),
            may_be_filled=bool(entry.may_be_filled),
            edits=entry.edits or (),
            max_characters=entry.max_characters or 0,
            max_words=entry.max_words or 0,
        )

    def _why_it_stays(self, name: str, entry: FeatureThreat, kind: str, *, mutable: bool) -> str:
        """The reason why a feature stays as it is; empty where it may move."""
        if kind not in NUMBERS | CATEGORIES | TEXTS:
            return f"{kind} is never moved"
        follows = dependents(self.relations).get(name)
        if follows is not None:
            return f"recomputed: {follows}"
        if kind in TEXTS and entry.edits is None:
            return "text without edits in the threat model"
        if entry.mutable is not None:
            return "" if entry.mutable else "immutable"
        if not mutable:
            return "immutable"
        if self.preset == "sensor" and kind in CATEGORIES and entry.moves is None and name not in self.mutable:
            return "categories are fixed"
        if self.listed and name not in self.listed:
            return "not controlled by the attacker"
        return ""

    def _category_moves(
        self, name: str, entry: FeatureThreat, otherwise: Literal["any", "none"]
    ) -> Literal["any", "none"]:
        return "any" if entry.mutable or name in self.mutable else otherwise

    def problems(
        self,
        kinds: Mapping[str, str],
        *,
        immutable: Collection[str] = (),
        ranges: Mapping[str, tuple[float | None, float | None]] = {},
    ) -> Iterator[Problem]:
        """Where it disagrees with the features of `columns`: (path below threat_model, sentence).

        `kinds` gives the kind of every feature, `immutable` the features that `columns` calls not mutable, `ranges` the
        minimum and maximum that `columns` states.
        """
        for word in ("mutable", "increase_only"):
            yield from (
                ((word,), f"{name!r} is not in columns.features") for name in getattr(self, word) if name not in kinds
            )
        for name in self.listed:
            word = "mutable" if name in self.mutable else "increase_only"
            if name in immutable and self.features.get(name, FeatureThreat()).mutable is None:
                yield (word,), f"{name!r} is not mutable in columns.features; remove it in one of the two places"
            if word == "mutable" and kinds.get(name, "numeric") not in NUMBERS | CATEGORIES | TEXTS:
                yield (word,), f"{name!r} is {kinds[name]}, which attacks never move; remove it"
        for name in self.increase_only:
            if kinds.get(name, "numeric") not in NUMBERS:
                yield ("increase_only",), f"{name!r} is {kinds[name]}; only numbers can increase"
            if name in self.features and self.features[name].direction == "down":
                yield ("features", name, "direction"), "down, while `increase_only` says up"
        for name, entry in self.features.items():
            yield from _feature_problems(("features", name), entry, kinds.get(name))
            if kinds.get(name) in NUMBERS:
                own = ranges.get(name, (None, None))
                yield from _range_problems(("features", name), entry, own, whole=kinds[name] == "integer")
        yield from self._problems_of_texts(kinds, immutable)
        yield from relation_problems(self.relations, kinds, moved=self._moved)

    def _problems_of_texts(self, kinds: Mapping[str, str], immutable: Collection[str]) -> Iterator[Problem]:
        """Texts that would stay although the policy wants them to move."""
        for name in self.mutable:
            if kinds.get(name) in TEXTS and name not in self.features:
                text = (
                    f"{name!r} is text, and threat_model.features.{name} names no edits, so it would stay; {NO_EDITS}"
                )
                yield ("mutable",), text
        for name, entry in self.features.items():
            if entry.edits is not None and entry.mutable is None and name in immutable:
                text = "it names edits, and columns.features says not mutable, so it would stay; remove one of the two"
                yield ("features", name, "edits"), text

    @property
    def _moved(self) -> dict[str, tuple[str, ...]]:
        """The places that let a feature move by name."""
        moved: dict[str, tuple[str, ...]] = {
            name: ("features", name) for name, entry in self.features.items() if entry.mutable is not False
        }
        return moved | {name: ("mutable" if name in self.mutable else "increase_only",) for name in self.listed}


def _feature_problems(path: tuple[str, ...], entry: FeatureThreat, kind: str | None) -> Iterator[Problem]:
    if kind is None:
        yield path, f"{path[-1]!r} is not in columns.features"
        return
    if kind not in TEXTS and entry.edits is not None:
        yield (*path, "edits"), f"edits fits text, and this feature is {kind}; remove it"
    if kind in TEXTS:
        yield from _text_problems(path, entry)
        return
    if kind not in NUMBERS | CATEGORIES:
        if entry.mutable is not False:
            yield path, f"it is {kind}, which attacks never move; remove it or say mutable: false"
        return
    for word in ("minimum", "maximum", "step", "direction"):
        if kind in CATEGORIES and getattr(entry, word) is not None:
            yield (*path, word), f"{word} fits numbers, and this feature is {kind}; use moves"
    if kind in NUMBERS and entry.moves is not None:
        yield (*path, "moves"), f"moves fits categories, and this feature is {kind}; use minimum, maximum, direction"
    if kind == "integer" and entry.step is not None and entry.step != int(entry.step):
        yield (*path, "step"), f"{entry.step:g} is no whole number, and this feature is integer"


def _text_problems(path: tuple[str, ...], entry: FeatureThreat) -> Iterator[Problem]:
    if entry.edits is None and entry.mutable is not False:
        yield path, f"it is text and names no edits, so it would stay; {NO_EDITS}"
    for word in ("minimum", "maximum", "step", "direction", "moves", "may_be_omitted", "may_be_filled"):
        if getattr(entry, word) not in (None, False):
            yield (*path, word), f"{word} fits numbers or categories, and this feature is text; use edits"


def _range_problems(
    path: tuple[str, ...], entry: FeatureThreat, stated: tuple[float | None, float | None], *, whole: bool
) -> Iterator[Problem]:
    """Where nothing is left that a number could move to: the feature would stay, and every row would count as robust."""
    low, high = stated
    if entry.maximum is not None and low is not None and entry.maximum < low:
        yield (
            (*path, "maximum"),
            f"{entry.maximum:g} is below the minimum {low:g} of columns.features, so no value is left",
        )
        return
    if entry.minimum is not None and high is not None and entry.minimum > high:
        yield (
            (*path, "minimum"),
            f"{entry.minimum:g} is above the maximum {high:g} of columns.features, so no value is left",
        )
        return
    least = max((end for end in (low, entry.minimum) if end is not None), default=None)
    most = min((end for end in (high, entry.maximum) if end is not None), default=None)
    step = entry.step or (1.0 if whole else None)
    if least is None or most is None or step is None:
        return
    first = math.ceil(least / step - 1e-9) * step
    if first > most * (1 + 1e-9 * (1 if most > 0 else -1)):
        word = "step" if entry.step is not None else "minimum"
        text = f"no multiple of {step:g} lies between {least:g} and {most:g}, so no value is left"
        yield (*path, word), text
