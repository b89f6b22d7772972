"""Relations and gaps on three public credit sets: valid rows only, and what the constraints change; writes CONSTRAINED.md.

    make bench PART=constrained               three sets, a few minutes on one core; fetches 13 MB once
    make bench PART=constrained ARGS=--quick  twelve rows of each, to the screen

Returned rows are checked here once more, without the code of the product. Greedy search is compared with the exact answer of a
model of trees under the linear relations of each set.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from kept import Kept, cpu_of, slug
from public_data import ROOT, rdataset

from model_governance.checks import find
from model_governance.checks.robustness.evasion.outcome import conclude as concluded
from model_governance.contract.subject import Columns, Dataset, Model, Subject
from model_governance.contract.threat_model import ThreatModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.contract.result import CheckResult

PAGE = Path(__file__).with_name("CONSTRAINED.md")
EPSILON = 0.1
SEED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditSet:
    """Rows with a `label`, the columns that a person can change, and relations: all of them, and the linear ones.

    `holds` says of rows, by hand, in which all relations hold.
    """

    frame: pd.DataFrame
    mutable: tuple[str, ...]
    relations: tuple[dict[str, Any], ...]
    linear: tuple[dict[str, Any], ...]
    holds: Callable[[pd.DataFrame], np.ndarray]


def _lending_club() -> CreditSet:
    loans = rdataset("openintro", "loans_full_schema")
    names = ["emp_length", "homeownership", "annual_income", "debt_to_income", "months_since_last_delinq", "inquiries_last_12m",
             "total_credit_lines", "open_credit_lines", "total_credit_limit", "total_credit_utilized", "num_total_cc_accounts",
             "num_open_cc_accounts", "num_cc_carrying_balance", "loan_amount", "term"]  # fmt: skip
    frame = loans[names].assign(label=loans["grade"].isin(["A", "B"]).map({True: 0, False: 1}))
    frame["homeownership"] = frame["homeownership"].astype(str)
    frame["income_per_line"] = (frame["annual_income"] / frame["total_credit_lines"]).round(2)
    frame["closed_credit_lines"] = frame["total_credit_lines"] - frame["open_credit_lines"]
    linear = (
        {"derived": "closed_credit_lines = total_credit_lines - open_credit_lines"},
        {"inequality": "open_credit_lines <= total_credit_lines"},
        {"inequality": "num_open_cc_accounts <= num_total_cc_accounts"},
        {"inequality": "num_cc_carrying_balance <= num_open_cc_accounts"},
    )
    ratio = {"derived": "income_per_line = annual_income / total_credit_lines", "decimals": 2}

    def holds(rows: pd.DataFrame) -> np.ndarray:
        lines, cards = rows["open_credit_lines"] <= rows["total_credit_lines"], rows["num_open_cc_accounts"]
        kept = lines & (cards <= rows["num_total_cc_accounts"]) & (rows["num_cc_carrying_balance"] <= cards)
        closed = rows["closed_credit_lines"] == rows["total_credit_lines"] - rows["open_credit_lines"]
        per_line = (rows["income_per_line"] - rows["annual_income"] / rows["total_credit_lines"]).abs() <= 0.0051
        return (kept & closed & per_line).to_numpy()

    mutable = ("annual_income", "emp_length", "inquiries_last_12m", "open_credit_lines", "total_credit_lines", "total_credit_utilized",
               "num_open_cc_accounts", "num_total_cc_accounts", "num_cc_carrying_balance", "loan_amount")  # fmt: skip
    return CreditSet(
        frame=frame[frame["total_credit_lines"] > 0],
        mutable=mutable,
        relations=(*linear, ratio),
        linear=linear,
        holds=holds,
    )


def _car_loans() -> CreditSet:
    loans = rdataset("modeldata", "credit_data")
    frame = loans.drop(columns="Status").assign(label=(loans["Status"].astype(str) == "bad").astype(int))
    for name in ("Home", "Marital", "Records", "Job"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    frame["Deposit"] = frame["Price"] - frame["Amount"]
    frame["Share"] = (frame["Amount"] / frame["Price"]).round(4)
    frame = frame[frame["Deposit"] >= 0]
    linear = ({"derived": "Deposit = Price - Amount"}, {"inequality": "Amount <= Price"})
    ratio = {"derived": "Share = Amount / Price", "decimals": 4}

    def holds(rows: pd.DataFrame) -> np.ndarray:
        share = (rows["Share"] - rows["Amount"] / rows["Price"]).abs() <= 0.000051
        return (
            share & (rows["Deposit"] == rows["Price"] - rows["Amount"]) & (rows["Amount"] <= rows["Price"])
        ).to_numpy()

    mutable = ("Time", "Expenses", "Income", "Assets", "Debt", "Amount", "Price")
    return CreditSet(frame=frame, mutable=mutable, relations=(*linear, ratio), linear=linear, holds=holds)


def _boston() -> CreditSet:
    loans = rdataset("wooldridge", "loanapp")
    names = [
        "loanamt",
        "price",
        "appinc",
        "atotinc",
        "cototinc",
        "hexp",
        "liq",
        "hrat",
        "obrat",
        "term",
        "dep",
        "unem",
        "pubrec",
    ]
    frame = loans[names].assign(label=loans["reject"].astype(int), other=loans["atotinc"] - loans["cototinc"])
    frame["loanprc"] = (frame["loanamt"] / frame["price"]).round(4)
    frame = frame[frame["cototinc"].notna() & (frame["price"] > 0)]
    linear = ({"derived": "other = atotinc - cototinc"}, {"inequality": "hrat <= obrat + 30"})
    ratio = {"derived": "loanprc = loanamt / price", "decimals": 4}

    def holds(rows: pd.DataFrame) -> np.ndarray:
        ratio_holds = (rows["loanprc"] - rows["loanamt"] / rows["price"]).abs() <= 0.000051
        other = (rows["other"] - rows["atotinc"] + rows["cototinc"]).abs() <= 1e-6 * rows["other"].abs() + 1e-9
        return (ratio_holds & other & ~(rows["hrat"] > rows["obrat"] + 30)).to_numpy()

    mutable = ("loanamt", "price", "atotinc", "cototinc", "liq", "hexp", "hrat", "obrat")
    return CreditSet(frame=frame, mutable=mutable, relations=(*linear, ratio), linear=linear, holds=holds)


SETS: dict[str, Callable[[], CreditSet]] = {
    "Lending Club (openintro)": _lending_club, "Car loans (modeldata)": _car_loans, "Boston mortgages (wooldridge)": _boston,
}  # fmt: skip


def subject_of(data: CreditSet, *, relations: tuple[dict[str, Any], ...]) -> Subject:
    """The later half of the rows, and a boosted model of the first half that takes gaps."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from xgboost import XGBClassifier

    frame = data.frame.iloc[np.random.default_rng(SEED).permutation(len(data.frame))].reset_index(drop=True)
    names = [name for name in frame.columns if name != "label"]
    words = [name for name in names if frame[name].dtype == object]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepared = ColumnTransformer([("words", encoder, words)], remainder="passthrough")
    half = len(frame) // 2
    native = make_pipeline(prepared, XGBClassifier(n_estimators=25, max_depth=3, n_jobs=1, random_state=0))
    native.fit(frame.iloc[:half][names], frame.iloc[:half]["label"])
    features = {}
    for name in names:
        kind = "category" if name in words else "integer" if pd.api.types.is_integer_dtype(frame[name]) else "numeric"
        features[name] = {"kind": kind}
    derived = {str(each["derived"]).split(" = ")[0] for each in relations if "derived" in each}
    mutable = tuple(name for name in names if name in data.mutable) + tuple(
        str(each["derived"]).split(" = ")[0] for each in data.relations if "derived" in each and str(each["derived"]).split(" = ")[0] not in derived
    )  # fmt: skip
    model = Model(
        name="credit", format="skops", sha256="0" * 64, task="binary_classification", native=native, call=native.predict,
        call_proba=native.predict_proba, classes=(0, 1),
    )  # fmt: skip
    columns = Columns.model_validate({"features": features, "target": "label", "positive": 1})
    current = frame.iloc[half:].reset_index(drop=True)
    held = {"current": Dataset(role="current", uri="current", sha256="0" * 64, frame=current)}
    threat = ThreatModel.model_validate({"mutable": mutable, "relations": [dict(each) for each in relations]})
    return Subject(
        name="credit", task="binary_classification", columns=columns, datasets=held, model=model, threat_model=threat
    )


