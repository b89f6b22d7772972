"""What a name in a model file means: allowed by the loader, able to run code, or declared by nobody.

The allow-list is that of the loaders (`formats.pickle_names`); this module adds which of the refused names are dangerous.
Names are judged by their spelling alone: nothing that a file names is imported.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from model_governance.formats.pickle_names import allowed_in_pickle, allowed_in_skops, allowed_in_torchscript

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Standing = Literal["known", "dangerous", "undeclared"]
Family = Literal["pickle", "skops", "torchscript"]
ALLOWED: Mapping[Family, Callable[[str, str], bool]] = {
    "pickle": allowed_in_pickle,
    "skops": allowed_in_skops,
    "torchscript": allowed_in_torchscript,
}

# Whole modules that reach the machine, other code or other files. A model needs none of them.
_DANGEROUS_ROOTS = """
os posix nt ntpath posixpath subprocess sys runpy pty socket ssl shutil importlib imp ctypes cffi _ctypes multiprocessing
asyncio concurrent threading _thread signal resource pickle _pickle cPickle dill cloudpickle marshal shelve code codeop
pdb bdb timeit cProfile profile pstats trace doctest unittest pytest webbrowser urllib urllib2 urllib3 http httplib
ftplib smtplib telnetlib poplib imaplib nntplib xmlrpc requests httpx aiohttp paramiko tempfile glob fileinput
zipimport zipfile tarfile pip setuptools distutils ensurepip venv pkgutil pydoc site sqlite3 dbm commands popen2 platform
gc inspect linecache atexit sched antigravity idlelib tkinter turtledemo lib2to3 test _testcapi _posixsubprocess
joblib _winapi winreg msvcrt mmap fcntl pyclbr modulefinder py_compile compileall boto3 botocore
_operator _osx_support _aix_support _pyrepl django flask jinja2 mako sh plumbum pexpect fabric ansible tensorflow_io IPython
"""
DANGEROUS_ROOTS = frozenset(_DANGEROUS_ROOTS.split())
_DANGEROUS = """
builtins.eval builtins.exec builtins.compile builtins.open builtins.__import__ builtins.getattr builtins.setattr
builtins.delattr builtins.input builtins.breakpoint builtins.globals builtins.locals builtins.vars builtins.execfile
builtins.apply builtins.file builtins.map builtins.filter builtins.memoryview builtins.help builtins.exit builtins.quit
io.open io.FileIO io.open_code codecs.open codecs.lookup _io.open _io.FileIO types.FunctionType types.CodeType
types.LambdaType types.MethodType operator.attrgetter operator.methodcaller operator.itemgetter functools.reduce
copyreg.__newobj_ex__ copyreg.add_extension copyreg.pickle numpy.load numpy.loads numpy.fromfile numpy.memmap numpy.save
numpy.savez numpy.loadtxt numpy.genfromtxt numpy.fromregex numpy.tofile numpy.DataSource numpy.ctypeslib
numpy.fromfunction numpy.apply_along_axis numpy.vectorize numpy.frompyfunc numpy.piecewise numpy.ndarray.tofile
pandas.eval pandas.io pandas.core.computation pandas.read_pickle pandas.read_csv pandas.read_sql pandas.DataFrame.eval
scipy.io scipy.weave torch.load torch.save
torch.hub torch.jit torch.fx torch.utils._config_module torch.utils.data.datapipes torch.utils.cpp_extension torch.ops torch.classes torch.package torch.serialization torch.compile
torch.distributed torch.multiprocessing torch._dynamo torch._inductor torch.utils.collect_env torch.utils.bottleneck
logging.config logging.FileHandler logging.handlers sklearn.externals sklearn.utils._testing sklearn.datasets
sklearn.conftest numpy.testing numpy.f2py numpy.distutils numpy.lib.npyio numpy.lib.format numpy.core.records.fromfile
keras.layers.Lambda keras.src.layers.core.lambda_layer keras.layers.core.lambda_layer
keras.utils.get_file keras.saving tensorflow.io tensorflow.keras.utils.get_file tensorflow.raw_ops tensorflow.py_function
tensorflow.numpy_function xgboost.testing xgboost.spark xgboost.dask lightgbm.dask
"""
DANGEROUS = frozenset(_DANGEROUS.split())
# Calls that only rebuild values of well-known libraries: the loader refuses them, and they run nothing of the file.
_INERT = """
pandas._libs.internals._unpickle_block pandas.core.internals.managers.BlockManager pandas.core.indexes.base._new_Index
pandas._libs.arrays.__pyx_unpickle_NDArrayBacked pandas.core.arrays.string_.StringDtype
numpy.ma.core._mareconstruct datetime.datetime datetime.date datetime.time datetime.timedelta datetime.timezone
decimal.Decimal fractions.Fraction collections.Counter collections.deque pathlib.PosixPath pathlib.PurePosixPath
pathlib._local.PosixPath
"""
INERT_CALLS = frozenset(_INERT.split())
MODEL_ROOTS = ("sklearn", "xgboost", "lightgbm", "catboost")
# Of the modules that others import, those whose names are no words that a class of a model has.
REACHED = frozenset(
    "os posix subprocess sys runpy shutil importlib ctypes builtins __builtin__ pickle marshal socket pty platform".split()  # noqa: SIM905
)
TEST_CODE = re.compile(r"(^|\.)(tests?|conftest|_?testing)(\.|$)")


def standing(module: str, name: str, trusted: Sequence[str] = (), *, family: Family = "pickle") -> Standing:
    """The standing of a name: "known" exactly when the loader of its format allows it or the owner trusts it.

    Args:
        module: the module that a file names.
        name: the name within the module.
        trusted: dotted names or patterns (`my_package.*`) that the owner has reviewed; a dangerous name stays dangerous.
        family: which loader would read the name.
    """
    if ALLOWED[family](module, name):
        return "known"
    dotted = f"{module}.{name}"
    if is_dangerous(dotted):
        return "dangerous"
    return "known" if any(fnmatchcase(dotted, pattern) for pattern in trusted) else "undeclared"


def is_dangerous(dotted: str) -> bool:
    """Whether a dotted name can run code, reach the machine or reach test code."""
    parts = dotted.split(".")
    prefixes = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    if parts[0] in DANGEROUS_ROOTS or prefixes & DANGEROUS or TEST_CODE.search(dotted):
        return True
    # A module that another one imports is its attribute: xml.sax.saxutils.os.system.
    if any(part in REACHED for part in parts[1:]):
        return True
    rebuilt_by_cython = parts[0] in MODEL_ROOTS and parts[-1].startswith("__pyx_unpickle_")
    return any(part.startswith("__") for part in parts) and not rebuilt_by_cython
