"""The page of the security bench: claims first, then the tables they rest on, all from the files of one run."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

LEVEL = 0.025
SEEDS, TARGETS = 5, 7
OURS, THEIRS = "ours, donor starts", "ART"


Part = tuple[str, "list[Claim]"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What was asked, what was measured, and whether that is enough."""

    what: str
    asked: str
    found: str
    holds: bool


def page(folder: Path, *, quick: bool = False) -> str:
    """The whole page."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    parts = [
        make(found) if any(name.startswith(prefix) for name in found) else _missing(title)
        for title, prefix, make in PARTS
    ]
    claims = [claim for part in parts for claim in part[1]]
    head = (
        "# Attacks and their peers, side by side\n\n"
        f"Written by `make bench PART=security`{' with --quick: not for quotation' if quick else ''}: one run, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, one thread each. ART 1.20.1, sacroml 2.0.1, "
        "foolbox 3.3.4, torchattacks 3.5.1, on the same models and in the same process as ours. CPU is process time: "
        "seconds serve to judge the ratios beside them."
    )
    return "\n\n".join([head, "## Claims", claims_table(claims), *(p[0] for p in parts)]) + "\n"


def _missing(title: str) -> Part:
    return f"## {title}\n\nNot measured in this run.", [Claim(title, "-", "not measured", holds=False)]


def claims_table(claims: Iterable[Claim]) -> str:
    """The claims with what was asked of them and what was measured."""
    rows = [(one.what, one.asked, one.found, "yes" if one.holds else "**no**") for one in claims]
    return table(("claim", "asked", "measured", "holds"), rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def _walks(found: dict[str, Any]) -> Part:
    rows, claims = [], []
    for key in (key for key in found if key.startswith("walk ")):
        _, name, norm = key.split()
        cell = found[key]
        art, ours = cell[THEIRS], cell[OURS]
        for who, one in cell.items():
            rows.append(
                (name, norm, who, _seconds(one["cpu"]), _number(art["cpu"] / one["cpu"], 1), _number(one["rows"], 0),
                 _number(one["calls"], 1), _number(one["flipped"], 2), _number(one["median"]))
            )  # fmt: skip
        times, asked = art["cpu"] / ours["cpu"], 20 if name == "RF" else 10
        nearer = None not in (ours["median"], art["median"]) and ours["median"] <= art["median"]
        claims.append(
            Claim(
                f"HopSkipJump, {name} {norm}: less CPU than ART at no more queries, median distance no worse",
                f"{asked} times, ≤ {_number(art['median'])}", f"{times:.1f} times, {_number(ours['median'])}",
                times >= asked and nearer and ours["flipped"] >= art["flipped"] and ours["rows"] <= art["rows"] + 1,
            )
        )  # fmt: skip
    text = (
        "## HopSkipJump\n\nBreast cancer (RF 100 trees, XGB 100 trees, 40 rows), digits (network 64-128-10, 50 rows), 10 "
        "iterations, 50 to 300 probes. Ours may ask what ART asked on average. ART is spared its float64 defect.\n\n"
    )
    header = (
        "model",
        "norm",
        "attack",
        "CPU s",
        "ART / it",
        "rows asked per sample",
        "calls per sample",
        "flipped",
        "median distance",
    )
    return text + table(header, rows), claims


def _auto(found: dict[str, Any]) -> Part:
    cell = found["auto"]
    art, ours = cell["ART"], cell["ours"]
    rows = [
        (
            who,
            _seconds(one["cpu"]),
            _number(art["cpu"] / one["cpu"], 1),
            _number(one["rows"], 0),
            _number(one["fooled"]),
        )
        for who, one in cell.items()
    ]
    times = art["cpu"] / ours["cpu"]
    claim = Claim(
        "AutoAttack: less CPU than ART at no lower success", f"10 times, ≥ {_number(art['fooled'])}",
        f"{times:.1f} times, {_number(ours['fooled'])}", times >= 10 and ours["fooled"] >= art["fooled"],
    )  # fmt: skip
    text = "## AutoAttack\n\nThe digits network, Linf within 0.1, rows that it classifies correctly; standard settings of each.\n\n"
    return text + table(("attack", "CPU s", "ART / it", "rows asked per sample", "fooled"), rows), [claim]


def _trees(found: dict[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("trees "): one for key, one in found.items() if key.startswith("trees ")}


def _moves(found: dict[str, Any]) -> Part:
    rows, claims = [], []
    for kind, word in (("XGB", "XGBoost"), ("RF", "a forest")):
        budgets = [(name, at) for name, one in _trees(found).items() if kind in name for at in one["budgets"]]
        valid, returned = sum(at["valid"] for _, at in budgets), sum(at["returned"] for _, at in budgets)
        gap = max(abs(at["exact"] - at["greedy"]) for _, at in budgets)
        rows += [
            (name, f"{at['epsilon']:g}", str(at["rows"]), _number(at["exact"]), _number(at["greedy"]), str(at["missed"]),
             f"{at['valid']} of {at['returned']}", _number(at["queries"], 0), _seconds(at["cpu"]))
            for name, at in budgets
        ]  # fmt: skip
        claims.append(
            Claim(
                f"Greedy valid moves on {word}: flip rate against the optimum, valid rows", "within 2 points, 100%",
                f"at most {100 * gap:.1f} points below, {100 * valid / max(1, returned):.0f}% of {returned}",
                gap <= 0.02 + 1e-9 and valid == returned > 0,
            )
        )  # fmt: skip
    text = (
        "## Valid moves\n\nCredit: age, marital status and records stay; census: the demo's columns and policy. Whole numbers, "
        "shares of a feature's range (Linf). Exact is the mixed-integer optimum over all valid rows. Missed: rows that can "
        "be flipped and were not.\n\n"
    )
    header = ("model", "epsilon", "rows", "exact", "greedy", "missed", "valid rows", "queries per row", "CPU s per row")
    return text + table(header, rows), claims


def _exact(found: dict[str, Any]) -> Part:
    cells = _trees(found)
    rows = [
        (name, str(one["trees"]), str(one["leaves"]), f"{one['solved']} of {one['samples']}", _seconds(one["solving"]),
         _seconds(one["bounding"]), _number(one["median"], 4), _number(one["bound"], 2), _number(one["greedy"], 2),
         _number(one["walked"], 2), str(one["out_of_order"]))
        for name, one in cells.items()
    ]  # fmt: skip
    wrong, total = sum(one["out_of_order"] for one in cells.values()), sum(one["samples"] for one in cells.values())
    solved = sum(one["solved"] for one in cells.values())
    claim = Claim(
        "Lower bound ≤ exact ≤ every attack, sample by sample", "always", f"{total - wrong} of {total}, {solved} solved",
        wrong == 0 and solved == total,
    )  # fmt: skip
    text = (
        "## Exact answers about trees\n\nMedians over the rows; bound, greedy and HopSkipJump as multiples of the exact distance "
        "(HopSkipJump returns valid rows too). Greedy here ran with all budgets of the model, and shrank what it found.\n\n"
    )
    header = ("model", "trees", "leaves", "solved", "exact, CPU s per row", "bound, CPU s per row", "exact distance", "bound",
              "greedy", "HopSkipJump", "out of order")  # fmt: skip
    return text + table(header, rows), [claim]


def _membership(found: dict[str, Any]) -> Part:
    targets: dict[str, list[dict[str, Any]]] = {}
    for key, one in found.items():
        if key.startswith("leak "):
            targets.setdefault(key.split(" ", 1)[1].rsplit(" ", 1)[0], []).append(one)
    rows, claims = [], []
    for target, seeds in targets.items():
        rows += [(target, name, *_spread(seeds, name)) for name in seeds[0]["attacks"]]
        if "over" in target:
            claims += _leaks(target, seeds)
    seeds = min(map(len, targets.values()))
    unfinished = (
        "" if seeds >= SEEDS and len(targets) == TARGETS else "**Unfinished: not every target and seed was measured.** "
    )
    text = (
        f"## Membership inference\n\n{unfinished}Means over {seeds} seeds (lowest to highest in brackets), each with its own split, target and "
        "reference models; members / non-members: adult 5,000 each, credit 2,000, mnist 2,200. ART's black-box attacks are "
        "fitted on half of them and scored on the other half. Rates by one rule for all: at most the allowed share of non-members "
        "above the threshold, ties against the attacker; concatenated over records, shared pool. N: reference models. CPU holds "
        "their training. Ensemble is the learned attack over what RMIA and LiRA see.\n\n"
    )
    header = ("target", "attack", "AUC", "TPR at 1%", "TPR at 0.1%", "CPU s")
    return text + table(header, rows), claims


def _means(seeds: Sequence[dict[str, Any]], name: str, what: str) -> float:
    return mean(one["attacks"][name][what] or 0.0 for one in seeds)


def _spread(seeds: Sequence[dict[str, Any]], name: str) -> tuple[str, ...]:
    low, high = (pick(one["attacks"][name]["tpr@0.001"] or 0.0 for one in seeds) for pick in (min, max))
    return (
        _number(_means(seeds, name, "auc")), _number(_means(seeds, name, "tpr@0.01")),
        f"{_means(seeds, name, 'tpr@0.001'):.4f} ({low:.4f} to {high:.4f})", _seconds(_means(seeds, name, "cpu")),
    )  # fmt: skip


def _leaks(target: str, seeds: Sequence[dict[str, Any]]) -> list[Claim]:
    """The number of reference models is chosen by cost alone: as many as ART's default attack would pay for."""
    names = list(seeds[0]["attacks"])
    arts = [one for one in names if one.startswith("ART")]
    best = max(_means(seeds, one, "tpr@0.001") for one in arts)
    paid = _means(seeds, "ART black box nn", "cpu")
    counts = [int(one.rsplit("=", 1)[1]) for one in names if one.startswith("ensemble")]
    affordable = [one for one in counts if _means(seeds, f"ensemble N={one}", "cpu") <= paid]
    chosen = f"ensemble N={max(affordable or counts[:1])}"
    rate, cost = _means(seeds, chosen, "tpr@0.001"), _means(seeds, chosen, "cpu")
    times = f"{rate / best:.0f} times" if best > 0 else "ART: none"
    sacroml = [one for one in names if one.startswith("sacroml")]
    equal = f"ensemble N={sacroml[0].rsplit('=', 1)[1]}"
    theirs, ours = max(_means(seeds, one, "tpr@0.001") for one in sacroml), _means(seeds, equal, "tpr@0.001")
    return [
        Claim(
            f"Membership, {target}: TPR at 0.1% against ART's best, CPU against ART's default ({chosen})",
            f"10 times {best:.4f}, ≤ {_seconds(paid)} s", f"{rate:.4f} ({times}), {_seconds(cost)} s",
            rate >= 10 * best and rate > 0 and cost <= paid,
        ),
        Claim(
            f"Membership, {target}: TPR at 0.1% ahead of sacroml's LiRA at equal N ({equal})", f"> {theirs:.4f}",
            f"{ours:.4f}", ours > theirs,
        ),
    ]  # fmt: skip


