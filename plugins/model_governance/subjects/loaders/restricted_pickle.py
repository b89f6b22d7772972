"""An unpickler that can build models and nothing else.

A pickle is a program. This unpickler resolves only names on the allow-list of `formats.pickle_names` (Python
documentation, "Restricting Globals"), calls only what rebuilds arrays, and sets state
only on plain objects. Arrays in joblib's own layout are read here as well, so that a pickle nested
in an array of objects meets the same rules. Lists of names would not be enough: an `ndarray` made
over foreign memory, or a `dtype` whose state hides that it holds pointers, runs no function that
any list forbids, and still gives a file the memory of the process.
"""

from __future__ import annotations

import copyreg
import pickle
import re
from functools import partial
from importlib import import_module
from inspect import isfunction
from typing import TYPE_CHECKING, Any, ClassVar

from model_governance.errors import UntrustedModel
from model_governance.formats.optional_names import OPTIONAL_PACKAGES
from model_governance.formats.part_names import PART_NAMES
from model_governance.formats.pickle_calls import CALLED_MODULES
from model_governance.formats.pickle_names import (
    CALLABLE,
    CYTHON_LOSS,
    NUMPY_MODULES,
    PLAIN,
    allowed_in_pickle,
    python3_name,
)
from model_governance.subjects.loaders.native_trees import BOOSTERS, CraftedBooster, check_stored_booster
from model_governance.subjects.loaders.pickle_check import check_stream
from model_governance.subjects.loaders.pickle_rebuilt import REBUILDERS, Forged, Rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BytesIO

    import numpy as np

PythonUnpickler: Any = pickle._Unpickler  # noqa: SLF001 - the C one cannot be guarded
RECONSTRUCTOR: Any = copyreg._reconstructor  # type: ignore[attr-defined]  # noqa: SLF001

ESTIMATOR_ROOTS = ("sklearn", "xgboost", "lightgbm", *OPTIONAL_PACKAGES)
# Modules of scikit-learn whose classes are parts of fitted estimators: losses, tree nodes, calibrators, optimisers.
PART_MODULES = (
    "sklearn._loss.",
    "sklearn.ensemble._hist_gradient_boosting.binning",
    "sklearn.ensemble._hist_gradient_boosting.predictor",
    "sklearn.calibration",
    "sklearn.linear_model._sgd_fast",
    "sklearn.neural_network._stochastic_optimizers",
)
STATEFUL_ROOTS = (*ESTIMATOR_ROOTS, "numpy", __name__.split(".")[0])
# Kind and size as numpy writes them. Newer kinds (StringDType) hold pointers that their raw bytes would forge.
PLAIN_DTYPE = re.compile(r"[biufcmMSUVO]\d*")


