"""Calls in a pickle: harmless with the arguments that models use, dangerous with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.dangerous_names import (
    ALLOWED,
    INERT_CALLS,
    MODEL_ROOTS,
    Family,
    standing,
)
from model_governance.formats.pickle_calls import CHECK_ARRAY, argument_problem, is_call, is_numpy_state, may_be_called
from model_governance.formats.pickle_opcodes import Call, Global

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog

REFUSE = "do not load it; ask who made it and save the model with skops, ONNX or the library's own format"
REVIEW = "read the code of it; if it is yours and harmless, list it under trusted, otherwise save the model without it"


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


def judge_call(opcode: str, call: Call, place: str, where: str, log: ScanLog, *, family: Family) -> None:
    """Record a call that no model needs.

    Args:
        opcode: the name of the opcode that calls.
        call: function and arguments, as symbols.
        place: part and byte of the call, for the report.
        where: part of the file.
        log: takes the findings.
        family: the loader that would read it.
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
        prepared = arguments[0] if arguments and isinstance(arguments[0], Global) else None
        if prepared is not None:
            _judge_function(prepared, place, log, family=family)
    problem = argument_problem(call)
    if problem:
        log.add("dangerous", "unusual call", place, problem, REFUSE)
    elif is_call(opcode, call):
        _judge_function(function, place, log, family=family)


def _judge_function(function: Global, place: str, log: ScanLog, *, family: Family) -> None:
    """Record the call of a function that models do not call: what it does is not known, whatever its name."""
    module, name = function.module, function.name
    judged = standing(module, name, log.params.trusted, family=family)
    if judged == "dangerous" or (family == "pickle" and may_be_called(function)):
        return
    if judged == "known" and (family != "pickle" or not ALLOWED[family](module, name)):
        return
    if function.dotted in INERT_CALLS:
        log.add("suspicious", "unknown call", place, f"calls {function.dotted}, which the loader refuses", REVIEW)
        return
    what = f"calls or prepares {function.dotted}, which is on no list of what models call"
    log.add("dangerous", "unknown call", place, what, REFUSE if judged == "known" else REVIEW)


def judge_state(target: Any, place: str, log: ScanLog) -> None:
    """Record a state that is set on a class, on what is no object, or on a dtype that numpy would not have written."""
    if isinstance(target, Global):
        what = f"sets the state of {target.dotted} itself, not of an object"
        log.add("dangerous", "class altered", place, what, REFUSE)
    elif not isinstance(target, Call):
        log.add("dangerous", "class altered", place, "sets the state of something that was not just made", REFUSE)
    elif target.function == Global("numpy", "dtype") and not is_numpy_state(target):
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
