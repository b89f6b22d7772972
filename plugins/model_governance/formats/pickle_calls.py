"""What models do with the names of a pickle: which they call, with which arguments, and which state they set.

The rules are those of the loader and of the artifact scan alike; they judge symbols (`formats.pickle_opcodes`), never objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.formats.pickle_names import CALLABLE, CYTHON_LOSS, REBUILT_MODULES
from model_governance.formats.pickle_opcodes import Call, Global, List
from model_governance.formats.pickle_stream import DTYPE, OBJECT, STORED_ARRAY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

CHECK_ARRAY = Global("sklearn.utils.validation", "check_array")
BIT_GENERATOR = Global("numpy.random._pickle", "__bit_generator_ctor")
ENCODE = Global("_codecs", "encode")
NDARRAY = Global("numpy", "ndarray")
BUNCH, DICT = Global("sklearn.utils._bunch", "Bunch"), Global("builtins", "dict")
MASKED = (Global("numpy.ma", "MaskedArray"), Global("numpy.ma.core", "MaskedArray"))
ALSO_CALLED = frozenset(
    {
        CYTHON_LOSS,
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.ma.core", "_mareconstruct"),
        *((module, "newObj") for module in REBUILT_MODULES),
    }
)


CALLED_MODULES = ("sklearn._loss.", "sklearn.linear_model._sgd_fast")  # losses, made with numbers


def is_call(opcode: str, call: Call) -> bool:
    """Whether an opcode calls what the file names: NEWOBJ without arguments only makes an empty object of a class."""
    return opcode != "NEWOBJ" or call.arguments != ()


def may_be_called(function: Global) -> bool:
    """Whether models call this name; every other one is only named, or the class of an object."""
    pair = (function.module, function.name)
    return pair in CALLABLE or pair in ALSO_CALLED or function.module.startswith(CALLED_MODULES)


def argument_problem(call: Call) -> str:
    """What is wrong with the arguments of a call; empty where models use such ones.

    Args:
        call: of a `Global`, with a tuple of arguments.
    """
    name, arguments = call.function.dotted, call.arguments
    if _holds(arguments, STORED_ARRAY) and name != "copyreg._reconstructor":
        return f"calls {name} with a wrapper of joblib, after which joblib reads the bytes that follow as an array"
    judge = ARGUMENT_RULES.get(name.rsplit(".", 1)[-1])
    return judge(name, arguments) if judge is not None else ""


def is_numpy_state(target: Call) -> bool:
    """Whether the state of a number type is what numpy writes for it."""
    try:
        return bool(_reduced(dtype_of(target)) == _plain(target.state))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return False


def dtype_of(call: Call) -> np.dtype[Any]:
    """The dtype that a pickle describes, built from its description.

    Raises:
        ValueError, TypeError, KeyError, IndexError: it describes none.
    """
    import numpy as np

    code = call.arguments[0]
    if not isinstance(code, str) or not DTYPE.fullmatch(code):
        raise ValueError("no name of a plain type")
    clean = np.dtype(code)
    if call.state is None:
        return clean
    _, order, subarray, names, fields, itemsize, _, flags = call.state[:8]
    if subarray is not None:
        raise ValueError("a type with a shape")
    if names is None:
        return clean.newbyteorder(order) if order in ("<", ">") else clean
    parts = [fields[name] for name in names]
    layout: Any = {
        "names": list(names), "formats": [dtype_of(part[0]) for part in parts], "offsets": [part[1] for part in parts],
        "itemsize": itemsize,
    }  # fmt: skip
    return np.dtype(layout, align=bool(flags & 0x80))


def _reduced(dtype: np.dtype[Any]) -> Any:
    return _plain(dtype.__reduce__()[2])


def _plain(state: Any) -> Any:
    """A state with the types of its fields replaced by what they amount to; names and sizes stay."""
    import numpy as np

    if isinstance(state, tuple):
        return tuple(_plain(item) for item in state)
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, Call):
        return _plain(dtype_of(state))
    if isinstance(state, np.dtype):
        # Both sides are made by numpy here, so that its own spelling compares.
        return (state.str, state.descr if state.names else None, state.itemsize)
    return state


def _holds(arguments: tuple[Any, ...], wanted: Global) -> bool:
    return any(item == wanted for item in arguments if isinstance(item, Global))


def _array(_: str, arguments: tuple[Any, ...]) -> str:
    return "lays an array over memory of the file's choice" if arguments else ""


def _rebuilt(_: str, arguments: tuple[Any, ...]) -> str:
    first = arguments[0] if arguments else None
    if first not in (NDARRAY, Global("numpy", "matrix"), Global("numpy", "recarray")):
        return "rebuilds something else than an array as one"
    return "" if arguments[1:2] == ((0,),) else "makes an array of a size that numpy never writes here"


def _dtype(name: str, arguments: tuple[Any, ...]) -> str:
    plain = arguments and isinstance(arguments[0], str) and DTYPE.fullmatch(arguments[0])
    return "" if plain or name != "numpy.dtype" else "builds a number type from something else than its name"


def _reconstructor(_: str, arguments: tuple[Any, ...]) -> str:
    """An empty object, as protocols 0 and 1 make it, or scikit-learn's Bunch, which is a dict."""
    bunch = len(arguments) == 3 and arguments[:2] == (BUNCH, DICT) and isinstance(arguments[2], dict)
    plain = len(arguments) == 3 and arguments[1:] == (OBJECT, None)
    return "" if bunch or plain else "rebuilds an object from foreign state"


