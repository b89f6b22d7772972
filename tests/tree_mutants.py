"""Honest model files of XGBoost and LightGBM, and mutants of them, as tests and the bench read them."""

from __future__ import annotations

import re
import sys
import warnings

import numpy as np
import pandas as pd

from model_governance.formats.lightgbm_file import InconsistentText, check_text
from model_governance.formats.xgboost_file import (
    InconsistentModel,
    UnreadableModel,
    UnsupportedModel,
    check_document,
    read_document,
)

ROWS, COLUMNS = 160, ("a", "b", "c")
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
EXTREMES = (b"-1", b"0", b"1", b"2", b"7", b"255", b"500", b"65536", b"2000000", b"2147483647", b"2147483648",
            b"4294967295", b"-2147483648", b"99999999999999999999", b"1e308", b"-1e308", b"nan", b"inf", b"1e", b"")  # fmt: skip


def rows(*, words: bool = False) -> pd.DataFrame:
    """Rows of three columns, the third of words where asked for."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(ROWS, 3)), columns=list(COLUMNS))
    if words:
        frame["c"] = pd.Categorical(np.take(["u", "v", "w", "x"], draw.integers(0, 4, ROWS)))
    return frame


def honest_xgboost() -> dict[str, bytes]:
    """Files of every sort of booster that is loaded here."""
    import xgboost

    frame, labels = rows(), np.random.default_rng(1).integers(0, 3, ROWS)
    plain, words = (
        xgboost.DMatrix(frame, labels > 0),
        xgboost.DMatrix(rows(words=True), labels > 0, enable_categorical=True),
    )
    common = {"max_depth": 3, "nthread": 1, "verbosity": 0}
    made = {
        "binary": xgboost.train(common | {"objective": "binary:logistic"}, plain, 3),
        "classes": xgboost.train(
            common | {"objective": "multi:softprob", "num_class": 3}, xgboost.DMatrix(frame.to_numpy(), labels), 2
        ),
        "categories": xgboost.train(common | {"objective": "binary:logistic", "max_cat_to_onehot": 1}, words, 3),
        "dart": xgboost.train(common | {"booster": "dart", "rate_drop": 0.5}, plain, 3),
        "pruned": xgboost.train(common | {"gamma": 1.0, "tree_method": "exact", "max_depth": 4}, plain, 2),
        "forest": xgboost.train(common | {"num_parallel_tree": 3, "subsample": 0.5}, plain, 1),
    }
    return {
        f"{name} {form}": bytes(booster.save_raw(form)) for name, booster in made.items() for form in ("json", "ubj")
    }


def honest_lightgbm() -> dict[str, bytes]:
    """Files of every sort of booster that is loaded here."""
    import lightgbm

    frame, labels = rows(), np.random.default_rng(1).integers(0, 3, ROWS)
    common = {"verbosity": -1, "num_leaves": 5, "min_data_in_leaf": 5, "num_threads": 1}
    few = {"min_data_per_group": 2, "cat_smooth": 0.1, "cat_l2": 0.1, "max_cat_to_onehot": 1}
    made = {
        "binary": lightgbm.train(common | {"objective": "binary"}, lightgbm.Dataset(frame, labels > 0), 3),
        "classes": lightgbm.train(
            common | {"objective": "multiclass", "num_class": 3}, lightgbm.Dataset(frame, labels), 2
        ),
        "categories": lightgbm.train(common | few, lightgbm.Dataset(rows(words=True), labels), 3),
        "linear": lightgbm.train(common | {"linear_tree": True}, lightgbm.Dataset(frame, labels), 2),
        "forest": lightgbm.train(
            common | {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, lightgbm.Dataset(frame, labels), 2
        ),
        "constant": lightgbm.train(common | {"min_data_in_leaf": 1000}, lightgbm.Dataset(frame, labels), 1),
    }
    return {name: booster.model_to_string().encode() for name, booster in made.items()}


def mutant(content: bytes, draw: np.random.Generator) -> bytes:
    """One file with one to three changes: bytes, numbers, lines or pieces."""
    for _ in range(int(draw.integers(1, 4))):
        content = CHANGES[int(draw.integers(len(CHANGES)))](content, draw)
    return content


def _byte(content: bytes, draw: np.random.Generator) -> bytes:
    place = int(draw.integers(len(content)))
    return content[:place] + bytes([int(draw.integers(256))]) + content[place + 1 :]


def _number(content: bytes, draw: np.random.Generator) -> bytes:
    found = list(NUMBER.finditer(content))
    match = found[int(draw.integers(len(found)))]
    return content[: match.start()] + EXTREMES[int(draw.integers(len(EXTREMES)))] + content[match.end() :]


def _digit(content: bytes, draw: np.random.Generator) -> bytes:
    found = list(NUMBER.finditer(content))
    place = found[int(draw.integers(len(found)))].end()
    return content[:place] + str(int(draw.integers(10))).encode() + content[place:]


def _piece(content: bytes, draw: np.random.Generator) -> bytes:
    start, size = int(draw.integers(len(content))), int(draw.integers(1, 40))
    return (
        content[:start] + content[start + size :] if draw.random() < 0.5 else content[: start + size] + content[start:]
    )


def _word(content: bytes, draw: np.random.Generator) -> bytes:
    """Eight bytes of a binary number replaced by an extreme one."""
    place = int(draw.integers(max(len(content) - 8, 1)))
    value = int(draw.choice([-1, 0, 1, 3, 255, 2**16, 2**31 - 1, -(2**31), 2**40]))
    width = int(draw.choice([1, 4, 8]))
    return content[:place] + (value % 256**width).to_bytes(width, "big") + content[place + width :]


CHANGES = (_byte, _number, _number, _digit, _piece, _word)


def load_and_ask(kind: str, content: bytes) -> None:
    """Load a file as its library does and ask it for answers; whatever Python can catch is fine."""
    frame = rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if kind == "xgboost":
                import xgboost

                booster = xgboost.Booster({"nthread": 1})
                booster.load_model(bytearray(content))
                booster.save_config()
                booster.save_raw("json")
                columns = booster.num_features()
                if columns < 100:
                    wide = np.tile(frame.to_numpy(), (1, columns // 3 + 1))[:, :columns]
                    for margin in (False, True):
                        booster.predict(
                            xgboost.DMatrix(
                                wide, feature_names=booster.feature_names, feature_types=booster.feature_types,
                                enable_categorical=True, nthread=1,
                            ), output_margin=margin,
                        )  # fmt: skip
            else:
                import lightgbm

                booster = lightgbm.Booster(model_str=content.decode())
                columns = booster.num_feature()
                if columns < 100:
                    booster.predict(np.tile(frame.to_numpy(), (1, columns // 3 + 1))[:, :columns], num_threads=1)
        except Exception as error:
            print(f"  {type(error).__name__}", file=sys.stderr)


def is_sound(kind: str, content: bytes) -> bool:
    """Whether the check of the loader lets a file through."""
    try:
        if kind == "xgboost":
            document, rest = read_document(content)
            check_document(document, size=len(content))
            return not rest
        check_text(content)
    except (UnreadableModel, InconsistentModel, UnsupportedModel, InconsistentText):
        return False
    return True
