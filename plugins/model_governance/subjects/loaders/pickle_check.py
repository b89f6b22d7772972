"""The stream of a pickle, read by the reader of the artifact scan before the loader builds anything of it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from model_governance.formats.pickle_calls import argument_problem, is_call, may_be_called
from model_governance.formats.pickle_names import allowed_in_pickle
from model_governance.formats.pickle_opcodes import CALLS, Call, Global
from model_governance.formats.pickle_stream import ForgedPickle, UnreadablePickle, read_pickle

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BytesIO

OLD = ("INST", "OBJ", "NEWOBJ_EX")


def check_stream(stream: BytesIO, refusal: Callable[[str], Exception]) -> None:
    """Nothing, when everything that the pickle names and calls is what models are built from; the stream stays where it is.

    Args:
        stream: from where the pickle begins.
        refusal: makes the error from what the file does.

    Raises:
        UnpicklingError: the stream is damaged.
        Exception: what `refusal` makes.
    """
    start = stream.tell()
    try:
        read_pickle(stream, lambda name, top, _: _check(name, top, refusal))
    except ForgedPickle as error:
        raise refusal(str(error)) from error
    except UnreadablePickle as error:
        raise pickle.UnpicklingError(str(error)) from error
    finally:
        stream.seek(start)


def _check(name: str, top: Any, refusal: Callable[[str], Exception]) -> None:
    if name in OLD:
        raise refusal(f"uses the opcode {name}")
    if name in ("GLOBAL", "STACK_GLOBAL"):
        if not isinstance(top, Global):
            raise refusal("names something by what it computes while loading")
        if not allowed_in_pickle(top.module, top.name):
            raise refusal(f"names {top.dotted}")
    if name not in CALLS or not isinstance(top, Call):
        return
    if not isinstance(top.function, Global):
        raise refusal("calls something that is computed while loading")
    if not isinstance(top.arguments, tuple):
        raise refusal(f"calls {top.function.dotted} with something else than arguments")
    problem = argument_problem(top)
    if problem:
        raise refusal(problem)
    if is_call(name, top) and not may_be_called(top.function):
        raise refusal(f"calls {top.function.dotted}")
