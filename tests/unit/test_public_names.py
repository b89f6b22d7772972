"""The public Python interface: sorted, documented, importable, and light until it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import model_governance

HEAVY = ("pandas", "numpy", "scipy", "sklearn", "matplotlib", "boto3", "pydantic", "airflow", "yaml")


def test_the_names_are_sorted_and_each_once():
    assert model_governance.__all__ == sorted(set(model_governance.__all__))
    assert set(model_governance.__all__) <= set(dir(model_governance))


@pytest.mark.parametrize("name", model_governance.__all__)
def test_each_name_can_be_imported_and_says_what_it_is(name):
    public = getattr(model_governance, name)
    assert public.__name__ == name
    assert public.__module__.startswith("model_governance.")
    assert len(inspect.getdoc(public)) > 15
    if not inspect.isclass(public):
        assert inspect.signature(public).return_annotation is not inspect.Signature.empty


def test_what_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'derive_seed'"):
        _ = model_governance.derive_seed


def test_importing_the_package_loads_nothing_heavy():
    program = f"import sys, model_governance; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_names_of_the_map_and_of_all_are_the_same():
    names = [name for several in model_governance._MODULES.values() for name in several.split()]
    assert sorted(names) == model_governance.__all__
