"""What each column of a reference is for: feature, label, key, moment, group, item, or nothing that a model may learn from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.authoring.column_content import (
    distinct,
    is_constant,
    is_key_like,
    is_moment,
    is_nested,
    label_twin,
    parts_of_label,
)  # fmt: skip
from model_governance.checks.quality.model_quality.suggest_params import quantile_columns
from model_governance.contract.subject import Columns, Feature
from model_governance.engine.column_kinds import NUMBERS, UNUSABLE, WHAT, is_free_text, kind_of_series
from model_governance.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from model_governance.authoring.model_facts import ModelFacts
    from model_governance.contract.subject import ColumnKind, Task

GROUP_NAME = re.compile(
    r"(?i)(qid|quer|session|search|user|customer|visitor|member|impression|request|group|slate|race|individual|person)"
)
ITEM_NAME = re.compile(
    r"(?i)(item|product|doc|movie|film|book|song|track|video|article|sku|asin|offer|hotel|listing|candidate|url|page|"
    r"content|recipe|game|mode|alternative|brand|ad$|ad_)"
)
TIME_NAME = re.compile(
    r"(?i)(^|_)(time|timestamp|date|datetime|day|week|month|quarter|year|period|step|moment|ds|ts|t)($|_)"
)
SERIES_NAME = re.compile(
    r"(?i)(series|store|shop|sku|item|product|sensor|station|site|region|country|firm|customer|meter|id$|key$)"
)
MOST_CODES = 2
"""Whole numbers with at most this many values are codes of a category; more of them may be amounts or counts."""
ROW_KEY_ROWS = 20
TWIN = "label twin"
QUANTILE = "quantile forecast"
UNKNOWN = "the model does not know it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Roles that the user named: columns, and the positive label as its text."""

    target: str | None = None
    positive: str | None = None
    group: str | None = None
    item: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The columns of the draft, why every other column of the reference is none of them, and remarks by column or role."""

    columns: Columns
    left_out: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


def assign_roles(
    frame: pd.DataFrame, facts: ModelFacts, *, task: Task, asked: Asked, positive: tuple[Any, str] | None
) -> Roles:
    """The roles of all columns of a reference.

    Args:
        frame: rows of the reference, shape (n, d).
        facts: what the model's file says.
        task: what the model predicts; ranking has a group and an item, forecasting a moment and a series.
        asked: what the user named; it goes before every guess.
        positive: the positive label and why, for two classes.

    Raises:
        PolicyError: the reference lacks a column that the model or the user names, or no column can be the group of a
            ranking or the moment of a forecast.
    """
    target = asked.target
    features = _named_features(frame, facts, target=target)
    others = [str(name) for name in frame.columns if name != target and name not in features]
    reasons = _reasons(frame, target)
    remarks: dict[str, str] = {}
    if not features:
        roles = _task_roles(frame, others, task=task, asked=asked)
        features = _guessed_features(frame, [name for name in others if name not in roles.values()], reasons, facts)
        remarks["features"] = _remark_on_guess(features, facts)
    else:
        roles = _task_roles(frame, others, task=task, asked=asked, features=features)
    _refuse_two_roles(roles, features, target=target)
    unused = [name for name in others if name not in features and name not in roles.values()]
    identifier = next((name for name in unused if _is_identifier(name, frame[name])), None)
    if task == "forecasting":
        published = quantile_columns(frame, Columns(features={name: Feature(kind="numeric") for name in features}))
        reasons |= {name: f"{QUANTILE} of {share:g}, judged by model_quality" for share, name in published.items()}
    left_out = {name: reasons.get(name) or UNKNOWN for name in unused if name != identifier}
    for name in features:
        if reasons.get(name, "").startswith(TWIN):
            remarks[name] = f"{reasons[name]}: can it be known when the model is asked?"
    if positive is not None:
        remarks["positive"] = positive[1]
    columns = Columns(
        features={name: Feature(kind=kind_of(name, frame[name], facts)) for name in features},
        target=target, positive=None if positive is None else positive[0], identifier=identifier, **roles,
    )  # fmt: skip
    return Roles(columns=columns, left_out=left_out, remarks=remarks)


def _named_features(frame: pd.DataFrame, facts: ModelFacts, *, target: str | None) -> tuple[str, ...]:
    """The model's own names, as the reference spells them; empty where the model knows none."""
    # LightGBM writes an underscore for each blank of a name.
    spelled = {name.replace(" ", "_"): name for name in frame.columns}
    names = tuple(name if name in frame.columns else spelled.get(name, name) for name in facts.names)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        found = ", ".join(frame.columns)
        text = f"the reference lacks {', '.join(missing)}, on which the model was trained; there are {found}"
        raise PolicyError([f"{text}; give rows with every input of the model, or the model that fits"])
    if target in names:
        raise PolicyError(
            [f"--target {target}: the model takes this column as an input; name the column of the labels"]
        )
    nested = [name for name in names if is_nested(frame[name])]
    if nested:
        raise PolicyError(
            [f"column {nested[0]} holds lists or structures, which no check can compare; flatten it upstream"]
        )
    return names


