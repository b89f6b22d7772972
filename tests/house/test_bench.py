"""Every script of the bench can be imported: a renamed module or setting is noticed before the next measurement."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "include" / "bench"
BUSY = """
import time
def {name}(seconds=0.1, then=lambda: None):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    then()
"""


def test_every_script_imports():
    names = sorted(path.stem for path in BENCH.glob("*.py"))
    assert "run" in names
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(names)}"], cwd=BENCH, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def busy(file: str, name: str):
    """A function that keeps the CPU busy, as if it stood in this file."""
    names: dict = {}
    exec(compile(BUSY.format(name=name), file, "exec"), names)
    return names[name]


def test_cpu_is_told_apart_by_what_the_process_does(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    monkeypatch.syspath_prepend(tmp_path)
    import cpu_phases

    (tmp_path / "slow_to_import.py").write_text(BUSY.format(name="busy") + "busy(0.2)\n")
    draw = busy("/x/model_governance/checks/quality/other/figures.py", "draw")
    measure = busy("/x/model_governance/checks/quality/other/measure.py", "measure")
    load = busy("/x/model_governance/subjects/load.py", "load_subject")
    judge = busy("/x/model_governance/verdict/judgement.py", "judge")
    parse = busy("/x/include/bench/capacity_tasks.py", "parse_dag_file")

    def work():
        parse(0.1)
        load(0.15)
        measure(0.3, then=lambda: draw(0.1, then=lambda: __import__("slow_to_import")))
        judge(0.05)

    found = cpu_phases.by_phase(work)
    spent = found.seconds

    expected = {
        "imports": 0.2, "DAG file": 0.1, "reading": 0.15, "measuring": 0.3, "drawing": 0.1, "judging and evidence": 0.05,
    }  # fmt: skip
    assert spent.keys() == expected.keys()
    for phase, seconds in expected.items():
        assert abs(spent[phase] - seconds) < 0.04, (phase, spent)
    assert found.imported.keys() == {"slow_to_import"}
