"""One allow-list of pickle names: the loader refuses a name exactly when the scan does not call it known."""

from __future__ import annotations

import pkgutil
import warnings
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO

import pytest

from model_governance.checks.supply_chain.artifact_scan.dangerous_names import DANGEROUS, is_dangerous, standing
from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog
from model_governance.checks.supply_chain.artifact_scan.params import ScanParams
from model_governance.checks.supply_chain.artifact_scan.pickles import scan_pickle
from model_governance.errors import UntrustedModel
from model_governance.formats.estimator_names import ESTIMATOR_NAMES
from model_governance.formats.optional_names import OPTIONAL_NAMES
from model_governance.formats.pickle_names import (
    NUMPY_MODULES,
    PICKLE_NAMES,
    REPLACED,
    SKOPS_NAMES,
    allowed_in_pickle,
    allowed_in_skops,
    allowed_in_torchscript,
)
from model_governance.subjects.loaders import restricted_pickle

LIBRARIES = ("sklearn", "xgboost", "lightgbm")
# Modules that hold test code, doubles for tests, or need a cluster: no fitted model comes from them.
NO_MODELS = {"tests", "conftest", "_testing", "testing", "_mocking", "dask", "spark", "externals", "_build_utils"}
# Others that a hostile file may name, and spellings that a dotted name would not tell apart.
TRICKS = [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"), ("__builtin__", "set"),
    ("copy_reg", "_reconstructor"), ("functools", "partial"), ("functools", "reduce"), ("datetime", "datetime"),
    ("collections", "OrderedDict"), ("collections", "Counter"), ("scipy.sparse._csr", "csr_matrix"), ("numpy", "load"),
    ("numpy.core", "multiarray.scalar"), ("numpy", "core.multiarray.scalar"), ("numpy.ndarray", ""), ("", "numpy.ndarray"),
    ("sklearn", "linear_model._logistic.LogisticRegression"), ("sklearn.linear_model", "LogisticRegression"),
    ("sklearn.linear_model._logistic", "LogisticRegression.__init__"), ("joblib.numpy_pickle", "NDArrayWrapper"),
    ("sklearn.neighbors._kd_tree", "newObj"), ("sklearn.utils.validation", "check_array"), ("my_company", "Cleaner"),
    ("torch._utils", "_rebuild_tensor_v2"), ("numpy._core._multiarray_umath", "log1p"), ("numpy.core", "log1p"),
]  # fmt: skip


def library_modules():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in LIBRARIES:
            yield import_module(library)
            for found in pkgutil.walk_packages(import_module(library).__path__, f"{library}.", onerror=lambda _: None):
                if NO_MODELS.isdisjoint(found.name.split(".")):
                    yield import_module(found.name)


@pytest.fixture(scope="module")
def library_names():
    """Every (module, name) that pickle could look up in the libraries whose models are loaded."""
    return sorted({(module.__name__, name) for module in library_modules() for name in dir(module)})


def loader_allows(module, name, protocol=4):
    unpickler = restricted_pickle.RestrictedUnpickler(BytesIO())
    unpickler.proto = protocol
    try:
        unpickler.find_class(module, name)
    except UntrustedModel:
        return False
    return True


def test_the_loader_refuses_a_name_exactly_when_the_scan_does_not_know_it(library_names):
    absent = {pair for pair in OPTIONAL_NAMES if find_spec(pair[0].partition(".")[0]) is None}
    candidates = {*library_names, *PICKLE_NAMES, *TRICKS} - absent
    candidates |= {(module, name) for module in NUMPY_MODULES for name in dir(import_module("numpy"))}
    candidates |= {tuple(dotted.rsplit(".", 1)) for dotted in DANGEROUS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refused = {pair for pair in candidates if not loader_allows(*pair)}
    unknown = {pair for pair in candidates if standing(*pair) != "known"}
    assert refused ^ unknown == set()
    assert len(candidates - refused) > 400
    assert len(refused) > 10_000


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_both_read_old_spellings_only_where_old_protocols_write_them(protocol):
    for module, name in (*TRICKS, ("__builtin__", "eval"), ("__builtin__", "xrange")):
        if "\n" in module or not module or not name:
            continue
        content = bytes([0x80, protocol]) + f"c{module}\n{name}\n.".encode()
        log = ScanLog(params=ScanParams(), declared="pickle")
        scan_pickle(content, "model", log)
        assert (log.findings == ()) == loader_allows(module, name, protocol), (module, name, protocol)


def test_the_list_holds_every_class_that_the_installed_libraries_build_models_from(library_names):
    """What the structural guard of the loader would take: estimators and their parts, under their own module."""
    wanted = {
        (module, name)
        for module, name in library_names
        if isinstance(kind := getattr(import_module(module), name), type)
        and kind.__module__ == module
        and restricted_pickle._is_model_class(kind)
    }
    missing = wanted - ESTIMATOR_NAMES - {("sklearn.calibration", "CalibrationDisplay")}
    assert missing == set(), "add these to formats/estimator_names.py"
    assert ESTIMATOR_NAMES - wanted == set(), "these are no longer in the libraries"


def test_no_allowed_name_is_on_the_list_of_dangerous_ones():
    reserved = {"joblib.numpy_pickle.NumpyArrayWrapper"}  # the loader puts its own reader in place of it
    dunder = {f"{module}.{name}" for module, name in PICKLE_NAMES if name.startswith("__")}
    allowed = {f"{module}.{name}" for module, name in PICKLE_NAMES} - reserved - dunder
    assert [dotted for dotted in sorted(allowed) if is_dangerous(dotted)] == []


def test_the_loader_replaces_exactly_the_names_on_the_list():
    assert set(restricted_pickle.STAND_INS) == REPLACED


def test_skops_and_torchscript_have_their_own_families():
    assert all(allowed_in_skops(*dotted.rsplit(".", 1)) for dotted in SKOPS_NAMES)
    assert allowed_in_skops("sklearn.neighbors._kd_tree", "KDTree")
    assert not allowed_in_skops("sklearn.utils._testing", "MinimalClassifier")
    assert not allowed_in_skops("os", "system")
    assert allowed_in_torchscript("__torch__.module", "Net")
    assert allowed_in_torchscript("torch._utils", "_rebuild_tensor_v2")
    assert not allowed_in_torchscript("torch", "load")
    assert not allowed_in_pickle("torch._utils", "_rebuild_tensor_v2")
    assert standing("__torch__.module", "Net", family="torchscript") == "known"
    assert standing("__torch__.module", "Net") == "dangerous"