def _refuse_two_roles(roles: Mapping[str, str], features: Sequence[str], *, target: str | None) -> None:
    """No column is the label and a group, item or moment too, and no feature is the group.

    Raises:
        PolicyError: one is.
    """
    for role, name in roles.items():
        if name == target:
            raise PolicyError([f"--{role} {name}: is the column of the labels too; name another"])
        if role == "group" and name in features:
            text = f"--group {name}: the model takes this column as an input, and a group is none"
            raise PolicyError([f"{text}; give the rows a copy of it under another name"])


def _reasons(frame: pd.DataFrame, target: str | None) -> dict[str, str]:
    """What a column is that a model should not learn from; columns without a reason are not in it."""
    labels = frame[target] if target is not None else None
    reasons: dict[str, str] = {}
    for name in frame.columns:
        column = frame[name]
        if name == target:
            continue
        kind = kind_of_series(column)
        if kind in UNUSABLE:
            reasons[name] = f"holds {WHAT[kind]}, which no check compares"
        elif is_constant(column):
            reasons[name] = "constant: the same value in every row"
        elif is_moment(name, column):
            reasons[name] = "a moment in time"
        elif labels is not None and (twin := label_twin(column, labels)):
            reasons[name] = f"{TWIN}: {twin}"
        elif is_key_like(name, column):
            per_value = len(column) / max(1, distinct(column))
            several = f", {per_value:.1f} rows a value: columns.entity, if rows of one value depend on one another"
            reasons[name] = "named like a key" + (several if per_value > 1 else "")
    if labels is not None:
        reasons |= {name: f"{TWIN}: {text}" for name, text in parts_of_label(frame, labels, known=reasons).items()}
    return reasons


def _guessed_features(
    frame: pd.DataFrame, candidates: Sequence[str], reasons: Mapping[str, str], facts: ModelFacts
) -> tuple[str, ...]:
    """Every column without a reason against it; all of them where only then their number is the model's.

    Raises:
        PolicyError: no column is left.
    """
    chosen = tuple(name for name in candidates if name not in reasons and not _is_identifier(name, frame[name]))
    if facts.count is not None and len(chosen) != facts.count:
        usable = tuple(name for name in candidates if not is_nested(frame[name]))
        without_keys = tuple(name for name in usable if not _is_identifier(name, frame[name]))
        chosen = next((some for some in (usable, without_keys) if len(some) == facts.count), chosen)
    if not chosen:
        told = "; ".join(f"{name}: {reasons.get(name, 'another text in every row')}" for name in candidates)
        raise PolicyError([f"the reference holds no column that could be a feature ({told or 'only the label'})"])
    return chosen


def _remark_on_guess(features: Sequence[str], facts: ModelFacts) -> str:
    if facts.count is not None and facts.count == len(features):
        return (
            f"the model knows no names but takes {facts.count} columns: compare their order with that of its training"
        )
    if facts.count is not None:
        return f"TODO: the model takes {facts.count} columns without names, and these are {len(features)}: keep the right ones"
    why = facts.obstacle or "the file names none"
    return f"TODO: the model's own names were not read ({why}): keep exactly the columns that it was trained on, in their order"


