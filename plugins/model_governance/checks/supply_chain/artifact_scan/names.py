"""What a name in a model file means: a known part of models, something that can run code, or nobody knows.

Judged by its spelling alone. Nothing that a file names is ever imported here.
"""

from __future__ import annotations

import _compat_pickle
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Standing = Literal["known", "dangerous", "undeclared"]

# Whole modules that reach the machine, other code or other files. A model needs none of them.
_DANGEROUS_ROOTS = """
os posix nt ntpath posixpath subprocess sys runpy pty socket ssl shutil importlib imp ctypes cffi _ctypes multiprocessing
asyncio concurrent threading _thread signal resource pickle _pickle cPickle dill cloudpickle marshal shelve code codeop
pdb bdb timeit cProfile profile pstats trace doctest unittest pytest webbrowser urllib urllib2 urllib3 http httplib
ftplib smtplib telnetlib poplib imaplib nntplib xmlrpc requests httpx aiohttp paramiko tempfile glob fileinput
zipimport zipfile tarfile pip setuptools distutils ensurepip venv pkgutil pydoc site sqlite3 dbm commands popen2 platform
gc inspect linecache atexit sched antigravity idlelib tkinter turtledemo lib2to3 test _testcapi _posixsubprocess
joblib _winapi winreg msvcrt mmap fcntl pyclbr modulefinder py_compile compileall boto3 botocore
django flask jinja2 mako sh plumbum pexpect fabric ansible tensorflow_io IPython
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
torch.hub torch.jit torch.utils.cpp_extension torch.ops torch.classes torch.package torch.serialization torch.compile
torch.distributed torch.multiprocessing torch._dynamo torch._inductor torch.utils.collect_env torch.utils.bottleneck
logging.config logging.FileHandler logging.handlers sklearn.externals sklearn.utils._testing sklearn.datasets
sklearn.conftest numpy.testing numpy.f2py numpy.distutils numpy.lib.npyio numpy.lib.format numpy.core.records.fromfile
keras.layers.Lambda keras.src.layers.core.lambda_layer keras.layers.core.lambda_layer
keras.utils.get_file keras.saving tensorflow.io tensorflow.keras.utils.get_file tensorflow.raw_ops tensorflow.py_function
tensorflow.numpy_function xgboost.testing xgboost.spark xgboost.dask lightgbm.dask
"""
DANGEROUS = frozenset(_DANGEROUS.split())
_KNOWN = """
builtins.set builtins.frozenset builtins.complex builtins.bytes builtins.bytearray builtins.range builtins.slice
builtins.object builtins.bool builtins.int builtins.float builtins.str builtins.list builtins.dict builtins.tuple
builtins.type builtins.NoneType builtins.Ellipsis builtins.NotImplemented collections.OrderedDict collections.defaultdict
collections.Counter collections.deque _codecs.encode copyreg._reconstructor copyreg.__newobj__ datetime.datetime
datetime.date datetime.timedelta decimal.Decimal fractions.Fraction uuid.UUID numpy.ndarray numpy.dtype numpy.matrix
numpy.core.multiarray._reconstruct numpy._core.multiarray._reconstruct numpy.core.multiarray.scalar
numpy._core.multiarray.scalar numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer
numpy.random._pickle.__bit_generator_ctor numpy.random._pickle.__generator_ctor numpy.random._pickle.__randomstate_ctor
numpy.random.bit_generator.__pyx_unpickle_SeedSequence numpy.random.bit_generator.SeedSequence
numpy.random._mt19937.MT19937 numpy.random._pcg64.PCG64 numpy.random._generator.Generator
numpy.random.mtrand.RandomState joblib.numpy_pickle.NumpyArrayWrapper joblib.numpy_pickle.NDArrayWrapper
scipy.sparse._csr.csr_matrix scipy.sparse._csc.csc_matrix scipy.sparse._coo.coo_matrix scipy.sparse._csr.csr_array
scipy.sparse._csc.csc_array scipy.sparse.csr.csr_matrix sklearn.utils.validation.check_array torch.Size torch.device
torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2 torch._utils._rebuild_parameter
torch._utils._rebuild_device_tensor_from_numpy torch.jit._pickle.build_intlist torch.jit._pickle.build_tensorlist
torch.jit._pickle.build_doublelist torch.jit._pickle.build_boollist torch.jit._pickle.build_tensor_from_id
torch.jit._pickle.restore_type_tag
"""
KNOWN = frozenset(_KNOWN.split())
MODEL_ROOTS = ("sklearn", "xgboost", "lightgbm", "catboost")
CLASS = re.compile(r"_?[A-Z]\w*")
TORCH_DATA = re.compile(
    r"torch\.(\w+Storage|(storage\.\w+Storage)|b?float\d*|u?int\d+|bool|double|half|long|short|complex\d+)"
)
INSIDE = re.compile(r"(^|\.)(tests?|conftest|_?testing)(\.|$)")


def standing(name: str, trusted: Sequence[str]) -> Standing:
    """What a dotted name is to a model; `trusted` are names or patterns that the owner has reviewed."""
    parts = name.split(".")
    prefixes = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    if name in KNOWN:
        return "known"
    if (
        parts[0] in DANGEROUS_ROOTS
        or prefixes & DANGEROUS
        or INSIDE.search(name)
        or any(one.startswith("__") for one in parts)
    ):
        return "known" if "__pyx_unpickle_" in parts[-1] and parts[0] in MODEL_ROOTS else "dangerous"
    if any(fnmatchcase(name, one) for one in trusted) or _model_part(name, parts):
        return "known"
    return "undeclared"


def _model_part(name: str, parts: list[str]) -> bool:
    if parts[0] in MODEL_ROOTS:
        # newObj: how the trees of scikit-learn's neighbours are made.
        return bool(CLASS.fullmatch(parts[-1])) or parts[-1] == "newObj"
    if parts[0] == "torch":
        return bool(TORCH_DATA.fullmatch(name)) or (parts[:2] == ["torch", "nn"] and bool(CLASS.fullmatch(parts[-1])))
    return parts[0] == "numpy" and _plain_numpy(parts)


def _plain_numpy(parts: list[str]) -> bool:
    """A number type or an element-wise function of numpy."""
    import numpy as np

    home = parts[1:-1] in ([], ["core", "_multiarray_umath"], ["_core", "_multiarray_umath"], ["_core", "umath"])
    # vars, not getattr: numpy imports more of itself when asked for a name that it lacks.
    found = vars(np).get(parts[-1])
    return home and (isinstance(found, np.ufunc) or (isinstance(found, type) and issubclass(found, np.generic)))


def modern(module: str, name: str) -> str:
    """A dotted name with Python 2's spelling put right, as an unpickler of protocol 0 to 2 does."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return ".".join(_compat_pickle.NAME_MAPPING[module, name])
    return f"{_compat_pickle.IMPORT_MAPPING.get(module, module)}.{name}"
