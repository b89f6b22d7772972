"""Evasion side by side: HopSkipJump and AutoAttack of ours, ART's, foolbox's and torchattacks'.

    python security_evasion.py --folder FOLDER [--quick]

Runs in the peers' environment. All attack the same model through the same function; rows are those it classifies
correctly, inputs lie in 0 to 1. CPU seconds are process time.
"""

from __future__ import annotations

import argparse
import functools
from pathlib import Path
from typing import Any

import numpy as np
from kept import Kept, cpu_of

from model_governance.attacks.art_toolbox import load_art

EFFORT = {"max_iter": 10, "init_eval": 50, "max_eval": 300, "init_size": 100}
NORMS: dict[str, Any] = {"L2": 2, "Linf": np.inf}
MODELS = {"RF": 40, "XGB": 40, "MLP": 50}
IMAGES, EPSILON = 100, 0.1
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    load_art()
    kept = Kept(options.folder)
    for name, samples in MODELS.items():
        for norm in NORMS:
            rows = 5 if options.quick else samples
            kept.once(f"walk {name} {norm}", functools.partial(walk, name, norm, rows))
    kept.once("auto", functools.partial(auto, 20 if options.quick else IMAGES))


class Asked:
    """A predicting function that counts its calls and the rows it is shown."""

    def __init__(self, predict: Any) -> None:
        self.predict, self.calls, self.rows = predict, 0, 0

    def __call__(self, points: np.ndarray) -> np.ndarray:
        self.calls += 1
        self.rows += len(points)
        return self.predict(points)


def walk(name: str, norm: str, samples: int) -> dict[str, Any]:
    """HopSkipJump on one model in one norm: CPU seconds, rows and calls, distances of what was found.

    ART draws as it likes; ours may show the model as many rows a sample as ART showed it on average.
    """
    from art.attacks.evasion import HopSkipJump

    from model_governance.attacks.hopskipjump import batched_hopskipjump

    predict, train, x, y = TARGETS[name](samples)
    found = {}

    def measured(who: str, attack: Any) -> None:
        asked = Asked(predict)
        points, seconds = cpu_of(lambda: attack(_estimator(asked, x, y)))
        found[who] = _judged(points, x, y, predict, norm) | {
            "cpu": seconds, "rows": asked.rows / len(x), "calls": asked.calls / len(x),
        }  # fmt: skip

    def arts(estimator: Any) -> np.ndarray:
        np.random.seed(SEED)
        return HopSkipJump(estimator, norm=NORMS[norm], verbose=False, **EFFORT).generate(x)

    measured("ART", arts)
    most = int(found["ART"]["rows"])
    settings = EFFORT | {"norm": NORMS[norm], "max_queries": most, "seed": SEED}
    measured("ours, noise starts", lambda one: batched_hopskipjump(one, **settings).generate(x))
    measured("ours, donor starts", lambda one: batched_hopskipjump(one, **settings, donors=train).generate(x))
    if name == "MLP":
        found["foolbox"] = _foolbox(x, y, predict, norm)
    return found


def _estimator(predict: Any, x: np.ndarray, y: np.ndarray) -> Any:
    from art.estimators.classification import BlackBoxClassifier

    return BlackBoxClassifier(predict, x.shape[1:], int(y.max()) + 1, clip_values=(0.0, 1.0))


def _judged(points: np.ndarray, x: np.ndarray, y: np.ndarray, predict: Any, norm: str) -> dict[str, Any]:
    flips = predict(points.astype(np.float32)).argmax(axis=1) != y
    gaps = (points - x).reshape(len(x), -1).astype(float)
    sizes = np.abs(gaps).max(axis=1) if norm == "Linf" else np.linalg.norm(gaps, axis=1)
    return {"flipped": float(flips.mean()), "median": float(np.median(sizes[flips])) if flips.any() else None}


def _foolbox(x: np.ndarray, y: np.ndarray, predict: Any, norm: str) -> dict[str, Any]:
    import foolbox
    import torch

    asked = Asked(network()[0])
    module = torch.nn.Module()
    module.forward = asked
    model = foolbox.PyTorchModel(module.eval(), bounds=(0, 1))
    attack = foolbox.attacks.HopSkipJumpAttack(
        steps=EFFORT["max_iter"], initial_gradient_eval_steps=EFFORT["init_eval"],
        max_gradient_eval_steps=EFFORT["max_eval"], constraint=norm.lower(),
    )  # fmt: skip
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    points, seconds = cpu_of(lambda: attack.run(model, torch.from_numpy(x), torch.from_numpy(y)))
    judged = _judged(points.detach().numpy(), x, y, predict, norm)
    return judged | {"cpu": seconds, "rows": asked.rows / len(x), "calls": asked.calls / len(x)}


