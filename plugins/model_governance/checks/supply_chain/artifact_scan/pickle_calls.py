"""Calls in a pickle: harmless with the arguments that models use, dangerous with others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.dangerous_names import MODEL_ROOTS, Family, standing
from model_governance.formats.pickle_opcodes import Call, Global

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog

REFUSE = "do not load it; ask who made it and save the model with skops, ONNX or the library's own format"
REVIEW = "read the code of it; if it is yours and harmless, list it under trusted, otherwise save the model without it"
DTYPE = re.compile(r"[<>=|]?([?biufcmMSUVO])(\d*)")
# Compiled parts of scikit-learn that pickle themselves as a call; other estimators are made without arguments.
MADE_WITH_ARGUMENTS = re.compile(r"sklearn\.(_loss\.|linear_model\._sgd_fast\.|tree\._tree\.Tree$|.*\.newObj$)")
CHECK_ARRAY = Global("sklearn.utils.validation", "check_array")
BIT_GENERATOR = Global("numpy.random._pickle", "__bit_generator_ctor")
PLAIN_BASES = tuple(Global("builtins", name) for name in ("object", "dict", "list", "tuple", "set"))


def judge_name(module: str, name: str, where: str, log: ScanLog, *, family: Family = "pickle") -> None:
    """Record a name that a file uses, with a finding where its loader refuses it."""
    dotted = f"{module}.{name}"
    judged = standing(module, name, log.params.trusted, family=family)
    log.names[dotted] = judged
    if judged == "dangerous":
        what = f"names {dotted}, which can run code or reach the machine"
        log.add("dangerous", "dangerous name", where, what, REFUSE)
    elif judged == "undeclared":
        log.add("suspicious", "undeclared type", where, f"needs {dotted}, which nobody has declared", REVIEW)


def judge_call(call: Call, place: str, where: str, log: ScanLog) -> None:
    """Record a call that no model needs.

    Args:
        call: function and arguments, as symbols.
        place: part and byte of the call, for the report.
        where: part of the file.
        log: takes the findings.
    """
    function, arguments = call.function, call.arguments
    if not isinstance(function, Global):
        log.add("dangerous", "hidden call", place, "calls something that is computed while loading", REFUSE)
        return
    name = function.dotted
    if not isinstance(arguments, tuple):
        log.add("dangerous", "hidden call", place, f"calls {name} with arguments that are computed", REFUSE)
        return
    if name == "functools.partial" and arguments[:1] != (CHECK_ARRAY,):
        log.names[name] = "undeclared"
        log.add("suspicious", "undeclared type", where, f"needs {name} of something else than check_array", REVIEW)
    judge = ARGUMENT_RULES.get(name.rsplit(".", 1)[-1])
    problem = judge(name, arguments) if judge is not None else ""
    if problem:
        log.add("dangerous", "unusual call", place, problem, REFUSE)
    elif name.split(".")[0] in MODEL_ROOTS and arguments and not MADE_WITH_ARGUMENTS.match(name):
        log.add("suspicious", "constructor called", place, f"calls {name} with arguments of the file's choice", REVIEW)


def judge_state(target: Any, place: str, log: ScanLog) -> None:
    """Record a state that is set on a class, or on a dtype that numpy would not have written."""
    if isinstance(target, Global):
        what = f"sets the state of {target.dotted} itself, not of an object"
        log.add("dangerous", "class altered", place, what, REFUSE)
    elif isinstance(target, Call) and target.function == Global("numpy", "dtype"):
        try:
            as_numpy_writes = _reduced(dtype_of(target)) == _plain(target.state)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            as_numpy_writes = False
        if not as_numpy_writes:
            log.add("dangerous", "forged dtype", place, "a number type with a state that numpy would not write", REFUSE)


def judge_items(name: str, target: Any, place: str, log: ScanLog) -> None:
    """Record items that are added to a class, or to an object whose own method would then run."""
    if isinstance(target, Global):
        log.add("dangerous", "class altered", place, f"adds items to {target.dotted} itself", REFUSE)
    elif isinstance(target, Call) and isinstance(target.function, Global):
        made = target.function.dotted
        if (made.split(".")[0] in MODEL_ROOTS and not made.endswith(".Bunch")) or (
            name.startswith("APPEND") and made != "collections.deque"
        ):
            log.add("suspicious", "unusual items", place, f"adds items to a {made} by its own methods", REVIEW)


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


def _array(_: str, arguments: tuple[Any, ...]) -> str:
    return "lays an array over memory of the file's choice" if arguments else ""


def _rebuilt(_: str, arguments: tuple[Any, ...]) -> str:
    first = arguments[0] if arguments else None
    if first in (Global("numpy", "ndarray"), Global("numpy", "matrix"), Global("numpy", "recarray")):
        return ""
    return "rebuilds something else than an array as one"


def _dtype(name: str, arguments: tuple[Any, ...]) -> str:
    plain = arguments and isinstance(arguments[0], str) and DTYPE.fullmatch(arguments[0])
    return "" if plain or name != "numpy.dtype" else "builds a number type from something else than its name"


def _reconstructor(_: str, arguments: tuple[Any, ...]) -> str:
    base = arguments[1] if len(arguments) > 1 else None
    if base not in PLAIN_BASES or (base == PLAIN_BASES[0] and arguments[2] is not None):
        return "rebuilds an object from foreign state"
    return ""


def _generator(name: str, arguments: tuple[Any, ...]) -> str:
    constructors = [value for value in arguments[1:] if value != BIT_GENERATOR]
    return f"makes a random generator through a callable of the file's choice ({name})" if constructors else ""


ARGUMENT_RULES: Mapping[str, Callable[[str, tuple[Any, ...]], str]] = {
    "ndarray": _array,
    "_reconstruct": _rebuilt,
    "dtype": _dtype,
    "_reconstructor": _reconstructor,
    "__generator_ctor": _generator,
    "__randomstate_ctor": _generator,
    "__bit_generator_ctor": _generator,
}
