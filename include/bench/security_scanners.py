"""Compares the verdicts of artifact_scan with those of modelscan over malicious and benign files; writes SCANNERS.md.

    python3.11 -m venv .venv-peer-modelscan && .venv-peer-modelscan/bin/pip install modelscan==0.8.8
    make bench PART=security_scanners

modelscan judges names by a list of forbidden ones. It stays in an environment of its own, and only looks at the files.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from model_governance.checks.supply_chain.artifact_scan.params import ScanParams  # noqa: E402
from model_governance.checks.supply_chain.artifact_scan.scan import scan_file  # noqa: E402
from model_governance.contract.subject import ModelFile  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

PEER = Path(os.environ.get("MODELSCAN_PYTHON", ROOT / ".venv-peer-modelscan" / "bin" / "python"))
PAGE = Path(__file__).with_name("SCANNERS.md")
VERSION = "0.8.8"
STOPS = "it does not read past the arrays and frames of joblib and numpy, or past what is damaged"
FORBIDDEN = "the callable is not on its list of forbidden names"
MEMORY = "nothing is called that it could forbid: a type of numpy is given a state that leads into foreign memory"
HARMLESS = "no code runs; ours refuses to load what no library writes"
BOMB = "nothing is called that it could forbid: loading takes memory or time without end"
REASONS: dict[str, tuple[str, ...]] = {
    STOPS: (
        "beside", "beside_compressed", "object_array", "object_array_compressed", "broken_tail", "numpy_file",
        "wrapper_by_the_reconstructor", "wrapper_by_another_call", "array_from_another_file",
    ),
    FORBIDDEN: (
        "numpy_load", "joblib_load", "timeit", "ctypes_library", "import_module", "logging_config", "open", "urlopen",
        "lambda", "estimator called", "function of scikit-learn", "module in a name", "re-exported module", "test code",
        "booster from a path", "reconstructor with a state", "random generator through another callable",
        "arguments that are no tuple", "plain class made with arguments", "registered extension",
    ),
    MEMORY: (
        "array over bytes", "array over bytes, without a call", "dtype that hides its pointers",
        "dtype with a hidden object field", "dtype with a field beyond its end", "dtype of another size", "dtype from a dict",
        "string type that holds pointers",
    ),
    HARMLESS: (
        "state of a class", "opcode OBJ", "append to what is no list", "item of what is no dict", "partial of anything",
    ),
    BOMB: (
        "hash of a doubled tuple", "member of a set", "set of a range", "list of a set of a range", "bytes of a size",
        "bytearray of a range", "array of a size", "keys of one hash", "one list, many sets",
    ),
}  # fmt: skip
"""Why modelscan names nothing in a malicious file in which ours does."""
ASK = """
import json, logging, pathlib, sys
logging.disable(logging.CRITICAL)
from modelscan.modelscan import ModelScan
answers = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    found = ModelScan().scan(str(path))
    answers[path.stem] = {
        "issues": sorted({f"{issue['module']}.{issue['operator']}" for issue in found["issues"]}),
        "errors": sorted({error.get("category", "error") for error in found["errors"]}),
        "scanned": found["summary"]["scanned"]["total_scanned"],
    }
print(json.dumps(answers))
"""


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What both say of one file: ours `dangerous`, `unscanned`, `suspicious` or `clean`; theirs `issues`, `error` or `clean`."""

    name: str
    malicious: bool
    ours: str
    theirs: str
    named: tuple[str, ...]


def malicious_files(folder: Path) -> dict[str, bytes]:
    """Live payloads, two readings and bombs, none of which is run; files that they would write go into the folder."""
    from unit.acceptance.test_input_cases_scan import BOMBS, TWO_READINGS
    from unit.subjects.test_hostile_pickles import PLANTS, corpus

    files = corpus(folder) | {name: plant() for name, plant in PLANTS.items()} | BOMBS
    return files | {made.__name__: made(folder / "marker") for made in TWO_READINGS}