def _nulls(found: dict[str, Any]) -> Part:
    from scipy.stats import binom

    nights = [one for key, one in found.items() if key.startswith("null ")]
    names = list(nights[0])
    looks: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...] = (
        ("AUC", lambda one: one["alarm_auc"]), ("TPR at 1%", lambda one: one["alarm_tpr"]),
    )  # fmt: skip
    counts = {(name, look): sum(alarm(night[name]) for night in nights) for name in names for look, alarm in looks}
    most = int(binom.isf(0.05 / len(counts), len(nights), LEVEL))
    rows = [
        (name, *(str(counts[name, look]) for look, _ in looks), _number(mean(night[name]["auc"] for night in nights)),
         _number(mean(night[name]["tpr"] for night in nights), 4))
        for name in names
    ]  # fmt: skip
    claim = Claim(
        f"Membership, regularised models: false alarms in {len(nights)} null repetitions at 2.5% each",
        f"≤ {most} for every attack and look", f"at most {max(counts.values())}, {sum(counts.values())} of "
        f"{len(counts) * len(nights)} in all ({100 * sum(counts.values()) / (len(counts) * len(nights)):.1f}%)",
        max(counts.values()) <= most,
    )  # fmt: skip
    text = (
        f"## False alarms\n\nA regularised model that was trained on neither side, {len(nights)} times. Alarm: the 95% interval of "
        "the AUC lies above 0.5, or more members are named at 1% than in 97.5% of draws of membership by lot. "
        f"{LEVEL * len(nights):.1f} alarms are expected in each cell; more than {most} in any of {len(counts)} has a chance of 5%.\n\n"
    )
    header = ("attack", "alarms by AUC", "alarms by TPR", "mean AUC", "mean TPR at 1%")
    return text + table(header, rows), [claim]


# Title, how the names of its results begin, and what makes the part of the page.
PARTS = (
    ("HopSkipJump", "walk ", _walks),
    ("AutoAttack", "auto", _auto),
    ("Valid moves", "trees ", _moves),
    ("Exact answers about trees", "trees ", _exact),
    ("Membership inference", "leak ", _membership),
    ("False alarms", "null ", _nulls),
)
