"""What the calls of a pickle mean: harmless with the arguments that models use, a way out with others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.machine import Called, Named
from model_governance.checks.supply_chain.artifact_scan.names import MODEL_ROOTS, modern, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from model_governance.checks.supply_chain.artifact_scan.ledger import Ledger

REFUSE = "do not load it; ask who made it and save the model with skops, ONNX or the library's own format"
REVIEW = "read the code of it; if it is yours and harmless, list it under trusted, otherwise save the model without it"
DTYPE = re.compile(r"[<>=|]?([?biufcmMSUVO])(\d*)")
# Compiled parts of scikit-learn that pickle themselves as a call; other estimators are made without arguments.
MADE_WITH_ARGUMENTS = re.compile(r"sklearn\.(_loss\.|linear_model\._sgd_fast\.|tree\._tree\.Tree$|.*\.newObj$)")
CHECK_ARRAY = Named("sklearn.utils.validation", "check_array")


def judge_name(name: str, where: str, ledger: Ledger) -> None:
    """Note a name that a file uses, and a finding where it is not a known part of models."""
    # Classes of TorchScript are those that the code beside them in the same archive compiles.
    scripted = name.startswith("__torch__.") and "!" in where
    found = "known" if scripted else standing(name, ledger.params.trusted)
    ledger.names[name] = found
    if found == "dangerous":
        what = f"names {name}, which can run code or reach the machine"
        ledger.find("dangerous", "dangerous name", where, what, REFUSE)
    elif found == "undeclared":
        ledger.find("suspicious", "undeclared type", where, f"needs {name}, which nobody has declared", REVIEW)


def judge_call(made: Called, place: str, where: str, ledger: Ledger) -> None:
    """Note a call that no model needs."""
    function, arguments = made.function, made.arguments
    if not isinstance(function, Named):
        ledger.find("dangerous", "hidden call", place, "calls something that is computed while loading", REFUSE)
        return
    name = modern(function.module, function.name)
    if not isinstance(arguments, tuple):
        ledger.find("dangerous", "hidden call", place, f"calls {name} with arguments that are computed", REFUSE)
        return
    if name == "functools.partial" and arguments[:1] != (CHECK_ARRAY,):
        judge_name(name, where, ledger)
    judge = PARTICULAR.get(name.rsplit(".", 1)[-1])
    problem = judge(name, arguments) if judge is not None else ""
    if problem:
        ledger.find("dangerous", "odd call", place, problem, REFUSE)
    elif name.split(".")[0] in MODEL_ROOTS and arguments and not MADE_WITH_ARGUMENTS.match(name):
        ledger.find(
            "suspicious", "constructor called", place, f"calls {name} with arguments of the file's choice", REVIEW
        )


def judge_state(target: Any, place: str, ledger: Ledger) -> None:
    """Note a state that is set on a class, or on a number type that would lie about its memory."""
    if isinstance(target, Named):
        told = modern(target.module, target.name)
        ledger.find("dangerous", "class altered", place, f"sets the state of {told} itself, not of an object", REFUSE)
    elif isinstance(target, Called) and target.function == Named("numpy", "dtype"):
        try:
            honest = _reduced(dtype_of(target)) == _plain(target.state)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            honest = False
        if not honest:
            ledger.find("dangerous", "odd type", place, "a number type with a state that numpy would not write", REFUSE)


def judge_items(name: str, target: Any, place: str, ledger: Ledger) -> None:
    """Note items that are added to a class, or to an object whose own method would then run."""
    if isinstance(target, Named):
        told = modern(target.module, target.name)
        ledger.find("dangerous", "class altered", place, f"adds items to {told} itself", REFUSE)
    elif isinstance(target, Called) and isinstance(target.function, Named):
        made = modern(target.function.module, target.function.name)
        if (made.split(".")[0] in MODEL_ROOTS and not made.endswith(".Bunch")) or (
            name.startswith("APPEND") and made != "collections.deque"
        ):
            ledger.find("suspicious", "odd items", place, f"adds items to a {made} by its own methods", REVIEW)


def dtype_of(made: Called) -> np.dtype[Any]:
    """The number type that a pickle describes, made anew from its description alone.

    Raises:
        ValueError, TypeError, KeyError, IndexError: it describes none.
    """
    import numpy as np

    code = made.arguments[0]
    if not isinstance(code, str) or not DTYPE.fullmatch(code):
        raise ValueError("no name of a plain type")
    clean = np.dtype(code)
    if made.state is None:
        return clean
    _, order, subarray, names, fields, itemsize, _, flags = made.state[:8]
    if subarray is not None:
        raise ValueError("a type with a shape")
    if names is None:
        return clean.newbyteorder(order) if order in ("<", ">") else clean
    parts = [fields[name] for name in names]
    layout: Any = {
        "names": list(names), "formats": [dtype_of(one[0]) for one in parts], "offsets": [one[1] for one in parts],
        "itemsize": itemsize,
    }  # fmt: skip
    return np.dtype(layout, align=bool(flags & 0x80))


def _reduced(dtype: np.dtype[Any]) -> Any:
    return _plain(dtype.__reduce__()[2])


def _plain(state: Any) -> Any:
    """A state with the types of its fields replaced by what they amount to; names and sizes stay."""
    import numpy as np

    if isinstance(state, tuple):
        return tuple(_plain(one) for one in state)
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, Called):
        return _plain(dtype_of(state))
    if isinstance(state, np.dtype):
        # Both sides are made by numpy here, so that its own spelling compares.
        return (state.str, state.descr if state.names else None, state.itemsize)
    return state


def _array(_: str, arguments: tuple[Any, ...]) -> str:
    return "lays an array over memory of the file's choice" if arguments else ""


def _rebuilt(_: str, arguments: tuple[Any, ...]) -> str:
    first = arguments[0] if arguments else None
    if first in (Named("numpy", "ndarray"), Named("numpy", "matrix"), Named("numpy", "recarray")):
        return ""
    return "rebuilds something else than an array as one"


def _dtype(name: str, arguments: tuple[Any, ...]) -> str:
    plain = arguments and isinstance(arguments[0], str) and DTYPE.fullmatch(arguments[0])
    return "" if plain or name != "numpy.dtype" else "builds a number type from something else than its name"


def _reconstructor(_: str, arguments: tuple[Any, ...]) -> str:
    bases = (
        ("builtins", "object"),
        ("builtins", "dict"),
        ("builtins", "list"),
        ("builtins", "tuple"),
        ("builtins", "set"),
    )
    base = arguments[1] if len(arguments) > 1 else None
    known = isinstance(base, Named) and tuple(modern(base.module, base.name).split(".")) in bases
    if not known or (
        base in (Named("builtins", "object"), Named("__builtin__", "object")) and arguments[2] is not None
    ):
        return "rebuilds an object from foreign state"
    return ""


def _generator(name: str, arguments: tuple[Any, ...]) -> str:
    makers = [one for one in arguments[1:] if one != Named("numpy.random._pickle", "__bit_generator_ctor")]
    return f"makes a random generator through a callable of the file's choice ({name})" if makers else ""


PARTICULAR: Mapping[str, Callable[[str, tuple[Any, ...]], str]] = {
    "ndarray": _array,
    "_reconstruct": _rebuilt,
    "dtype": _dtype,
    "_reconstructor": _reconstructor,
    "__generator_ctor": _generator,
    "__randomstate_ctor": _generator,
    "__bit_generator_ctor": _generator,
}