def _task_roles(
    frame: pd.DataFrame, others: Sequence[str], *, task: Task, asked: Asked, features: Sequence[str] = ()
) -> dict[str, str]:
    """Group and item of a ranking, moment and series of a forecast, by role."""
    if task == "ranking":
        group = asked.group or _group_of_ranking(frame, others)
        if group is None:
            raise PolicyError([_ask("ranking", "is the query or session of a row", "--group", others)])
        item = asked.item or _item_of(frame, [name for name in others if name != group], group)
        return {"group": group, **({"item": item} if item else {})}
    if task == "forecasting":
        time = asked.time or _time_of(frame, [*others, *features])
        if time is None:
            raise PolicyError([_ask("forecasting", "holds the moment that a row forecasts", "--time", others)])
        group = asked.group or _series_of(frame, [name for name in others if name != time], time)
        return {"time": time, **({"group": group} if group else {})}
    return {}


def _ask(task: str, what: str, option: str, others: Sequence[str]) -> str:
    found = ", ".join(others) or "none besides features and label"
    return f"--task {task}: no column looks as if it {what}; name it with {option} (columns to choose from: {found})"


def _group_of_ranking(frame: pd.DataFrame, others: Sequence[str]) -> str | None:
    """A column with several rows of most values, those first that are called like a query or a session."""
    several = [
        name for name in others
        if not is_nested(frame[name]) and frame[name].notna().all() and 1 < distinct(frame[name]) <= len(frame) / 2
    ]  # fmt: skip
    by_name = [name for name in several if GROUP_NAME.search(name) and not ITEM_NAME.search(name)]
    keys = [name for name in several if is_key_like(name, frame[name]) and not ITEM_NAME.search(name)]
    return next(iter([*by_name, *keys]), several[0] if len(several) == 1 else None)


def _item_of(frame: pd.DataFrame, others: Sequence[str], group: str) -> str | None:
    """A column with another value in every row of a group, that comes back in other groups."""
    offered = [
        name for name in others
        if not is_nested(frame[name]) and frame[name].notna().all() and 1 < distinct(frame[name]) < len(frame)
        and not frame.duplicated(subset=[group, name]).any()
    ]  # fmt: skip
    by_name = [name for name in offered if ITEM_NAME.search(name)]
    keys = [name for name in offered if is_key_like(name, frame[name])]
    return next(iter([*by_name, *keys]), None)


def _time_of(frame: pd.DataFrame, names: Sequence[str]) -> str | None:
    moments = [name for name in names if not is_nested(frame[name]) and is_moment(name, frame[name])]
    by_name = [name for name in names if TIME_NAME.search(name) and frame[name].dtype.kind in "iu"]
    return next(iter([*moments, *by_name]), None)


def _series_of(frame: pd.DataFrame, others: Sequence[str], time: str) -> str | None:
    """What tells rows of one moment apart; None where every moment has one row."""
    if not frame[time].duplicated().any():
        return None
    telling = [
        name for name in others
        if not is_nested(frame[name]) and frame[name].notna().all() and 1 < distinct(frame[name]) < len(frame)
        and not frame.duplicated(subset=[name, time]).any()
    ]  # fmt: skip
    return next(iter([*(name for name in telling if SERIES_NAME.search(name)), *telling]), None)


def _is_identifier(name: str, column: pd.Series) -> bool:
    """A key of the rows: another value in every row, of a column that is called like a key or holds texts."""
    if is_nested(column) or column.isna().any() or column.duplicated().any():
        return False
    has_texts = column.dtype.kind not in "iufbmM" and len(column) >= ROW_KEY_ROWS and not is_moment(name, column)
    return is_key_like(name, column) or has_texts


def kind_of(name: str, column: pd.Series, facts: ModelFacts) -> ColumnKind:
    """The kind of a feature: as the model treats it, else by its values.

    Whole numbers are numbers, however few of them there are: amounts and counts take few values too, and a set of the
    values seen would refuse the next one.
    """
    values, kind = column.dropna(), kind_of_series(column)
    count = distinct(column)
    if kind == "boolean":
        return "boolean"
    if kind in ("date", "time"):
        return "datetime"
    if name in facts.coded:
        return "category"
    if kind in NUMBERS:
        is_whole = kind == "integer" or bool((values.astype(float) % 1 == 0).all())
        if is_whole and count <= MOST_CODES and name not in facts.counted:
            return "category"
        return "integer" if is_whole else "numeric"
    is_category = isinstance(column.dtype, _categorical()) or not is_free_text(count, len(column))
    return "category" if is_category else "text"


def _categorical() -> type:
    import pandas as pd

    return pd.CategoricalDtype
