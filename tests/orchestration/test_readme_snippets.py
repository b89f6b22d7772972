"""The Python that the README and the guide to Airflow tell a reader to put into a DAG file."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from airflow.utils.file import might_contain_dag

import model_governance.orchestration as public

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
GUIDE = ROOT / "include" / "docs" / "pages" / "guides" / "airflow.md"


def snippets(page: Path) -> list[str]:
    found = re.findall(r"^( *)```python[^\n]*\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    return ["\n".join(line.removeprefix(indent) for line in body.splitlines()) for indent, body in found]


@pytest.mark.parametrize("page", [README, GUIDE], ids=lambda page: page.name)
def test_the_dag_file_of_a_folder_of_policies(page, policy_file, tmp_path):
    snippet = next(text for text in snippets(page) if "governance_dags" in text)
    folder = tmp_path / "policies"
    folder.mkdir()
    shutil.copy(policy_file(), folder / "one.yaml")
    names: dict = {}
    exec(snippet.replace("/opt/airflow/include/policies", str(folder)), names)
    assert [name for name in names if name.startswith("governance_") and name != "governance_dags"]


@pytest.mark.parametrize("page", [README, GUIDE], ids=lambda page: page.name)
def test_the_dag_file_of_the_documentation_is_found_from_any_path(page, tmp_path):
    """A4: Airflow's safe mode reads only files with certain words, and the path need not hold them."""
    snippet = next(text for text in snippets(page) if "governance_dags" in text)
    file = tmp_path / "models.py"
    file.write_text(snippet.replace("/opt/airflow/include/policies", "/srv/policies"))
    assert might_contain_dag(str(file), safe_mode=True)


def test_the_retraining_dag():
    names: dict = {}
    snippet = next(text for text in snippets(GUIDE) if "retraining_asset" in text)
    exec(snippet + "\nmade = retrain()", names)
    assert names["made"].timetable.asset_condition is not None


def test_everything_that_is_public_can_be_imported_and_is_sorted():
    assert public.__all__ == sorted(public.__all__)
    for name in public.__all__:
        assert getattr(public, name).__name__ == name