def auto(samples: int) -> dict[str, Any]:
    """AutoAttack on the digits network: share of rows fooled within epsilon, CPU seconds, rows shown."""
    import torch
    import torchattacks
    from art.attacks.evasion import AutoAttack
    from art.estimators.classification import PyTorchClassifier

    from model_governance.attacks.autoattack import batched_autoattack

    predict, _, x, y = digits(samples)
    found = {}

    def measured(who: str, attack: Any) -> None:
        module = network()[0]
        rows = [0]
        # On its first layer: ART calls the layers and not the module.
        hook = module[0].register_forward_pre_hook(lambda _, given: rows.__setitem__(0, rows[0] + len(given[0])))
        np.random.seed(SEED)
        torch.manual_seed(SEED)
        points, seconds = cpu_of(lambda: attack(module))
        hook.remove()
        sizes = np.abs(points - x).reshape(len(x), -1).max(axis=1)
        flips = predict(points.astype(np.float32)).argmax(axis=1) != y
        found[who] = {
            "fooled": float((flips & (sizes <= EPSILON + 1e-6)).mean()), "cpu": seconds, "rows": rows[0] / len(x),
        }  # fmt: skip

    def wrapped(module: Any) -> Any:
        return PyTorchClassifier(
            module, torch.nn.CrossEntropyLoss(), x.shape[1:], 10, clip_values=(0.0, 1.0), device_type="cpu"
        )

    def peers(module: Any) -> np.ndarray:
        attack = torchattacks.AutoAttack(module, norm="Linf", eps=EPSILON, n_classes=10, seed=SEED)
        return attack(torch.from_numpy(x), torch.from_numpy(y)).detach().numpy()

    def arts(module: Any) -> np.ndarray:
        attack = AutoAttack(wrapped(module), eps=EPSILON, eps_step=EPSILON / 4)
        for member in attack.attacks:
            # Drawing its progress is no part of its cost; DeepFool among others draws unless told.
            member.verbose = False
        return attack.generate(x, y)

    measured("ART", arts)
    measured("torchattacks", peers)
    measured("ours", lambda module: batched_autoattack(wrapped(module), eps=EPSILON, seed=SEED).generate(x, y))
    return found


@functools.cache
def network() -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A network on 8 x 8 digits and its data: module, training rows, their labels, test rows and labels."""
    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    x = (images / 16.0).astype(np.float32).reshape(-1, 1, 8, 8)
    train, test, y, y_test = train_test_split(x, labels, random_state=SEED, stratify=labels)
    torch.manual_seed(SEED)
    module = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
    )
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
    for _ in range(100):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(module(torch.from_numpy(train)), torch.from_numpy(y)).backward()
        optimiser.step()
    return module.eval().requires_grad_(requires_grad=False), train, y, test, y_test


def digits(samples: int) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """Predicting function, training rows, attacked rows and their labels."""
    import torch

    module, train, _, test, labels = network()

    def predict(points: np.ndarray) -> np.ndarray:
        # Cast here, for all alike: ART hands float64 on, which PyTorch refuses.
        with torch.no_grad():
            return module(torch.from_numpy(np.asarray(points, dtype=np.float32))).numpy()

    return predict, train, *_right(predict, test, labels, samples)


def tumours(make: Any, samples: int) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """As `digits`, for trees on the breast cancer data in 0 to 1."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    rows, labels = load_breast_cancer(return_X_y=True)
    scaled = ((rows - rows.min(axis=0)) / np.ptp(rows, axis=0)).astype(np.float32)
    train, test, y, y_test = train_test_split(scaled, labels, random_state=SEED, stratify=labels)
    model = make().fit(train, y)
    return model.predict_proba, train, *_right(model.predict_proba, test, y_test, samples)


def _right(predict: Any, x: np.ndarray, y: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    right = np.flatnonzero(predict(x).argmax(axis=1) == y)[:samples]
    return x[right], y[right].astype(np.int64)


def forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, random_state=SEED, n_jobs=1)


def boosting() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=100, random_state=SEED, n_jobs=1)


TARGETS = {
    "RF": functools.partial(tumours, forest),
    "XGB": functools.partial(tumours, boosting),
    "MLP": digits,
}


if __name__ == "__main__":
    main()
