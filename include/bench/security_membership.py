"""Membership inference side by side: ours, ART's and sacroml's, target by target and seed by seed.

    python security_membership.py --folder FOLDER [--quick] [--part K --parts N]

Runs in the peers' environment. Every measurement is kept in the folder; a second run goes on where the first stopped.
CPU seconds are process time, the training of reference models included.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from kept import Kept, cpu_of
from security_targets import Pool, estimator, pool

from model_governance.attacks.art_toolbox import load_art
from model_governance.checks.privacy.membership_inference import ensemble, lira, rmia
from model_governance.checks.privacy.membership_inference.rates import auc, operating_point, permuted_tpr
from model_governance.checks.privacy.membership_inference.references import References, draw_subsets
from model_governance.checks.privacy.membership_inference.signals import fit_transform, own_class

LEAKY = ("adult rf_over", "adult xgb_over", "credit rf_over", "credit xgb_over", "mnist mlp_over")
QUIET = ("adult rf_reg", "adult xgb_reg")
SEEDS, NULLS = 5, 20
MODELS = (1, 3, 4, 8, 16)
MOST = {"mnist mlp_over": 8}  # 16 networks cost more than anything they are compared with
ART = ("nn", "gb", "rf")
SACROML = {"offline": {}, "online, fixed variance": {"mode": "online-carlini", "fix_variance": True}}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    options = parser.parse_args()
    load_art()
    kept = Kept(options.folder)
    for number, (what, target, seed) in enumerate(cells(quick=options.quick)):
        if number % options.parts == options.part:
            kept.once(f"{what} {target} {seed}", functools.partial(MEASURES[what], target, seed))


def cells(*, quick: bool = False) -> list[tuple[str, str, int]]:
    """Every measurement as (what, target, seed)."""
    if quick:
        return [("leak", "credit rf_over", 0), ("leak", "credit xgb_over", 0), ("null", "adult xgb_reg", 0)]
    leaks = [("leak", target, seed) for seed in range(SEEDS) for target in (*LEAKY, *QUIET)]
    return leaks + [("null", target, seed) for seed in range(NULLS) for target in QUIET]


def leak(target: str, seed: int) -> dict[str, Any]:
    """All attacks on a model that was trained on the members: AUC, true-positive rates and CPU seconds by attack."""
    data, kind = target.split()
    rows = pool(data, seed)
    members = slice(0, rows.members)
    model, trained = cpu_of(lambda: estimator(kind, seed).fit(rows.rows[members], rows.labels[members]))
    found = ours(rows, model, kind, seed, most=MOST.get(target, max(MODELS)))
    found |= {f"ART black box {one}": arts(rows, model, one, seed) for one in ART}
    for mode, settings in SACROML.items():
        count = MOST.get(target, max(MODELS))
        found[f"sacroml LiRA {mode} N={count}"] = sacromls(rows, model, seed, count, settings)
    right = model.predict(rows.rows[rows.audited]) == rows.labels[rows.audited]
    return {
        "attacks": found,
        "trained": trained,
        "accuracy": [float(right[: rows.members].mean()), float(right[rows.members :].mean())],
    }


def null(target: str, seed: int) -> dict[str, Any]:
    """Our attacks on a regularised model that was trained on neither side: whatever they see is an error.

    An alarm is a 95% interval of the AUC wholly above 0.5, or more members named at 1% than in 97.5% of draws by lot:
    each is to happen in 2.5% of the repetitions.
    """
    data, kind = target.split()
    rows = pool(data, 1000 + seed)
    others = pool(data, 2000 + seed)
    strangers = _not_in(others, rows)
    model = estimator(kind, seed).fit(others.rows[strangers], others.labels[strangers])
    scores, _ = _against_references(rows, model, kind, seed, counts=(4,))
    alarms = {}
    for name, one in scores.items():
        inside, outside = one[: rows.members], one[rows.members :]
        value, (low, _) = auc(inside, outside)
        point = operating_point(inside, outside, fpr=0.01)
        _, (_, most) = permuted_tpr(inside, outside, fpr=0.01, seed=seed)
        alarms[name] = {"auc": value, "alarm_auc": low > 0.5, "tpr": point.tpr, "alarm_tpr": point.tpr > most}
    return alarms


MEASURES = {"leak": leak, "null": null}


def _not_in(others: Pool, rows: Pool) -> np.ndarray:
    """The first rows of another split, as many as there are members, that are not among the audited ones."""
    known = {one.tobytes() for one in rows.rows[rows.audited]}
    return np.array([place for place, one in enumerate(others.rows) if one.tobytes() not in known])[: rows.members]


def ours(rows: Pool, model: Any, kind: str, seed: int, *, most: int) -> dict[str, Any]:
    """Our attacks for growing numbers of reference models; a small number is the first of the large one."""
    counts = [one for one in MODELS if one <= most]
    scores, costs = _against_references(rows, model, kind, seed, counts=counts)
    return {name: _rates(one, rows.members, costs[name]) for name, one in scores.items()}


def _against_references(
    rows: Pool, model: Any, kind: str, seed: int, *, counts: list[int] | tuple[int, ...]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Scores and CPU seconds of every attack, each with all that it would cost alone."""
    x, y = rows.rows[rows.audited], rows.labels[rows.audited]
    told, asking = cpu_of(lambda: own_class(model.predict_proba(x), y))
    transform = fit_transform(told, residuals=False)
    target = transform(told)
    inside = draw_subsets(max(counts), len(y), root_seed=seed)
    answers, spent = [], [asking]
    for number, chosen in enumerate(inside):
        answer, seconds = cpu_of(lambda k=number, rows=chosen: _answer(estimator(kind, 7919 * seed + k), x, y, rows))
        answers.append(answer)
        spent.append(spent[-1] + seconds)
    scores, costs = {}, {}
    for count in counts:
        references = References(transform(np.array(answers[:count])), inside[:count])
        for name, how in _attacks(count).items():
            found, seconds = cpu_of(lambda how=how, references=references: how(target, references, seed))
            scores[f"{name} N={count}"], costs[f"{name} N={count}"] = found, spent[count] + seconds
    return scores, costs


