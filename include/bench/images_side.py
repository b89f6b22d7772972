"""The evasion check on images beside ART's AutoAttack, and the corruption check: the measurements of images.py.

    python images_side.py --folder FOLDER [--quick]

Runs in the peers' environment, which has torch. Both attack the same rows of the same TorchScript model in one process with one
thread; CPU seconds are process time. Ours is the whole check as a policy runs it: reading the file, tables and pictures too.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import sys
import types
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kept import Kept, cpu_of
from public_data import mnist_5k

from model_governance.attacks.art_toolbox import load_art
from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Dataset, Subject
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model

SEED = 0
# Rows under attack, steps of training, and budgets by norm, as shares of the range.
SETS: dict[str, dict[str, Any]] = {
    "digits": {"side": 8, "train": 1200, "rows": 100, "steps": 300, "linf": 0.1, "l2": 0.6},
    "mnist_5k": {"side": 28, "train": 4000, "rows": 100, "steps": 300, "linf": 0.1, "l2": 1.0},
}
# Networks are hardened against changes of this norm, so only within it are they attacked.
ATTACKED = (("plain", "linf"), ("plain", "l2"), ("hardened", "linf"))
CLASSES = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    load_art()
    kept = Kept(options.folder)
    for how, norm in ATTACKED:
        for name in SETS:
            rows = 10 if options.quick else SETS[name]["rows"]
            kept.once(f"corruption {name} {how}", functools.partial(corrupted, name, how))
            kept.once(f"attack {name} {how} {norm}", functools.partial(attacked, name, how, norm, rows))


def pictures(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images (n, size) in 0 to 1 and their classes, then those that no network was trained on."""
    from sklearn.datasets import load_digits

    if name == "digits":
        x, y = load_digits(return_X_y=True)
        x = x / 16
    else:
        x, y = mnist_5k()
        x = x / 255
    order, train = np.random.default_rng(SEED).permutation(len(x)), SETS[name]["train"]
    x, y = x[order].astype(np.float32), y[order].astype(int)
    return x[:train], y[:train], x[train:], y[train:]


