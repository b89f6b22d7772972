"""Runs the tests of a room once as it is, then once per mutant, each in a process forked from one that is warm.

The mutated module is never written: an import hook compiles the changed tree in the forked process. A function's
mutants meet only the tests that call it, quickest first.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mutation.mutants import mutants, mutated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType

    from mutation.mutants import Mutant

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
OPTIONS = ["-q", "-x", "--no-header", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", f"--rootdir={ROOT}"]
PATIENCE = 10.0  # seconds of processor time, and as many times what the same tests take without a mutant
IDLE = 20.0  # as many times longer a mutant may take in all, on a busy machine or waiting for what never comes


@dataclass
class Baseline:
    """What the tests do on the code as it is."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    modules: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    status: int = 1

    def tests_of(self, module: str, mutant: Mutant) -> list[str]:
        """The tests that call the mutant's function, quickest first; all of them where it runs on import."""
        names = {
            test for test, calls in self.calls.items() if any(_covers(call, module, mutant.scope) for call in calls)
        }
        called_on_import = "" in names or not _is_function(module, mutant.scope)
        chosen = self.seconds if called_on_import else names
        return sorted(chosen, key=lambda test: (self.seconds[test], test))


def _covers(call: tuple[str, str], module: str, scope: str) -> bool:
    name = call[1].split(".<locals>")[0]
    return call[0] == module and (scope == name or scope.startswith(f"{name}."))


def _is_function(module: str, scope: str) -> bool:
    """Whether a scope is a function or method, rather than a module or class body."""
    import ast

    body: list[ast.stmt] = ast.parse((PLUGINS / module).read_text(encoding="utf-8")).body
    for name in scope.split("."):
        node = next((one for one in body if getattr(one, "name", None) == name), None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return True
        body = getattr(node, "body", [])
    return False


class Recorder:
    """A pytest plugin that notes for each test its seconds and the functions it calls in some modules."""

    def __init__(self, baseline: Baseline, paths: dict[str, str]) -> None:
        self.baseline = baseline
        self.paths = paths
        self.test = ""

    @contextmanager
    def profiling(self) -> Iterator[None]:
        """Notes every call from here on."""
        import threading

        sys.setprofile(self._note)
        threading.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]

    def _note(self, frame: object, event: str, _: object) -> None:
        code: CodeType = frame.f_code  # type: ignore[attr-defined]
        module = self.paths.get(code.co_filename) if event == "call" else None
        if module is not None:
            self.baseline.calls[self.test].add((module, code.co_qualname))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """One test, with its fixtures."""
        self.test, started = item.nodeid, time.process_time()
        try:
            return (yield)
        finally:
            self.baseline.seconds[item.nodeid] = time.process_time() - started
            self.test = ""


class Refusal:
    """An import hook that lets nobody import some modules."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """No spec of any module, and an error for those refused."""
        if name in self.names:
            raise ImportError(f"{name} is mutated later")


class MutantFinder:
    """An import hook that gives one module its mutated code."""

    def __init__(self, name: str, path: Path, position: int) -> None:
        self.name = name
        self.path = path
        self.position = position

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """The spec of the mutated module; of every other none."""
        if name != self.name:
            return None
        folders = [str(self.path.parent)] if self.path.name == "__init__.py" else None
        loader = MutantLoader(name, str(self.path), self.position)
        return spec_from_file_location(name, self.path, loader=loader, submodule_search_locations=folders)


class MutantLoader(SourceFileLoader):
    """Compiles the changed syntax tree; nothing is written, no byte code is read."""

    def __init__(self, name: str, path: str, position: int) -> None:
        super().__init__(name, path)
        self.position = position

    def get_code(self, fullname: str) -> CodeType:
        """The code of the mutant."""
        source = Path(self.path).read_text(encoding="utf-8")
        return compile(mutated(source, self.position), self.path, "exec")


def prepare() -> None:
    """Settings that every test process inherits."""
    sys.path[:0] = [str(PLUGINS), str(ROOT / "tests")]
    os.chdir(ROOT)
    for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[pool] = "1"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with suppress(ImportError):
        from hypothesis import Phase, settings

        # A failure is enough; the smallest one is not looked for.
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile(
            "mutation", derandomize=True, database=None, deadline=None, max_examples=40, phases=phases
        )
        settings.load_profile("mutation")


def measure(modules: Sequence[str], tests: Sequence[str]) -> Baseline:
    """The baseline, from a forked process, so that this one imports nothing of ours; libraries are then preloaded."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "baseline"
        process = os.fork()
        if process == 0:
            try:
                _record(modules, tests, answer, Path(folder) / "tests")
            finally:
                os._exit(1)
        os.waitpid(process, 0)
        baseline: Baseline = pickle.loads(answer.read_bytes()) if answer.is_file() else Baseline()
    if baseline.status == 0:
        for name in baseline.modules:
            with suppress(Exception):
                importlib.import_module(name)
        preload_ours(baseline.own, {module_name(module) for module in modules})
    gc.freeze()  # what is loaded by now is not searched again by every collection of every forked process
    return baseline


