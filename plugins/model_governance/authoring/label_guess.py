"""What the labels of a reference say: the task, and which of two labels is the positive one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.errors import PolicyError

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.authoring.model_facts import ModelFacts
    from model_governance.contract.subject import Task

MOST_CLASSES = 20
POSITIVE_WORDS = frozenset(
    [
        "true",
        "t",
        "yes",
        "y",
        "bad",
        "positive",
        "pos",
        "default",
        "defaulted",
        "fraud",
        "fraudulent",
        "churn",
        "churned",
        "late",
        "malignant",
        "sick",
        "ill",
        "disease",
        "spam",
        "fail",
        "failed",
        "failure",
        "faulty",
        "defect",
        "anomaly",
        "abnormal",
        "attack",
        "dead",
        "died",
        "event",
        "click",
        "clicked",
        "converted",
    ]
)
NEGATIVE_WORDS = frozenset(
    [
        "0",
        "-1",
        "false",
        "f",
        "no",
        "n",
        "good",
        "negative",
        "neg",
        "none",
        "paid",
        "legit",
        "legitimate",
        "genuine",
        "stayed",
        "benign",
        "healthy",
        "well",
        "ham",
        "ok",
        "pass",
        "passed",
        "normal",
        "alive",
        "never",
    ]
)


def guess_task(asked: Task | None, facts: ModelFacts, labels: pd.Series | None) -> Task:
    """The task that was asked for, else that of the model, else that of the labels.

    Raises:
        PolicyError: the model cannot be for the task that was asked for.
    """
    if asked is not None:
        _refuse_another(asked, facts)
        return asked
    if facts.task is not None:
        return facts.task
    if labels is None:
        return "regression" if facts.answers_numbers else "binary_classification"
    if facts.answers_numbers or looks_numeric(labels):
        return "regression"
    return "binary_classification" if labels.nunique() <= 2 else "multiclass_classification"


def _refuse_another(asked: Task, facts: ModelFacts) -> None:
    is_classifier = facts.task in ("binary_classification", "multiclass_classification")
    wants_classes = asked in ("binary_classification", "multiclass_classification")
    if (is_classifier and asked != facts.task) or (wants_classes and facts.answers_numbers):
        classes = f" of the classes {', '.join(map(repr, facts.classes[:20]))}" if facts.classes else ""
        found = f"a classifier{classes}" if is_classifier else "a regressor"
        remedy = f"write --task {facts.task}, or leave it out" if facts.task else "leave it out"
        raise PolicyError([f"--task {asked}: the model is {found}; {remedy}"])


def looks_numeric(labels: pd.Series) -> bool:
    """Labels of a regression: numbers that are no whole ones, or too many to be classes."""
    from pandas.api import types

    if not types.is_numeric_dtype(labels) or types.is_bool_dtype(labels):
        return False
    known = labels.dropna().astype(float)
    return bool((known % 1 != 0).any()) or known.nunique() > MOST_CLASSES


def positive_label(labels: pd.Series, *, asked: str | None) -> tuple[Any, str]:
    """The positive of two labels and how it was found, as a comment.

    Args:
        labels: labels of the reference, missing ones left out of account.
        asked: the positive label as text; None leaves it to a guess.

    Raises:
        PolicyError: there are not two labels, or none is the one that was asked for.
    """
    shares = labels.value_counts(normalize=True)
    shown = ", ".join(f"{_plain(label)} ({share:.1%})" for label, share in list(shares.items())[:10])
    if len(shares) != 2:
        text = f"--target {labels.name}: binary classification has two labels, and the reference holds {len(shares)}"
        raise PolicyError([f"{text}: {shown}; name the column of the labels, or another --task"])
    found = [_plain(label) for label in shares.index]
    if asked is not None:
        chosen = [label for label in found if str(label) == asked]
        if not chosen:
            raise PolicyError([f"--positive {asked}: is none of the labels {shown}"])
        return chosen[0], f"the other label is {_other(found, chosen[0])}; it decides what recall and precision are of"
    label, why = _guess(found)
    return (
        label,
        f"guessed ({why}) among {shown}; it decides what recall and precision are of: --positive names another",
    )


def _guess(found: list[Any]) -> tuple[Any, str]:
    """The positive label of two, the more frequent first."""
    words = [str(label).strip().lower() for label in found]
    for place in (0, 1):
        if words[place] in POSITIVE_WORDS and words[1 - place] not in POSITIVE_WORDS:
            return found[place], "by its name"
        if words[1 - place] in NEGATIVE_WORDS and words[place] not in NEGATIVE_WORDS:
            return found[place], "by the name of the other"
    return found[1], "the rarer one"


def _other(found: list[Any], chosen: Any) -> Any:
    return next(label for label in found if label is not chosen)


def _plain(label: Any) -> Any:
    """The label as YAML writes it; a whole float (labels with gaps) as an integer."""
    label = label.item() if hasattr(label, "item") else label
    return int(label) if isinstance(label, float) and label.is_integer() else label