def benign_files() -> dict[str, bytes]:
    """Models that people deploy, as pickle and as joblib file."""
    import joblib
    from sklearn import clone

    from unit.acceptance.test_input_cases_corpus import BENIGN, X, Y

    files = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, model in BENIGN.items():
            fitted, sink = clone(model).fit(X, Y), io.BytesIO()
            joblib.dump(fitted, sink)
            files |= {f"{name}, pickle": pickle.dumps(fitted), f"{name}, joblib": sink.getvalue()}
    return files


def our_verdict(content: bytes) -> str:
    """The worst that artifact_scan finds in a file that is called joblib, which is read as pickle too."""
    file = ModelFile(uri="model.joblib", format="joblib", sha256="0" * 64, content=content)
    severities = {finding.severity for finding in scan_file(file, ScanParams()).findings}
    return next((name for name in ("dangerous", "unscanned", "suspicious") if name in severities), "clean")


def their_answers(files: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    """What modelscan answers, by the name of the file."""
    with tempfile.TemporaryDirectory() as folder:
        names = {f"f{number:03}": name for number, name in enumerate(files)}
        for stem, name in names.items():
            ending = "joblib" if name.endswith("joblib") else "pkl"
            (Path(folder) / f"{stem}.{ending}").write_bytes(files[name])
        done = subprocess.run([PEER, "-c", ASK, folder], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise SystemExit(f"modelscan ended with {done.returncode}: {done.stderr[-500:]}")
    return {names[stem]: answer for stem, answer in json.loads(done.stdout.splitlines()[-1]).items()}


def compared() -> list[Verdicts]:
    """Both verdicts of every file."""
    with tempfile.TemporaryDirectory() as folder:
        malicious = malicious_files(Path(folder))
    files = malicious | benign_files()
    answers = their_answers(files)
    return [
        Verdicts(
            name=name,
            malicious=name in malicious,
            ours=our_verdict(content),
            theirs="issues" if answers[name]["issues"] else "error" if answers[name]["errors"] else "clean",
            named=tuple(answers[name]["issues"]),  # type: ignore[arg-type]
        )
        for name, content in files.items()
    ]


def reason_of(verdicts: Verdicts) -> str:
    """Why the two differ, empty where that is not known; `-` where they do not."""
    if verdicts.malicious:
        if verdicts.theirs == "issues":
            return "-" if verdicts.ours == "dangerous" else ""
        return next((reason for reason, names in REASONS.items() if verdicts.name in names), "")
    if verdicts.ours != "clean" or verdicts.theirs == "issues":
        return ""
    return STOPS if verdicts.theirs == "error" else "-"


def page(rows: list[Verdicts]) -> str:
    """Counts, and the reason of every difference."""
    lines = [
        f"# artifact_scan beside modelscan {VERSION}", "",
        (
        "`make bench PART=security_scanners` writes this page: live payloads, files with two readings and bombs, and models that "
        "people deploy, given to both scanners. None of the files is loaded."), "",
        "| files | count | dangerous to ours | suspicious to ours | clean to ours | issues of modelscan | modelscan could not read | clean to modelscan |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for malicious, name in ((True, "malicious"), (False, "benign")):
        these = [row for row in rows if row.malicious == malicious]
        ours = [sum(row.ours == word for row in these) for word in ("dangerous", "suspicious", "clean")]
        theirs = [sum(row.theirs == word for row in these) for word in ("issues", "error", "clean")]
        lines.append(f"| {' | '.join(map(str, (name, len(these), *ours, *theirs)))} |")
    lines += ["", "| where modelscan names nothing, or says nothing | files |", "|---|---|"]
    reasons = {reason: [row.name for row in rows if reason_of(row) == reason] for reason in (*REASONS, "")}
    lines += [
        f"| {reason or '**unexplained**'} | {len(names)}: {', '.join(names)[:600]} |"
        for reason, names in reasons.items()
        if names
    ]
    return "\n".join([*lines, ""])


def main() -> int:
    """Compare and write the page; 1 where a difference has no reason."""
    rows = compared()
    PAGE.write_text(page(rows))
    print(PAGE.read_text())
    return int(any(not reason_of(row) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