@dataclass(slots=True)
class Returned:
    """Every row that attacks returned, as the model was asked about it."""

    rows: list[pd.DataFrame] = field(default_factory=list)

    def __call__(self, queries: Any, attack: str, model: Model, **more: Any) -> Any:
        flipped = np.flatnonzero(np.isfinite(queries.nearest))
        self.rows.append(queries.space.rows(queries.best.take(flipped), queries.origins, flipped, projected=True))
        return concluded(queries, attack, model, **more)


def measured(subject: Subject, **params: Any) -> tuple[CheckResult, float, pd.DataFrame]:
    """The result of the check, its CPU seconds, and the rows that its attacks returned."""
    check, returned = find("evasion"), Returned()
    attacks = sys.modules["model_governance.checks.robustness.evasion.attacks"]
    attacks.conclude = returned  # type: ignore[attr-defined]
    try:
        result, seconds = cpu_of(lambda: check.measure(subject, check.params.model_validate(params), SEED))
    finally:
        attacks.conclude = concluded  # type: ignore[attr-defined]
    return result, seconds, pd.concat(returned.rows, ignore_index=True)


def measure(name: str, rows: int) -> dict[str, str]:
    """One row of the page."""
    data = SETS[name]()
    data = replace(data, frame=data.frame[data.holds(data.frame)])  # so that all three policies attack the same rows
    params = {"samples": rows, "epsilon": EPSILON, "attacks": ["greedy", "hopskipjump"], "max_iterations": 3}
    whole = subject_of(data, relations=data.relations)
    free, free_cpu, made = measured(subject_of(data, relations=()), **params)
    bound, bound_cpu, kept = measured(whole, **params)
    linear, _, solved = measured(
        subject_of(replace(data, relations=data.linear), relations=data.linear),
        **params | {"attacks": ["greedy", "exact"], "exact_rows": rows},
    )
    exact = linear.metric("exact_attack_success_rate", key=f"exact@{EPSILON:g}")
    greedy = linear.metric("attack_success_rate", key="greedy")
    current = whole.features("current")
    mine, other = data.holds(kept), data.holds(made)
    sums = _obey(data, solved)
    return {
        "set": name, "rows, columns": f"{len(data.frame):,}, {current.shape[1]}", "rows with a gap": f"{current.isna().any(axis=1).mean():.0%}",
        "returned rows that obey": f"{int(mine.sum())} of {len(kept)}", "without relations": f"{int(other.sum())} of {len(made)}",
        "valid_share": f"{bound.metric('valid_share').value:.3f}", "robust": _robust(bound), "robust without relations": _robust(free),
        "greedy": f"{greedy.value:.3f}", "exact": f"{exact.value:.3f}", "exact rows that obey": f"{int(sums.sum())} of {len(solved)}",
        "missed": f"{linear.metric('missed_share', key=f'exact@{EPSILON:g}').value:.3f}", "CPU": f"{bound_cpu:.1f} s",
        "CPU without": f"{free_cpu:.1f} s", "ratio": f"{bound_cpu / free_cpu:.2f}",
    }  # fmt: skip