def _masked(_: str, arguments: tuple[Any, ...]) -> str:
    plain = arguments[:1] and arguments[0] in MASKED and arguments[1:3] == (NDARRAY, (0,))
    return "" if plain else "rebuilds something else than a masked array as one"


def _search_tree(name: str, arguments: tuple[Any, ...]) -> str:
    (kind,) = arguments if len(arguments) == 1 else (None,)
    if isinstance(kind, Global) and name == f"{kind.module}.newObj":
        return ""
    return f"makes a compiled object through {name} that scikit-learn would not"


def _members(name: str, arguments: tuple[Any, ...]) -> str:
    """A set, dict or bytes of what stands in the file, not of a number or a range."""
    plain = len(arguments) <= 1 and all(isinstance(item, List) or item == () for item in arguments)
    return "" if plain else f"fills {name} with something else than a list that stands in the file"


def _bytes(name: str, arguments: tuple[Any, ...]) -> str:
    computed = any(
        type(item) in (int, float, bool) or (isinstance(item, Call) and item.function != ENCODE) for item in arguments
    )
    return f"makes {name} of a size that the file chooses" if computed else ""


def _encode(_: str, arguments: tuple[Any, ...]) -> str:
    plain = len(arguments) == 2 and arguments[1] in ("latin1", "latin-1")
    return "" if plain else "encodes a text by another codec than Latin-1"


def _factory(name: str, arguments: tuple[Any, ...]) -> str:
    plain = len(arguments) <= 1 and all(isinstance(item, Global) or item is None for item in arguments)
    return "" if plain else f"makes {name} with something else than a class"


def _generator(name: str, arguments: tuple[Any, ...]) -> str:
    constructors = [value for value in arguments[1:] if value != BIT_GENERATOR]
    return f"makes a random generator through a callable of the file's choice ({name})" if constructors else ""


ARGUMENT_RULES: Mapping[str, Callable[[str, tuple[Any, ...]], str]] = {
    "ndarray": _array,
    "_mareconstruct": _masked,
    "newObj": _search_tree,
    "set": _members,
    "frozenset": _members,
    "OrderedDict": _members,
    "defaultdict": _factory,
    "bytes": _bytes,
    "bytearray": _bytes,
    "encode": _encode,
    "_reconstruct": _rebuilt,
    "dtype": _dtype,
    "_reconstructor": _reconstructor,
    "__generator_ctor": _generator,
    "__randomstate_ctor": _generator,
    "__bit_generator_ctor": _generator,
}