class RestrictedUnpickler(PythonUnpickler):
    """Reads pickle and joblib streams; raises UntrustedModel at the first thing a model never needs.

    Built on the Python unpickler because every opcode that calls or assigns has to be guarded.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(PythonUnpickler.dispatch)

    def __init__(self, stream: BytesIO) -> None:
        super().__init__(stream)
        self.stream = stream
        self.booster_versions: set[str] = set()
        """The versions of XGBoost that wrote the boosters in the stream."""
        self._callable: dict[int, Any] = {}

    def load(self) -> Any:
        """The object in the stream, once the reader of the artifact scan has found nothing to refuse in it.

        Raises:
            UntrustedModel: it has.
            UnpicklingError: the stream is damaged.
        """
        check_stream(self.stream, _refusal)
        return super().load()

    def find_class(self, module: str, name: str) -> Any:
        """The object of this name, if models are made of such objects.

        Raises:
            UntrustedModel: they are not.
        """
        module, name = python3_name(module, name, protocol=self.proto)
        if not allowed_in_pickle(module, name):
            raise _refusal(f"names {module}.{name}")
        if (module, name) in STAND_INS:
            stand_in = STAND_INS[module, name]
            if isfunction(stand_in):
                self._callable[id(stand_in)] = stand_in
            return stand_in
        known = (module, name) in CALLABLE | PLAIN | PART_NAMES
        resolved = getattr(import_module(module), name, None) if known else _model_part(module, name)
        if resolved is None:
            raise _refusal(f"names {module}.{name}")
        if (module, name) in CALLABLE or module.startswith(CALLED_MODULES):
            self._callable[id(resolved)] = resolved
        return resolved

    def load_reduce(self) -> None:
        """REDUCE: call what may be called."""
        self._check_call(self.stack[-2], self.stack[-1])
        super().load_reduce()

    def load_newobj(self) -> None:
        """NEWOBJ: an empty object of a plain class, or what may be called."""
        kind, arguments = self.stack[-2], self.stack[-1]
        if not isinstance(kind, type) or not isinstance(arguments, tuple) or arguments:
            self._check_call(kind, arguments)
        super().load_newobj()

    def load_build(self) -> None:
        """BUILD: state for plain objects; a stored array is replaced by its values."""
        target, state = self.stack[-2], self.stack[-1]
        library = _library_of(target)
        if library is not None:
            self._check_booster(state, library)
        else:
            _check_state(target, state)
        if isinstance(target, Rebuilt):
            self._replace(target, self.stack.pop())
            return
        super().load_build()
        if isinstance(self.stack[-1], StoredArray):
            # Not as its own attribute: the state that was just set may have brought a `read` of the file's choice.
            self.stack[-1] = StoredArray.read(self.stack[-1], self.stream, versions=self.booster_versions)

    def _check_booster(self, state: Any, library: str) -> None:
        try:
            version = check_stored_booster(state, library=library)
        except CraftedBooster as error:
            raise _refusal(str(error)) from error
        self.booster_versions |= {version} - {""}

    def _replace(self, stand_in: Rebuilt, state: Any) -> None:
        """Put the object that a state describes in place of its stand-in, also where later opcodes look it up."""
        try:
            self.stack[-1] = made = stand_in.build(state)
        except (Forged, ValueError, TypeError, IndexError, KeyError) as error:
            raise _refusal(f"describes a compiled object that no library writes ({error})") from error
        for place in [place for place, item in self.memo.items() if item is stand_in]:
            self.memo[place] = made

    def _check_call(self, function: Any, arguments: Any) -> None:
        if self._callable.get(id(function)) is not function:
            raise _refusal(f"calls {_spell(function)}")
        if not isinstance(arguments, tuple):
            raise _refusal(f"calls {_spell(function)} with something else than arguments")
        _check_arguments(function, arguments)

    def _check_target(self, target: Any, expected: type) -> None:
        if not isinstance(target, expected):
            raise _refusal(f"adds items to {_spell(target)}")


class ArrayMarker:
    """Stands where a pickle names `numpy.ndarray`, which is never handed out: it can be laid over foreign memory."""


def empty_array(marker: Any, shape: Any, code: Any) -> np.ndarray:
    """What numpy's `_reconstruct` returns before its state is set.

    Raises:
        UntrustedModel: another type than ndarray is asked for.
    """
    import numpy as np

    if marker is not ArrayMarker:
        raise _refusal(f"builds a {_spell(marker)} as an array")
    return np.empty(shape, dtype=code)


class StoredArray:
    """What joblib writes in place of an array: its shape, followed by its bytes in the same stream."""

    shape: tuple[int, ...] = ()
    order: str = "C"
    dtype: Any = None
    numpy_array_alignment_bytes: int | None = None

    def read(self, stream: BytesIO, *, versions: set[str]) -> np.ndarray:
        """The array, from the position of the stream; `versions` takes up those of boosters in it.

        Raises:
            UntrustedModel: its description is none that joblib writes.
            ValueError: the stream ends too early.
        """
        import numpy as np

        if not isinstance(self.dtype, np.dtype) or not all(type(size) is int and size >= 0 for size in self.shape):
            raise _refusal("describes an array by something else than a dtype and a shape")
        if self.dtype.hasobject:
            unpickler = RestrictedUnpickler(stream)
            nested = PythonUnpickler.load(unpickler)  # checked before, with the stream around it
            versions |= unpickler.booster_versions
            if not isinstance(nested, np.ndarray):
                raise _refusal(f"stores a {type(nested).__name__} as an array")
            return nested
        if self.numpy_array_alignment_bytes is not None:
            stream.read(int.from_bytes(stream.read(1), "little"))
        size = int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize
        content = stream.read(size)
        if len(content) != size:
            raise ValueError(f"the file ends inside an array: {len(content)} of {size} bytes")
        flat = np.frombuffer(bytearray(content), dtype=self.dtype)
        return flat.reshape(self.shape, order="F" if self.order == "F" else "C")


STAND_INS: dict[tuple[str, str], Any] = {
    **REBUILDERS,
    ("numpy", "ndarray"): ArrayMarker,
    ("numpy.core.multiarray", "_reconstruct"): empty_array,
    ("numpy._core.multiarray", "_reconstruct"): empty_array,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): StoredArray,
}


def _guard_items(name: str, expected: type, place: Callable[[Any], Any]) -> Callable[[Any], None]:
    original = getattr(PythonUnpickler, name)

    def guarded(self: RestrictedUnpickler) -> None:
        self._check_target(place(self), expected)
        original(self)

    return guarded


def _refuse_opcode(name: str) -> Callable[[Any], None]:
    def refused(_: RestrictedUnpickler) -> None:
        raise _refusal(f"uses the opcode {name}, which no model needs")

    return refused


def _guards() -> Iterator[tuple[bytes, Callable[[Any], None]]]:
    yield pickle.REDUCE, RestrictedUnpickler.load_reduce
    yield pickle.NEWOBJ, RestrictedUnpickler.load_newobj
    yield pickle.BUILD, RestrictedUnpickler.load_build
    for opcode, name in ((pickle.INST, "INST"), (pickle.OBJ, "OBJ"), (pickle.NEWOBJ_EX, "NEWOBJ_EX")):
        yield opcode, _refuse_opcode(name)
    # Before a plural opcode the items lie on the stack and their container on the stack below.
    yield pickle.APPEND, _guard_items("load_append", list, lambda unpickler: unpickler.stack[-2])
    yield pickle.SETITEM, _guard_items("load_setitem", dict, lambda unpickler: unpickler.stack[-3])
    yield pickle.APPENDS, _guard_items("load_appends", list, lambda unpickler: unpickler.metastack[-1][-1])
    yield pickle.SETITEMS, _guard_items("load_setitems", dict, lambda unpickler: unpickler.metastack[-1][-1])
    yield pickle.ADDITEMS, _guard_items("load_additems", set, lambda unpickler: unpickler.metastack[-1][-1])


RestrictedUnpickler.dispatch.update({opcode[0]: guard for opcode, guard in _guards()})


def _model_part(module: str, name: str) -> Any:
    """An estimator class, a part of one, or a numpy scalar type or ufunc; None for everything else."""
    import numpy as np

    if "." in name or any(part in ("tests", "conftest", "_testing", "testing") for part in module.split(".")):
        return None
    if module in NUMPY_MODULES:
        resolved = vars(np).get(name)
        return (
            resolved
            if isinstance(resolved, np.ufunc) or (isinstance(resolved, type) and issubclass(resolved, np.generic))
            else None
        )
    if module.split(".")[0] not in ESTIMATOR_ROOTS:
        return None
    resolved = getattr(import_module(module), name, None)
    if (module, name) == CYTHON_LOSS:
        return resolved
    return resolved if isinstance(resolved, type) and _is_model_class(resolved) else None


def _is_model_class(kind: type) -> bool:
    from sklearn.base import BaseEstimator

    home = kind.__module__
    return home.split(".")[0] in ESTIMATOR_ROOTS and (issubclass(kind, BaseEstimator) or home.startswith(PART_MODULES))


def _check_arguments(function: Any, arguments: tuple[Any, ...]) -> None:
    """The callables whose arguments could lead further than a value."""
    import numpy as np
    from numpy.random import _pickle as generators
    from sklearn.utils.validation import check_array

    if function is np.dtype and not (
        arguments and isinstance(arguments[0], str) and PLAIN_DTYPE.fullmatch(arguments[0])
    ):
        raise _refusal("builds a dtype from something else than the name of a plain type")
    if function is partial and arguments != (check_array,):
        raise _refusal("prepares a call of something else than scikit-learn's check_array")
    if function is RECONSTRUCTOR and arguments[1:] != (object, None) and not _is_bunch(arguments):
        raise _refusal("rebuilds an object from foreign state")
    if getattr(function, "__name__", "") == "Tree" and not _counts_classes(arguments):
        raise _refusal("makes a tree whose outputs and numbers of classes disagree")
    if getattr(function, "__module__", None) == generators.__name__:
        foreign = [value for value in arguments[1:] if value is not getattr(generators, "__bit_generator_ctor")]
        if foreign:
            raise _refusal(f"makes a random generator through {_spell(foreign[0])}")


def _is_bunch(arguments: tuple[Any, ...]) -> bool:
    """Whether protocols 0 and 1 make scikit-learn's Bunch, which is a dict."""
    from sklearn.utils import Bunch

    return len(arguments) == 3 and arguments[0] is Bunch and arguments[1] is dict and type(arguments[2]) is dict