def _obey(data: CreditSet, rows: pd.DataFrame) -> np.ndarray:
    """As `holds`, but for the ratio, which the exact search does not know and the linear policy leaves out."""
    ratios = [each for each in data.relations if each not in data.linear]
    rebuilt = rows.copy()
    for each in ratios:
        name, formula = str(each["derived"]).split(" = ")
        above, below = formula.split(" / ")
        rebuilt[name] = (rebuilt[above] / rebuilt[below]).round(each["decimals"])
    return data.holds(rebuilt)


def _robust(result: CheckResult) -> str:
    found = result.metric("attack_success_rate", key="all")
    return f"{1 - found.value:.3f} ({1 - found.high:.3f} to {1 - found.low:.3f})"


def main() -> int:
    """Measure each set in a process of its own, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, default=40, help="attacked, of each set")
    parser.add_argument("--part", choices=SETS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = 12 if options.quick else options.rows
    kept = Kept(ROOT / ".cache" / f"bench-constrained-{rows}")
    if options.part:
        kept.once(slug(options.part), lambda: measure(options.part, rows))
        return 0
    shutil.rmtree(kept.folder, ignore_errors=True)
    for name in SETS:
        SETS[name]()  # fetched before three processes ask for it
    more = ["--quick"] if options.quick else ["--rows", str(rows)]
    parts = [subprocess.Popen([sys.executable, __file__, "--part", name, *more]) for name in SETS]
    codes = [part.wait() for part in parts]
    if any(codes):
        raise SystemExit("a set could not be measured; see above")
    text = page([kept.once(slug(name), dict) for name in SETS], rows)
    if not options.quick:
        PAGE.write_text(text)
    print(text)
    return 0


def page(table: list[dict[str, str]], rows: int) -> str:
    """The figures as a page, one column for each set."""
    head = (
        f"`make bench PART=constrained` writes this page. {rows} drawn rows of each set, linf within {EPSILON:g} of each range, a boosted model of 25 "
        "trees that takes gaps. *Returned rows that obey* are checked by hand-written rules of the set; without relations the same "
        "attacks move every column by itself. *Robust* is one less the success rate of all attacks together, with its 95% interval. *Greedy* and *exact* "
        "are success rates under the linear relations of the set, on the same rows; *missed* is the share of rows that flip and greedy does not find. "
        "CPU is that of the whole check with greedy search and HopSkipJump."
    )
    lines = ["# Relations and gaps on three public credit sets", "", head, ""]
    heads = list(table[0])
    lines += [f"| {' | '.join(['', *(row['set'] for row in table)])} |", "|---" * (1 + len(table)) + "|"]
    lines += [f"| {' | '.join([each, *(row[each] for row in table)])} |" for each in heads[1:]]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
