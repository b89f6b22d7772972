"""Kills runs with SIGKILL, at a chosen operation of their store or at a random moment, and verifies what is left."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import project
from baseline_cases import nights_from, stand_in
from model_governance.archiving import archive_run
from model_governance.authoring.keys import make_keys
from model_governance.contract.connections import PlainConnections
from model_governance.evidence.chain import link_keys, read_link
from model_governance.evidence.manifest import FILE
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model
from model_governance.run import run_check
from model_governance.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from model_governance.store import ArtifactStore

MODEL = "synthetic"
OPERATIONS = ("put_once", "get", "keys")


@dataclass
class DyingStore:
    """A store whose process is killed at an operation, before it or after it; None: never. `count` counts them.

    `manifest_at` is the operation that stored the manifest of a run.
    """

    store: ArtifactStore
    at: int | None = None
    after: bool = False
    count: int = 0
    manifest_at: int = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if name not in OPERATIONS:
            return found

        def operation(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if name == "put_once" and str(args[0]).endswith(f"/{FILE}"):
                self.manifest_at = self.count
            if self.count == self.at and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = found(*args, **kwargs)
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return operation


@dataclass(frozen=True)
class Killed:
    """What happened to a number of runs."""

    runs: int
    died: int
    archived: int
    repaired: int
    problems: tuple[str, ...]


def one_night(small: project.Project, store: Any, moment: datetime) -> None:
    """One run of a policy with one check whose measurement is a stand-in; everything else is real."""
    run, policy = small.night(moment, f"night-{moment:%Y%m%dT%H}"), small.policy()
    done = run_check(policy, "quality", run=run, store=store, connections=PlainConnections(), check=stand_in(0.9))
    archive_run(policy, {"quality": done.summary()}, run=run, store=store)


def in_child(action: Callable[[], None], *, kill_after: float | None = None) -> bool:
    """Run in a child process, killed after so many seconds; returns whether it ended by itself, well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise AssertionError("a run that was not killed failed")
    return os.WIFEXITED(status)


def kill_runs(small: project.Project, open_store: Callable[[], ArtifactStore], *, kills: int, seed: int) -> Killed:
    """Kill so many runs, let each be followed by one that lives, and verify the archive every ten kills and at the end."""
    assert threading.active_count() == 1, "a process with threads cannot be forked safely"
    draw = random.Random(seed)
    moments = nights_from(project.DAY)
    counted, manifest_at, seconds = _measured(small, open_store, next(moments))
    points = [(at, after) for at in range(1, counted + 1) for after in (False, True)]
    draw.shuffle(points)
    points.sort(key=lambda point: point[0] <= counted // 2)  # what the archive does comes first: fewer kills reach it
    points.insert(0, (manifest_at, True))  # the link is not there yet: the next run has to repair it
    died, problems = 0, []
    for number in range(kills):
        killed, lived = next(moments), next(moments)
        if number % 2:
            kill_after = draw.uniform(0, seconds)
            died += not in_child(partial(_night_in, small, open_store, killed), kill_after=kill_after)
        else:
            at, after = points[number // 2 % len(points)]
            died += not in_child(partial(_night_in, small, lambda: DyingStore(open_store(), at, after), killed))  # noqa: B023
        assert in_child(partial(_night_in, small, open_store, lived))
        if number % 10 == 9 or number == kills - 1:
            problems += _problems(small, open_store())
    store = open_store()
    links = [read_link(store, key) for _, key in link_keys(store, MODEL)]
    archived = [key for key in store.keys("v1/runs/") if key.endswith(f"/{FILE}")]
    linked = {link.about["key"] for link in links}
    problems += [f"{key} is in no link" for key in archived if key not in linked]
    repaired = sum(not any(each["name"] == "report.html" for each in link.statement["subject"]) for link in links)
    return Killed(runs=2 * kills + 1, died=died, archived=len(archived), repaired=repaired, problems=tuple(problems))


def _night_in(small: project.Project, open_store: Callable[[], Any], moment: datetime) -> None:
    """A run in a child, with a store of its own: connections do not survive a fork."""
    one_night(small, open_store(), moment)


def _measured(
    small: project.Project, open_store: Callable[[], ArtifactStore], moment: datetime
) -> tuple[int, int, float]:
    """Operations of a run that lives, the one that stored its manifest, and its seconds."""
    store, began = DyingStore(open_store()), time.monotonic()
    one_night(small, store, moment)
    assert store.manifest_at, "no operation stored a manifest"
    return store.count, store.manifest_at, time.monotonic() - began


def _problems(small: project.Project, store: ArtifactStore) -> list[str]:
    found = verify_model(store, MODEL, trust=read_trust(small.folder / "keys" / "trust.yaml"))
    return [f"{problem.code} {problem.where} {problem.sentence}" for problem in found.problems]


def main(folder: Path, kills: int, uri: str | None) -> None:
    """Kill runs of a project in an empty folder, whose archive is there or in a bucket that the environment leads to."""
    make_keys(folder / "keys", owner="Ops", moment=project.DAY)
    small = project.small_project(folder, checks={"quality": project.CHEAP_CHECKS["quality"]})
    small.change(archive={"signing_key": "file:keys/signing_key.pem"})

    def opened() -> ArtifactStore:
        return open_store(uri or "archive", folder=folder, connections=PlainConnections())

    killed = kill_runs(small, opened, kills=kills, seed=20261129)
    print(killed)
    assert killed.problems == (), killed.problems
    assert killed.died >= kills // 3, "hardly any run was killed"
    assert killed.repaired > 0, "no kill fell between manifest and link"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