def _counts_classes(arguments: tuple[Any, ...]) -> bool:
    """Whether a tree is made with one number of classes per output: scikit-learn reads them without bounds checks."""
    import numpy as np

    features, classes, outputs = arguments if len(arguments) == 3 else (None, None, None)
    return bool(
        isinstance(features, (int, np.integer)) and isinstance(outputs, (int, np.integer))
        and isinstance(classes, np.ndarray) and classes.dtype == np.intp and classes.ndim == 1
        and len(classes) == outputs and outputs > 0 and (classes > 0).all()
    )  # fmt: skip


def _library_of(target: Any) -> str | None:
    """The library of a booster that takes its state; None for everything else."""
    kind = type(target)
    return BOOSTERS.get(kind.__module__) if kind.__name__ == "Booster" else None


def _check_state(target: Any, state: Any) -> None:
    import numpy as np
    from sklearn.utils.validation import check_array

    kind = type(target)
    if isinstance(target, np.dtype):
        _check_dtype_state(target, state)
    elif kind is partial:
        if not isinstance(state, tuple) or state[:1] != (check_array,):
            raise _refusal("prepares a call of something else than scikit-learn's check_array")
    elif isinstance(target, type) or kind.__module__.split(".")[0] not in STATEFUL_ROOTS:
        # A class that takes state would change every later object of it; builtins take none.
        raise _refusal(f"sets the state of {_spell(target)}")


