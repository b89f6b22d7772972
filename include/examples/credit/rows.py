"""The loans: those that Lending Club granted in the first quarter of 2016, with their outcome, and those of the first quarter of 2018."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdatasets import read_frame

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pandas as pd

LOANS_2016 = "rdatasets/_data/modeldata/lending_club.pkl.compress"
LOANS_2018 = "rdatasets/_data/openintro/loans_full_schema.pkl.compress"
KEY, TARGET = "loan", "repaid"
FLAGS = {"Not Verified": "not_verified", "Source Verified": "source_verified", "Verified": "verified"}
OWN = [
    "amount", "term", "income", "loan_to_income", "years_employed", "inquiries", "delinquencies", "installment_accounts",
    *FLAGS.values(),
]  # fmt: skip
"""What is known of applicants without the marketplace."""
FEATURES = [*OWN, "grade", "rate"]
YEARS = {"emp_lt_1": 0.0, **{f"emp_{years}": float(years) for years in range(1, 10)}, "emp_ge_10": 10.0}
LETTERS, STEPS = "ABCDEFG", 5
REGIONS = {
    "Northeast": "CT MA ME NH NJ NY PA RI VT",
    "Midwest": "IA IL IN KS MI MN MO ND NE OH SD WI",
    "West": "AK AZ CA CO HI ID MT NM NV OR UT WA WY",
}
"""States of the Census regions; all others belong to the South."""


def loans_of_2016(data: Mapping[str, Path]) -> pd.DataFrame:
    """9,855 loans with features, region, whether an employer is given, and whether the loan was repaid, in the file's order."""
    import pandas as pd

    source = read_frame(data[LOANS_2016])
    rows = pd.DataFrame(
        {
            "amount": source["funded_amnt"], "term": source["term"].str[-2:].astype("int64"), "income": source["annual_inc"],
            "years_employed": source["emp_length"].map(YEARS), "inquiries": source["inq_last_12m"],
            "delinquencies": source["delinq_2yrs"], "installment_accounts": source["open_il_6m"],
            "verification": source["verification_status"].str.replace("_", " "), "grade": grade_number(source["sub_grade"]),
            "rate": source["int_rate"], "state": source["addr_state"], TARGET: (source["Class"] == "good").astype("int64"),
        }
    )  # fmt: skip
    return completed(rows, first=16_000_000)


def loans_of_2018(data: Mapping[str, Path]) -> pd.DataFrame:
    """10,000 loans with the month of issue and the same features; nearly all of them are still being paid back."""
    import pandas as pd

    source = read_frame(data[LOANS_2018])
    joint = source["application_type"] == "joint"
    rows = pd.DataFrame(
        {
            "amount": source["loan_amount"], "term": source["term"],
            "income": source["annual_income"].where(~joint, source["annual_income_joint"]),
            "years_employed": source["emp_length"], "inquiries": source["inquiries_last_12m"],
            "delinquencies": source["delinq_2y"], "installment_accounts": source["current_installment_accounts"],
            "verification": source["verified_income"], "grade": grade_number(source["sub_grade"]),
            "rate": source["interest_rate"], "state": source["state"], "month": source["issue_month"].str[:3],
        }
    )  # fmt: skip
    return completed(rows, first=18_000_000)


def completed(rows: pd.DataFrame, *, first: int) -> pd.DataFrame:
    """The loans to applicants with an income, with number, derived columns and the groups of applicants."""
    import numpy as np

    rows = rows[rows["income"] > 0].reset_index(drop=True)
    rows.insert(0, KEY, np.arange(first, first + len(rows)))
    for status, flag in FLAGS.items():
        rows[flag] = (rows["verification"] == status).astype("int64")
    rows["region"] = "South"
    for region, states in REGIONS.items():
        rows.loc[rows["state"].isin(states.split()), "region"] = region
    rows["employer"] = np.where(rows["years_employed"].isna(), "none given", "given")
    return with_ratio(rows).drop(columns=["verification", "state"])


def with_ratio(rows: pd.DataFrame) -> pd.DataFrame:
    """The loans with `loan_to_income`, amount over yearly income to three decimals."""
    return rows.assign(loan_to_income=(rows["amount"] / rows["income"]).round(3))


def grade_number(grades: pd.Series[str]) -> np.ndarray:
    """The marketplace's grade as a number, 1 (A1, the best) to 35 (G5)."""
    import numpy as np

    return np.array([LETTERS.index(grade[0]) * STEPS + int(grade[1]) for grade in grades])
