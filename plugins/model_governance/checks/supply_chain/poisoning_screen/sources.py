"""Provenance: the share of each source, and sources that the accepted window does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.poisoning_screen.windows import difference
from model_governance.contract.result import Estimate
from model_governance.contract.slices import too_small
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from model_governance.contract.subject import Subject

MIN_ROWS = 10  # rows of both windows: smaller sources have no metric of their own
MAX_SOURCES = 50


def find_sources(subject: Subject, column: str) -> list[Estimate]:
    """Share of each source in all rows of the new window against the accepted one.

    Raises:
        SubjectError: a window lacks the column.
    """
    import pandas as pd

    words = {
        role: subject.frame(role, columns=[column])[column].astype("string").fillna("(missing)")
        for role in ("train", "previous_train")
    }
    new, old = (words[role].value_counts() for role in ("train", "previous_train"))
    sizes = len(words["train"]), len(words["previous_train"])
    both = pd.concat([new, old], axis=1).fillna(0).astype(int)
    both.columns = pd.Index(["new", "old"])
    both = both.sort_index()
    total = both.sum(axis=1)
    named = subject.keys_named("source_share_change")
    estimates = _too_rare(total, named)
    frequent = total[total >= MIN_ROWS].sort_values(ascending=False, kind="stable").index
    # A source that a threshold names is judged however many are larger.
    judged = {*frequent[:MAX_SOURCES], *(named & set(frequent))}
    estimates += [
        difference(
            "source_share_change", (int(both.loc[source, "new"]), sizes[0]), (int(both.loc[source, "old"]), sizes[1]),
            key=str(source), two_sided=True,
        )
        for source in sorted(judged)
    ]  # fmt: skip
    unknown = int(both.loc[both["old"] == 0, "new"].sum())
    estimates.append(
        Estimate(
            name="new_source_share", value=unknown / sizes[0], n=sizes[0],
            limits=ExactShare(successes=unknown, n=sizes[0]),
            detail=f"{int((both['old'] == 0).sum())} source(s) that the accepted window does not know",
        )
    )  # fmt: skip
    return estimates


def _too_rare(total: pd.Series, named: Iterable[str]) -> list[Estimate]:
    """The absent metrics of sources that a threshold names and that have too few rows."""
    counts = {name: int(total.get(name, 0)) for name in sorted(named)}
    return [
        Estimate(
            name="source_share_change", value=None, n=0, key=name, absence="uncertain" if count else "no_rows",
            reason=too_small(count, needed=MIN_ROWS, what="rows of both windows"),
        )
        for name, count in counts.items() if count < MIN_ROWS
    ]  # fmt: skip