def _check_dtype_state(target: np.dtype[Any], state: Any) -> None:
    """A dtype takes only the state that numpy itself would write for a dtype with these fields."""
    import numpy as np

    try:
        _, order, subarray, names, fields, itemsize, _, flags = state
        if names is None:
            clean = np.dtype(target.str)
            clean = clean.newbyteorder(order) if order in ("<", ">") else clean
        else:
            parts = [fields[name] for name in names]
            layout: Any = {
                "names": list(names), "formats": [part[0] for part in parts], "offsets": [part[1] for part in parts],
                "itemsize": itemsize,
            }  # fmt: skip
            clean = np.dtype(layout, align=bool(flags & 0x80))
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise _refusal(f"sets a state on a dtype that no model needs ({error})") from error
    if subarray is not None or (names is not None and clean.hasobject) or clean.__reduce__()[2] != state:
        raise _refusal(f"sets a state on {target!r} that numpy would not write")


def _spell(thing: Any) -> str:
    for (module, name), stand_in in STAND_INS.items():
        if thing is stand_in:
            return f"{module}.{name}"
    kind = thing if isinstance(thing, type) or hasattr(thing, "__qualname__") else type(thing)
    return f"{getattr(kind, '__module__', '?')}.{getattr(kind, '__qualname__', repr(kind))}"


def _refusal(what: str) -> UntrustedModel:
    return UntrustedModel(
        f"the file {what}, which is not on the list of what fitted models hold. Nothing of it was run. Save the model "
        "with skops or as ONNX, and of a search its best_estimator_; if the file is not yours, find out who made it"
    )