def _attacks(count: int) -> dict[str, Any]:
    if count == 1:
        return {"RMIA offline": lambda target, references, seed: rmia.offline(target, references)}
    return {
        "RMIA offline, a tuned": lambda target, references, seed: rmia.offline(
            target, references, a=rmia.tuned(references)
        ),
        "RMIA online": lambda target, references, seed: rmia.online(target, references),
        "LiRA offline": lambda target, references, seed: lira.offline(target, references),
        "LiRA online": lambda target, references, seed: lira.online(target, references),
        "ensemble": lambda target, references, seed: ensemble.scores(target, references, seed=seed),
    }


def _answer(model: Any, x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    model.fit(x[chosen], y[chosen])
    return own_class(model.predict_proba(x), y)


def arts(rows: Pool, model: Any, kind: str, seed: int) -> dict[str, Any]:
    """ART's black-box attack, fitted on half of either side and scored on the other half."""
    import torch
    from art.attacks.inference.membership_inference import MembershipInferenceBlackBox
    from art.estimators.classification import BlackBoxClassifier

    x, y, count = rows.rows, rows.labels, rows.members
    fitting, scoring = slice(0, count // 2), slice(count // 2, count)

    def run() -> np.ndarray:
        np.random.seed(seed)
        torch.manual_seed(seed)
        target = BlackBoxClassifier(model.predict_proba, (x.shape[1],), int(y.max()) + 1)
        attack = MembershipInferenceBlackBox(target, attack_model_type=kind)
        sides = [(x[:count], y[:count]), (x[count : 2 * count], y[count : 2 * count])]
        (inside, labels), (outside, other_labels) = sides
        attack.fit(inside[fitting], labels[fitting], outside[fitting], other_labels[fitting])
        return np.concatenate(
            [np.ravel(attack.infer(one[scoring], said[scoring], probabilities=True)) for one, said in sides]
        ).astype(float)

    scores, seconds = cpu_of(run)
    return _rates(scores, len(scores) // 2, seconds)


def sacromls(rows: Pool, model: Any, seed: int, count: int, settings: dict[str, Any]) -> dict[str, Any]:
    """sacroml's LiRA at the same number of models; rates by the same rule as all others, from its own scores.

    Its scores of single records are asked for, which costs it next to nothing.
    """
    import logging

    from sacroml.attacks.likelihood_attack import LIRAAttack
    from sacroml.attacks.target import Target

    logging.getLogger().setLevel(logging.ERROR)
    members, others = slice(0, rows.members), slice(rows.members, 2 * rows.members)
    x, y = rows.rows, rows.labels
    with tempfile.TemporaryDirectory() as folder:
        target = Target(model=model, X_train=x[members], y_train=y[members], X_test=x[others], y_test=y[others])
        attack = LIRAAttack(
            output_dir=folder, write_report=False, n_shadow_models=count, report_individual=True, **settings
        )
        _, seconds = cpu_of(lambda: attack.attack(target))
    scores = np.asarray(attack.result["member_prob"], dtype=float)
    return _rates(scores, rows.members, seconds)


def _rates(scores: np.ndarray, members: int, seconds: float) -> dict[str, Any]:
    """The numbers of one attack; members come first. A score that is no number counts as the lowest."""
    scores = np.where(np.isfinite(scores), scores, np.nanmin(np.where(np.isfinite(scores), scores, np.nan)) - 1)
    inside, outside = scores[:members], scores[members:]
    points = {fpr: operating_point(inside, outside, fpr=fpr) for fpr in (0.01, 0.001)}
    return {
        "auc": auc(inside, outside)[0],
        **{f"tpr@{fpr:g}": point.tpr if point else None for fpr, point in points.items()},
        "cpu": seconds,
    }


if __name__ == "__main__":
    main()