@functools.cache
def network(name: str, how: str) -> Any:
    """A small convolutional network; hardened: trained on the points that seven steps of PGD find (Madry et al., 2018)."""
    import torch

    torch.manual_seed(SEED)
    side = SETS[name]["side"]
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(8, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(16 * (side // 4) ** 2, 64), torch.nn.ReLU(), torch.nn.Linear(64, CLASSES),
    )  # fmt: skip
    x, y, _, _ = pictures(name)
    images, labels = torch.from_numpy(x).reshape(-1, 1, side, side), torch.from_numpy(y)
    optimiser, loss = torch.optim.Adam(net.parameters(), lr=3e-3), torch.nn.functional.cross_entropy
    for _ in range(SETS[name]["steps"]):
        batch = torch.randint(len(images), (128,))
        given, wanted = images[batch], labels[batch]
        if how == "hardened":
            given = _nearby(net, given, wanted, SETS[name]["linf"])
        optimiser.zero_grad()
        loss(net(given), wanted).backward()
        optimiser.step()
    return net.eval()


def _nearby(net: Any, given: Any, wanted: Any, epsilon: float) -> Any:
    import torch

    moved = given + torch.empty_like(given).uniform_(-epsilon, epsilon)
    for _ in range(7):
        moved = moved.clamp(0, 1).requires_grad_()
        (slope,) = torch.autograd.grad(torch.nn.functional.cross_entropy(net(moved), wanted), moved)
        moved = given + (moved.detach() + epsilon / 3 * slope.sign() - given).clamp(-epsilon, epsilon)
    return moved.clamp(0, 1).detach()


def subject_of(name: str, how: str, rows: int | None) -> Subject:
    """The network as a TorchScript file and its unseen rows, as a policy with `columns.image` names them."""
    import torch

    _, _, x, y = pictures(name)
    x, y, side = x[:rows], y[:rows], SETS[name]["side"]
    sink = BytesIO()
    torch.jit.save(torch.jit.script(network(name, how)), sink, _extra_files={"classes.json": str(list(range(CLASSES)))})
    path = Path(f"{name}-{how}.pt")
    names = [f"p{place}" for place in range(side * side)]
    columns = Columns(
        features={pixel: {"kind": "numeric"} for pixel in names}, image={"shape": [1, side, side], "range": [0, 1]}, target="label",
    )  # fmt: skip
    frame = pd.DataFrame(x, columns=names).assign(label=y)
    return Subject(
        name=name, task="multiclass_classification", columns=columns, model=_loaded(sink.getvalue(), path, columns),
        datasets={"current": Dataset(role="current", uri=name, sha256=name, frame=frame)}, disclose=tuple(names),
    )  # fmt: skip


def _loaded(content: bytes, path: Path, columns: Columns) -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path).write_bytes(content)
        spec = ModelSpec(
            name="images", uri=str(path), sha256=hashlib.sha256(content).hexdigest(), format="torchscript",
            task="multiclass_classification",
        )  # fmt: skip
        return load_model(spec, columns, folder=Path(folder), connections=PlainConnections())


def attacked(name: str, how: str, norm: str, rows: int) -> dict[str, Any]:
    """Robust accuracy and CPU seconds of both, over the same rows."""
    check, subject = catalogue()["evasion"], subject_of(name, how, rows)
    params = check.params(samples=rows, norm=norm, epsilon=SETS[name][norm])
    result, seconds = cpu_of(lambda: check.measure(subject, params, SEED))
    (robust,) = (metric for metric in result.metrics if metric.name == "robust_accuracy")
    asked = next(metric.value for metric in result.metrics if metric.name == "queries_per_row")
    (clean,) = (metric for metric in result.metrics if metric.name == "clean_accuracy")
    theirs, their_seconds = cpu_of(lambda: art_robust_accuracy(name, how, norm, rows))
    return {
        "rows": rows, "epsilon": SETS[name][norm], "clean": clean.value, "ours": robust.value, "cpu": seconds, "asked": asked,
        "art": theirs, "art_cpu": their_seconds, "pictures": sum(one.name == "smallest_flips.svg" for one in result.artifacts),
    }  # fmt: skip


def art_robust_accuracy(name: str, how: str, norm: str, rows: int) -> float:
    """The share of rows that the network gets right and that ART's AutoAttack does not flip within the budget."""
    import torch

    # ART imports this undeclared module whether it needs it or not.
    sys.modules.setdefault("multiprocess", types.ModuleType("multiprocess"))
    from art.attacks.evasion import AutoAttack
    from art.estimators.classification import PyTorchClassifier

    side, epsilon = SETS[name]["side"], SETS[name][norm]
    _, _, x, y = pictures(name)
    x, y = x[:rows].reshape(-1, 1, side, side), y[:rows]
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    estimator = PyTorchClassifier(
        network(name, how),
        torch.nn.CrossEntropyLoss(),
        (1, side, side),
        CLASSES,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
    right = estimator.predict(x).argmax(axis=1) == y
    given, labels = x[right], y[right]
    attack = AutoAttack(estimator, norm=np.inf if norm == "linf" else 2, eps=epsilon, eps_step=epsilon / 4)
    for member in attack.attacks:
        member.verbose = False
    points = attack.generate(given, labels)
    change = (points.astype(float) - given).reshape(len(given), -1)
    sizes = np.abs(change).max(axis=1) if norm == "linf" else np.linalg.norm(change, axis=1)
    flips = (estimator.predict(points).argmax(axis=1) != labels) & (sizes <= epsilon * (1 + 1e-4))
    return float((~flips).sum() / rows)


def corrupted(name: str, how: str) -> dict[str, Any]:
    """Accuracy by corruption and severity, and CPU seconds, over all unseen rows."""
    check, subject = catalogue()["corruption"], subject_of(name, how, None)
    params = check.params(samples=subject.datasets["current"].rows)
    result, seconds = cpu_of(lambda: check.measure(subject, params, SEED))
    accuracy = {metric.key: metric.value for metric in result.metrics if metric.name == "accuracy"}
    (clean,) = (metric.value for metric in result.metrics if metric.name == "clean_accuracy")
    return {"rows": params.samples, "clean": clean, "cpu": seconds, "accuracy": accuracy}


if __name__ == "__main__":
    main()