def preload_ours(names: Sequence[str], mutable: set[str]) -> None:
    """Imports our modules that import none of the modules to be mutated: a mutant reaches what is imported after it."""
    refusal = Refusal(mutable)
    sys.meta_path.insert(0, refusal)
    for name in names:
        with suppress(Exception):
            importlib.import_module(name)
    sys.meta_path.remove(refusal)
    for name in [name for name in sys.modules if name.startswith("model_governance.")]:
        parts = name.split(".")
        if any(".".join(parts[:depth]) not in sys.modules for depth in range(1, len(parts))):
            del sys.modules[name]  # its package could not be imported, so it will be again
    if mutable & set(sys.modules):
        raise RuntimeError(f"a mutant would not reach {', '.join(mutable & set(sys.modules))}")


def _record(modules: Sequence[str], tests: Sequence[str], answer: Path, folder: Path) -> None:
    baseline = Baseline()
    recorder = Recorder(baseline, {str(PLUGINS / module): module for module in modules})
    with recorder.profiling():
        baseline.status = int(pytest.main([*OPTIONS, f"--basetemp={folder}", *tests], plugins=[recorder]))
    baseline.modules = [name for name, module in list(sys.modules.items()) if _is_library(name, module)]
    baseline.own = [name for name in sys.modules if name.startswith("model_governance") and "orchestration" not in name]
    baseline.calls = dict(baseline.calls)
    answer.write_bytes(pickle.dumps(baseline))


def _is_library(name: str, module: object) -> bool:
    """Whether a module can be imported before any of ours. Airflow cannot: its tests first give it a home."""
    path = getattr(module, "__file__", None)
    return bool(path) and not Path(path).is_relative_to(ROOT) and not name.startswith(("airflow", "__"))


def start(module: str, position: int, tests: Sequence[str], *, limit: float, folder: Path) -> int:
    """Forks a process that runs the tests on a mutant; its exit status is that of pytest."""
    process = os.fork()
    if process:
        return process
    for number, timer, seconds in (
        (signal.SIGPROF, signal.ITIMER_PROF, limit),
        (signal.SIGALRM, signal.ITIMER_REAL, limit * IDLE),
    ):
        signal.signal(number, signal.SIG_DFL)
        signal.setitimer(timer, seconds)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.meta_path.insert(0, MutantFinder(module_name(module), PLUGINS / module, position))
    status = 1
    with suppress(BaseException):
        status = int(pytest.main([*OPTIONS, f"--basetemp={folder}", *tests]))
    os._exit(status)


def module_name(module: str) -> str:
    """The name under which the module at a path is imported."""
    return module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def trials(modules: Sequence[str], baseline: Baseline, chosen: dict[str, list[int]], *, workers: int) -> Iterator[dict]:
    """The outcome of every chosen mutant: killed, timeout, survived or unreached."""
    running: dict[int, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        for module in modules:
            listed = mutants((PLUGINS / module).read_text(encoding="utf-8"))
            for position in chosen[module]:
                mutant = listed[position]
                outcome = {"module": module, "name": mutant.name, "line": mutant.line}
                tests = baseline.tests_of(module, mutant)
                if not tests:
                    yield outcome | {"outcome": "unreached"}
                    continue
                while len(running) >= workers:
                    yield _finished(running)
                limit = PATIENCE + PATIENCE * sum(baseline.seconds[test] for test in tests)
                place = Path(folder) / f"{position}-{module.replace('/', '-')}"
                running[start(module, position, tests, limit=limit, folder=place)] = outcome
        while running:
            yield _finished(running)


def control(module: str, baseline: Baseline) -> bool:
    """Whether the tests pass, called one by one, on a module that went through the hook unchanged."""
    with tempfile.TemporaryDirectory() as folder:
        process = start(module, -1, list(baseline.seconds), limit=600, folder=Path(folder) / "tests")
        return os.waitpid(process, 0)[1] == 0


def _finished(running: dict[int, dict]) -> dict:
    process, status = os.wait()
    outcome = running.pop(process)
    if os.WIFSIGNALED(status):
        return outcome | {"outcome": "timeout"}
    return outcome | {"outcome": "survived" if os.WEXITSTATUS(status) == 0 else "killed"}
