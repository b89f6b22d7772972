"""Runs the tests of what changed since the branch left main, and says which these are.

A changed module is tested by the tests that mirror its place: `verdict/judgement.py` by the folder `tests/unit/verdict`,
`checks/.../fairness/measure.py` by `test_fairness*.py`. A changed test is run itself, a changed module of test cases
by the tests that import it. What nothing mirrors is named, so that nobody takes silence for a pass. `make test` runs
everything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = PurePosixPath("plugins/model_governance")
TESTS = PurePosixPath("tests")
UNIT = TESTS / "unit"
HOUSE = TESTS / "house" / "test_house.py"
ELSEWHERE = {"system": "make test-system", "neural": "make test-torch"}
BY_HOUSE_TESTS = {
    "Makefile": "test_makefile.py",
    ".ci/changed_tests.py": "test_changed_tests.py",
    ".github/workflows/ci.yml": "test_habits.py",
    ".pre-commit-config.yaml": "test_habits.py",
    "README.md": "test_readme.py",
}


def main() -> int:
    """Choose, print, run; the exit status is that of pytest."""
    base = merge_base()
    changed = changed_files(base)
    chosen, unmapped = choose(changed, root=ROOT)
    print(f"{len(changed)} changed files since {base[:12]}; tests chosen:")
    for path in chosen:
        print(f"  {path}")
    for path, reason in unmapped.items():
        print(f"  not tested here: {path} ({reason})")
    if not chosen:
        print("  none")
        return 0
    sys.stdout.flush()
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-m", "not torch and not system", *chosen]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def merge_base() -> str:
    """Where the branch left main; HEAD on main itself, so that what is not committed counts."""
    for name in (os.environ.get("BASE", ""), "origin/main", "main"):
        if name:
            found = git("merge-base", "HEAD", name)
            if found:
                return found[0]
    return git("rev-parse", "HEAD")[0]


def changed_files(base: str) -> list[str]:
    """Files that differ from a commit, committed or not, new ones included and removed ones left out."""
    differing = git("diff", "--name-only", "--diff-filter=d", base)
    return sorted({*differing, *git("ls-files", "--others", "--exclude-standard")})


def git(*arguments: str) -> list[str]:
    """The lines that git prints; none where it refuses."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def choose(changed: list[str], *, root: Path) -> tuple[list[str], dict[str, str]]:
    """The test files and folders to run, and for each file without tests the reason."""
    chosen: set[PurePosixPath] = set()
    unmapped: dict[str, str] = {}
    for name in changed:
        path = PurePosixPath(name)
        tests = tests_of(path, root=root)
        if isinstance(tests, str):
            unmapped[name] = tests
        else:
            chosen.update(tests)
    covered = {path for path in chosen if chosen & set(path.parents)}
    return sorted(map(str, chosen - covered)), unmapped


def tests_of(path: PurePosixPath, *, root: Path) -> set[PurePosixPath] | str:
    """The tests of one changed file, or why there are none."""
    if path.is_relative_to(PACKAGE) and path.suffix == ".py":
        mirrored = mirror(path.relative_to(PACKAGE), root=root)
        return mirrored | house(HOUSE, root=root) if mirrored else "no test mirrors it; run make test"
    if path.is_relative_to(TESTS) and path.suffix == ".py":
        return tests_of_test(path, root=root)
    if str(path) in BY_HOUSE_TESTS:
        return house(TESTS / "house" / BY_HOUSE_TESTS[str(path)], root=root) or "its test is missing"
    return "no test mirrors it"


def house(path: PurePosixPath, *, root: Path) -> set[PurePosixPath]:
    """A test of the house where it exists."""
    return {path} if (root / path).is_file() else set()


def mirror(module: PurePosixPath, *, root: Path) -> set[PurePosixPath]:
    """The folder of tests at the module's place, else the tests that are called after it or after a folder around it.

    Of a folder with folders inside, only the tests at its own level: those inside mirror other modules.
    """
    parents = module.parent.parts
    folder = UNIT.joinpath(*parents)
    if parents and (root / folder).is_dir():
        own = {folder / path.name for path in (root / folder).glob("test_*.py")}
        has_rooms = any((root / folder).glob("*/test_*.py"))
        return own if own and has_rooms else {folder}
    names = [*parents, module.stem] if module.stem != "__init__" else [*parents]
    for depth in range(len(names) - 1, -1, -1):
        for start in (UNIT, TESTS):
            found = called_after(names[depth], within=nearest_folder(start, names[:depth], root=root), root=root)
            if found:
                return found
    return set()


def nearest_folder(start: PurePosixPath, parts: list[str], *, root: Path) -> PurePosixPath:
    """The innermost folder of tests that exists on the way to the mirrored one."""
    folder = start
    for part in parts:
        if not (root / folder / part).is_dir():
            break
        folder /= part
    return folder


def called_after(name: str, *, within: PurePosixPath, root: Path) -> set[PurePosixPath]:
    """Test files and folders of a name, searched below a folder; all of `tests` is searched at its top only."""
    search = (root / within).rglob if within != TESTS else (root / within).glob
    found = [*search(f"test_{name}.py"), *search(f"test_{name}_*.py")]
    if within != UNIT and within != TESTS:
        found.extend(path for path in search(name) if path.is_dir())
    return {PurePosixPath(path.relative_to(root).as_posix()) for path in found}


def tests_of_test(path: PurePosixPath, *, root: Path) -> set[PurePosixPath] | str:
    """A changed test itself; for a module of test cases the tests that import it."""
    room = path.parts[1] if len(path.parts) > 2 else ""
    if room in ELSEWHERE:
        return f"run {ELSEWHERE[room]}"
    if path.name.startswith("test_"):
        return {path}
    if path.name == "conftest.py":
        return "every test below it depends on it; run make test"
    imports = re.compile(rf"^(?:from|import) {re.escape(path.stem)}\b", re.MULTILINE)
    users = {
        PurePosixPath(test.relative_to(root).as_posix())
        for test in (root / TESTS).rglob("test_*.py")
        if imports.search(test.read_text(encoding="utf-8"))
    }
    return {user for user in users if user.parts[1] not in ELSEWHERE} or "no test imports it"


if __name__ == "__main__":
    sys.exit(main())
